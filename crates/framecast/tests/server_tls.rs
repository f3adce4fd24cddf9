//! Encrypted connections: certificates, who is let in by which version, and what holds for the rest of the server then.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/server.rs"]
mod server;
#[path = "support/tls.rs"]
mod tls;

use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use certificates::{leaf, openssl};
use futures_util::{SinkExt, StreamExt};
use rustix::process::Signal;
use serde_json::json;
use server::{Server, Start, eventually, framecast, jpeg, run, serve};
use tls::{VERSIONS, Watching, ask, authority, camera, curl, encrypted, try_ask, until};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

const STREAM: &str = "/cameras/camera/stream.mjpg";

#[test]
fn pages_and_streams_come_by_both_versions_of_http() {
    let server = encrypted().camera("test#size=160x120,fps=10").spawn();
    assert_eq!(server.scheme, "https");
    for (flag, version) in VERSIONS {
        for name in ["127.0.0.1", "localhost"] {
            let url = format!("https://{name}:{}/healthz", server.address.port());
            let said = ask(&server, &[flag, &url]);
            assert_eq!((said.status, said.text().as_str()), (200, "ok\n"));
            assert_eq!(said.version, version);
        }
        let page = ask(&server, &[flag, &server.url("/")]);
        assert!(page.text().contains("cameras/camera/"));
        let mut watching = Watching::start(&server, &[flag], &server.url(STREAM));
        let ages = watching.ages(10);
        assert!(ages[5] < 0.4, "{flag}: {ages:?}");
        assert_eq!(camera(&server, "camera")["viewers"], 1);
        drop(watching);
        until(&server, "camera", |view| view["viewers"] == 0);
    }
    // Who knows neither gets the first, as programs do that speak to a socket.
    let port = server.address.port().to_string();
    let connect = format!("127.0.0.1:{port}");
    for (version, accepted) in [("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)] {
        let said = run("openssl", &["s_client", "-connect", &connect, version]);
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let begun = said.contains("BEGIN CERTIFICATE");
        assert_eq!(begun, accepted, "{version}: {said}");
        if accepted {
            assert!(said.contains("No ALPN negotiated"), "{said}");
        }
    }
}

#[test]
fn the_certificate_that_is_made_is_told_kept_and_nobody_elses() {
    let server = encrypted().camera("test").spawn();
    let path = authority(&server);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let fingerprint = |path: &Path| {
        let path = path.display();
        let said = openssl(
            Path::new("/"),
            &format!("x509 -in {path} -noout -fingerprint -sha256"),
        );
        said.trim().split_once('=').unwrap().1.to_owned()
    };
    let told = fingerprint(&path);
    assert!(server.log().contains(&told), "{told}\n{}", server.log());
    // The next start finds it where it was.
    let state = server.path("framecast");
    let again = encrypted().env("FRAMECAST_STATE", &state).camera("test");
    let again = again.spawn();
    assert!(again.log().contains(&told), "{told}\n{}", again.log());
    // Another name needs another.
    let start = encrypted().env("FRAMECAST_STATE", &state).camera("test");
    let other = start.arg("--allow-host").arg("cams.example.org").spawn();
    let now = fingerprint(&path);
    assert_ne!(now, told);
    assert!(other.log().contains(&now), "{now}\n{}", other.log());
    let there = format!("cams.example.org:{}:127.0.0.1", other.address.port());
    let url = format!("https://cams.example.org:{}/healthz", other.address.port());
    let said = ask(&server, &["--resolve", &there, &url]);
    assert_eq!(said.status, 200);
}

/// A server with the authority's certificate NAME, of which there may be copies.
fn certified(name: &str, start: impl FnOnce(Start) -> Start) -> Server {
    let begun = framecast();
    let folder = begun.path("");
    certificates::authority(&folder);
    leaf(&folder, name);
    // Where the curl of these tests looks for whom to trust.
    fs::create_dir(folder.join("framecast")).unwrap();
    fs::copy(
        folder.join("ca.pem"),
        folder.join("framecast/self-signed.pem"),
    )
    .unwrap();
    let text = format!("[tls]\ncertificate = '{name}.pem'\nkey = '{name}.key'\n");
    start(begun.config(&text)).spawn()
}

/// Waits until a line of the log, behind what was there before, holds `part`, and returns it.
fn logged(server: &Server, before: &str, part: &str) -> String {
    eventually(part, || {
        let log = server.log();
        let new = &log[before.len()..];
        let found = new.lines().find(|line| line.contains(part));
        found.map(str::to_owned).ok_or_else(|| new.to_owned())
    })
}

#[test]
fn another_certificate_counts_at_once_and_streams_go_on() {
    let server = certified("one", |start| start.camera("test#size=160x120,fps=10"));
    let folder = server.path("");
    let serial = || {
        let connect = format!("127.0.0.1:{}", server.address.port());
        let line =
            format!("openssl s_client -connect {connect} </dev/null | openssl x509 -noout -serial");
        String::from_utf8(run("sh", &["-c", &line]).stdout).unwrap()
    };
    let first = serial();
    assert!(first.contains("serial="), "{first}");
    let mut watched = VERSIONS.map(|(flag, _)| {
        let mut watching = Watching::start(&server, &[flag], &server.url(STREAM));
        watching.viewer.next();
        watching
    });

    // As certbot does it: the key and the certificate, one after the other.
    leaf(&folder, "two");
    let before = server.log();
    fs::rename(folder.join("two.key"), folder.join("one.key")).unwrap();
    fs::rename(folder.join("two.pem"), folder.join("one.pem")).unwrap();
    logged(&server, &before, "another certificate is shown");
    let second = serial();
    assert_ne!(second, first);
    assert_eq!(ask(&server, &[&server.url("/healthz")]).status, 200);

    // A pair that is none changes nothing, and is named in one line.
    let before = server.log();
    leaf(&folder, "three");
    fs::rename(folder.join("three.key"), folder.join("one.key")).unwrap();
    let line = logged(&server, &before, "ERROR");
    assert!(
        line.contains("the certificate is the one from before"),
        "{line}"
    );
    assert!(
        line.contains("one.key") && line.contains("does not belong"),
        "{line}"
    );
    assert_eq!(serial(), second);
    // Until it is whole; a signal makes it be read as well.
    let before = server.log();
    fs::rename(folder.join("three.pem"), folder.join("one.pem")).unwrap();
    server.signal(Signal::HUP);
    logged(&server, &before, "another certificate is shown");
    assert_ne!(serial(), second);
    for watching in &mut watched {
        for _ in 0..5 {
            watching.viewer.until(server::Part::is_live);
        }
    }
}

#[test]
fn a_certificate_that_cannot_be_used_is_said_so_in_one_line() {
    let check = |make: &dyn Fn(&Path), wrong: &[&str]| {
        let start = framecast().camera("test");
        let folder = start.path("");
        certificates::authority(&folder);
        leaf(&folder, "one");
        leaf(&folder, "two");
        make(&folder);
        let text = "[tls]\ncertificate = 'one.pem'\nkey = 'one.key'\n";
        let start = start.config(text).listen("127.0.0.1:0");
        // Root reads everything.
        let is_root = rustix::process::geteuid().is_root();
        let start = if is_root {
            start.by_way_of(
                "setpriv",
                &["--inh-caps=-all", "--bounding-set=-all", "--reuid=0"],
            )
        } else {
            start
        };
        let output = start.output();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        for part in wrong {
            assert!(said.contains(part), "{part}: {said}");
        }
    };
    let write = |name: &'static str, text: &'static str| {
        move |folder: &Path| fs::write(folder.join(name), text).unwrap()
    };
    let remove =
        |name: &'static str| move |folder: &Path| fs::remove_file(folder.join(name)).unwrap();
    check(&remove("one.pem"), &["TLS: ", "one.pem: No such file"]);
    check(&remove("one.key"), &["TLS: ", "one.key: No such file"]);
    check(
        &write("one.pem", ""),
        &["one.pem: there is no certificate in it"],
    );
    check(
        &write("one.key", "secret"),
        &["one.key: there is no private key in it"],
    );
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    check(
        &write("one.pem", broken),
        &["one.pem: the certificate can't be understood"],
    );
    let other = |folder: &Path| {
        fs::copy(folder.join("two.key"), folder.join("one.key")).unwrap();
    };
    check(
        &other,
        &[
            "one.key: the key does not belong to the certificate in ",
            "one.pem",
        ],
    );
    let locked = |folder: &Path| {
        let none = fs::Permissions::from_mode(0o000);
        fs::set_permissions(folder.join("one.key"), none).unwrap();
    };
    check(&locked, &["one.key: Permission denied"]);
    let is_folder = |folder: &Path| {
        fs::remove_file(folder.join("one.key")).unwrap();
        fs::create_dir(folder.join("one.key")).unwrap();
    };
    check(&is_folder, &["one.key: this is no file"]);
}

#[test]
fn a_key_comes_from_systemd_or_in_the_certificates_own_file() {
    let credentials = tempfile::tempdir().unwrap();
    let secret = credentials.path().to_owned();
    let server = certified("one", |start| {
        // Not beside the configuration any more.
        fs::rename(start.path("one.key"), secret.join("one.key")).unwrap();
        start.env("CREDENTIALS_DIRECTORY", &secret).camera("test")
    });
    assert_eq!(ask(&server, &[&server.url("/healthz")]).status, 200);

    let both = framecast().camera("test");
    let folder = both.path("");
    certificates::authority(&folder);
    leaf(&folder, "one");
    let pair = ["one.pem", "one.key"].map(|name| fs::read(folder.join(name)).unwrap());
    fs::write(folder.join("both.pem"), pair.concat()).unwrap();
    let everyones = fs::Permissions::from_mode(0o644);
    fs::set_permissions(folder.join("both.pem"), everyones).unwrap();
    // On the command line a path is meant from where one is.
    let both = both.arg("--tls-certificate").arg("both.pem").spawn();
    let log = both.log();
    assert!(
        log.contains("everyone on this machine can read the key"),
        "{log}"
    );
    let said = run(
        "curl",
        &[
            "-sS",
            "--cacert",
            &folder.join("ca.pem").display().to_string(),
            &both.url("/healthz"),
        ],
    );
    assert_eq!(String::from_utf8_lossy(&said.stdout), "ok\n");
}

#[test]
fn clients_that_hang_in_the_handshake_hold_nobody_up_and_are_let_go() {
    let server = encrypted().camera("test").spawn();
    let begun = Instant::now();
    let mut hanging: Vec<_> = (0..100)
        .map(|number| {
            let mut socket = server.connect();
            // Nothing at all, the beginning of a hello, or the beginning of a request.
            let said: &[u8] = match number % 3 {
                0 => b"",
                1 => b"\x16\x03\x01\x02\x00\x01\x00",
                _ => b"GET / HTTP/1.1\r\nHost:",
            };
            socket.write_all(said).unwrap();
            socket
        })
        .collect();
    assert_eq!(ask(&server, &[&server.url("/healthz")]).status, 200);
    assert!(begun.elapsed() < Duration::from_secs(8), "it was held up");
    for socket in &mut hanging {
        let _ended = socket.read_to_end(&mut Vec::new());
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(9), "{took:?}");
    assert!(took < Duration::from_secs(25), "{took:?}");
}

#[test]
fn who_comes_again_need_not_do_the_whole_handshake() {
    let server = encrypted().camera("test").spawn();
    let connect = format!("127.0.0.1:{}", server.address.port());
    for version in ["-tls1_2", "-tls1_3"] {
        let line = format!(
            "(printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n'; sleep 1) \
             | openssl s_client -connect {connect} {version} -ign_eof \"$@\""
        );
        let session = server.path("session").display().to_string();
        let talk = |option: &str| {
            let said = run("sh", &["-c", &line, "sh", option, &session]);
            String::from_utf8_lossy(&said.stdout).into_owned()
        };
        assert!(talk("-sess_out").contains("New, TLS"), "{version}");
        let again = talk("-sess_in");
        assert!(again.contains("Reused, TLS"), "{version}: {again}");
        assert!(again.contains("\r\n\r\nok\n"), "{version}: {again}");
    }
}

#[test]
fn who_comes_without_encryption_is_sent_to_where_it_is() {
    let server = encrypted()
        .arg("--tls-redirect")
        .arg("127.0.0.1:0")
        .camera("test")
        .spawn();
    let log = server.log();
    let (_, rest) = log.split_once("requests to http://").unwrap();
    let redirecting = rest.split(' ').next().unwrap().to_owned();
    let port = server.address.port();
    for from in [server.address.to_string(), redirecting.clone()] {
        // A browser, or a program that follows.
        let said = ask(&server, &["-L", &format!("http://{from}/healthz")]);
        assert_eq!((said.status, said.version.as_str()), (200, "2"), "{said:?}");
        let said = ask(&server, &[&format!("http://{from}/login?next=x")]);
        assert_eq!(said.status, 307);
        let to = format!("https://127.0.0.1:{port}/login?next=x");
        assert_eq!(said.header("location"), Some(to.as_str()));
        assert_eq!(said.header("cache-control"), Some("no-store"));
        // Nobody is led elsewhere by way of this server.
        for host in ["evil.example", "evil.example/.local", "evil.example:80"] {
            let header = format!("Host: {host}");
            let said = ask(&server, &["-H", &header, &format!("http://{from}/")]);
            assert_eq!(
                (said.status, said.header("location")),
                (421, None),
                "{host}"
            );
        }
        // Nothing is served there.
        let post = [
            "-X",
            "POST",
            "-d",
            "name=anna",
            &format!("http://{from}/login"),
        ];
        assert_eq!(ask(&server, &post).status, 307);
    }
    // What is neither.
    let mut socket = server.connect();
    socket.write_all(b"\0\x01\x02\r\n\r\n").unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");
}

#[test]
fn a_login_goes_over_encrypted_connections_only() {
    let server = encrypted()
        .camera("test#size=160x120")
        .user("anna", "correct horse", &["--role", "control"])
        .spawn();
    for (flag, _) in VERSIONS {
        let form = "name=anna&password=correct+horse";
        let origin = format!("Origin: {}", server.url(""));
        let cookies = server.path("cookies").display().to_string();
        let keep = ["-c", &cookies, "-b", &cookies, flag];
        let log_in = ["-d", form, "-H", &origin, &server.url("/login")];
        let said = ask(&server, &[&keep[..], &log_in].concat());
        assert_eq!(said.status, 303, "{said:?}");
        let cookie = said.header("set-cookie").unwrap();
        assert!(cookie.ends_with("; secure"), "{cookie}");
        let page = ask(&server, &[&keep[..], &[&server.url("/")]].concat());
        assert_eq!(page.status, 200);
        // Changes count from the server's own pages only, whichever way the host is told.
        let path = server.url("/api/v1/cameras/camera/links");
        let sign = |origin: &str| {
            let body = ["-d", r#"{"action": "snapshot"}"#];
            let kind = ["-H", "Content-Type: application/json", "-H", origin, &path];
            ask(&server, &[&keep[..], &body, &kind].concat())
        };
        assert_eq!(sign("Origin: https://evil.example").status, 403);
        let signed = sign(&origin);
        assert!(signed.status < 300, "{}", signed.text());
        let link: serde_json::Value = serde_json::from_slice(&signed.body).unwrap();
        let link = format!("/{}", link["path"].as_str().unwrap());
        assert_eq!(ask(&server, &[flag, &server.url(&link)]).status, 200);
        // A page of another site does not get in by the cookie.
        let evil = [
            "-d",
            form,
            "-H",
            "Origin: https://evil.example",
            &server.url("/login"),
        ];
        assert_eq!(ask(&server, &evil).status, 403);
    }
}

#[test]
fn the_addresses_that_are_shown_at_first_are_encrypted_ones() {
    let server = encrypted()
        .listen("0.0.0.0:0")
        .camera("test#size=160x120")
        .spawn();
    let log = server.log();
    let begin = format!("https://127.0.0.1:{}/?token=", server.address.port());
    let shown = log.lines().find(|line| line.contains(&begin)).unwrap();
    let said = ask(&server, &["-H", "Sec-Fetch-Mode: navigate", shown.trim()]);
    assert_eq!(said.status, 303, "{said:?}");
    let cookie = said.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; secure"), "{cookie}");
}

#[test]
fn browsers_are_told_to_insist_only_by_a_public_name_and_only_if_asked() {
    let text = "allow_hosts = ['cams.example.org']\n[tls]\nself_signed = true\nhsts = '180days'\n";
    let server = framecast().config(text).spawn();
    let port = server.address.port();
    let told = |server: &Server, name: &str| {
        let port = server.address.port();
        let there = format!("{name}:{port}:127.0.0.1");
        let url = format!("https://{name}:{port}/healthz");
        let said = ask(server, &["-k", "--resolve", &there, &url]);
        assert_eq!(said.status, 200, "{said:?}");
        said.header("strict-transport-security").map(str::to_owned)
    };
    let half_a_year = Some("max-age=15552000".to_owned());
    assert_eq!(told(&server, "cams.example.org"), half_a_year);
    for name in ["localhost", "octopi", "camera.local", "127.0.0.1"] {
        assert_eq!(told(&server, name), None, "{name}");
    }
    let plain = ask(
        &server,
        &[
            "-H",
            "Host: cams.example.org",
            &format!("http://127.0.0.1:{port}/"),
        ],
    );
    assert_eq!(
        (plain.status, plain.header("strict-transport-security")),
        (307, None)
    );
    let silent = encrypted()
        .arg("--allow-host")
        .arg("cams.example.org")
        .spawn();
    assert_eq!(told(&silent, "cams.example.org"), None);
}

/// A connection as a browser opens it for a WebSocket: HTTP/1.1 only.
async fn connect(server: &Server) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(authority(server)).unwrap();
    roots.add(certificate).unwrap();
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let plain = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, plain).await.unwrap()
}

#[tokio::test]
async fn a_websocket_carries_cameras() {
    let server = encrypted().camera("test#size=160x120").spawn();
    let address = server.address;
    let mut request = format!("wss://{address}/ws").into_client_request().unwrap();
    let origin = format!("https://{address}");
    for (name, value) in [
        ("Sec-WebSocket-Protocol", "framecast.v1"),
        ("Origin", &origin),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let link = connect(&server).await;
    let (mut socket, _) = tokio_tungstenite::client_async(request, link)
        .await
        .unwrap();
    let watch = json!({ "watch": { "id": 1, "camera": "camera" } });
    socket.send(Message::text(watch.to_string())).await.unwrap();
    loop {
        if let Message::Binary(bytes) = socket.next().await.unwrap().unwrap() {
            assert_eq!(&bytes[16..18], [0xff, 0xd8]);
            return;
        }
    }
}

#[test]
fn frames_are_pushed_and_recordings_exported() {
    let server = encrypted()
        .camera("door=push")
        .camera("yard=test#size=160x120,record=always")
        .spawn();
    let picture = jpeg(64, 48, [200, 40, 40]);
    fs::write(server.path("picture.jpg"), &picture).unwrap();
    let picture = format!("@{}", server.path("picture.jpg").display());
    for (flag, _) in VERSIONS {
        for method in ["POST", "PUT"] {
            let url = server.url("/cameras/door/push");
            let kind = ["-H", "Content-Type: image/jpeg"];
            let push = [flag, "-X", method, "--data-binary", &picture, &url];
            let said = ask(&server, &[&kind[..], &push].concat());
            assert_eq!(said.text(), "1 frames\n");
        }
        // A sender without an end, which leaves.
        let ffmpeg = "ffmpeg -v error -re -t 2 -f lavfi -i testsrc=size=160x120:rate=5 -c:v mjpeg -f mpjpeg - | \"$@\" -T -";
        let send = curl(
            &server,
            &[flag, "-X", "POST", &server.url("/cameras/door/push")],
        );
        let mut shell = Command::new("sh");
        shell
            .args(["-c", ffmpeg, "sh"])
            .arg(send.get_program())
            .args(send.get_args());
        let said = shell.output().unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let frames: u32 = said.split(' ').next().unwrap().parse().expect(&said);
        assert!(frames >= 8, "{said}");
    }
    for (flag, _) in VERSIONS {
        let film = server.path("film.mp4");
        eventually("an export", || {
            let url = server.url("/cameras/yard/export.mp4?from=-1min");
            let said = try_ask(&server, &[flag, &url])?;
            if said.status != 200 {
                return Err(said.text());
            }
            fs::write(&film, &said.body).map_err(|error| error.to_string())
        });
        let film = film.display().to_string();
        let shown = run(
            "ffprobe",
            &[
                "-v",
                "error",
                "-show_entries",
                "stream=codec_name,width",
                "-of",
                "csv=p=0",
                &film,
            ],
        );
        assert_eq!(String::from_utf8_lossy(&shown.stdout).trim(), "mjpeg,160");
    }
}

#[test]
fn programs_watch_and_a_server_is_a_camera_of_another() {
    let server = encrypted().camera("test#size=320x240,fps=10").spawn();
    let url = server.url(STREAM);
    let film = server.path("film.mkv").display().to_string();
    let read = ["-v", "error", "-xerror", "-tls_verify", "1", "-ca_file"];
    let ca = authority(&server).display().to_string();
    let write = ["-i", &url, "-frames:v", "10", "-c", "copy", "-y", &film];
    let said = run("ffmpeg", &[&read[..], &[&ca], &write].concat());
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    let probe = Command::new(server::FRAMECAST)
        .args(["probe", &url, "--json", "--seconds", "2"])
        .env("SSL_CERT_FILE", authority(&server))
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&probe.stdout).unwrap();
    assert!(report["frames"].as_u64() >= Some(10), "{report}");
    assert_eq!(report["broken"], 0, "{report}");
    let second = serve(&[&format!("copy={url}#insecure=true")]);
    second
        .watch("/cameras/copy/stream.mjpg")
        .until(server::Part::is_live);
}

#[test]
fn a_full_server_lets_no_one_more_in() {
    let text = "[tls]\nself_signed = true\n[limits]\nconnections = 3\n[cameras]\ncamera = 'test'\n";
    let server = framecast().config(text).spawn();
    let watching: Vec<_> = (0..3)
        .map(|_| Watching::start(&server, &["--http1.1"], &server.url(STREAM)))
        .collect();
    // Not even a handshake.
    try_ask(&server, &[&server.url("/healthz")]).unwrap_err();
    drop(watching);
    eventually("a place", || try_ask(&server, &[&server.url("/healthz")]));
}
