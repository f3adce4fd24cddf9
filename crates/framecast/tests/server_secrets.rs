//! Passwords of cameras are shown nowhere, however those cameras fail.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use base64::Engine;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use server::{Server, framecast};
use tokio_tungstenite::tungstenite::Message;

const SECRET: &str = "Xq7ZsecretQ9";

/// That a text shows neither the secret nor what is sent in its place.
#[track_caller]
fn hides(what: &str, text: &str) {
    let base64 = base64::engine::general_purpose::STANDARD.encode(format!("me:{SECRET}"));
    for form in [SECRET, &base64, "Xq7Z", "secretQ9"] {
        assert!(!text.contains(form), "{what} shows {form}:\n{text}");
    }
}

/// A camera that gives every client the same answer.
fn answering(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let _heard = client.read(&mut [0; 4096]);
            let _told = client.write_all(answer.as_bytes());
        }
    });
    address
}

/// Where nobody listens.
fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// Cameras that fail in many ways, each with the secret in its source.
fn cameras() -> Vec<(String, String)> {
    let ends = "Connection: close\r\n\r\n";
    let answers = [
        (
            "unauthorised",
            "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n",
        ),
        (
            "digest",
            "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"n\", qop=\"auth\"\r\nContent-Length: 0\r\n",
        ),
        (
            "strange",
            "HTTP/1.1 401 No\r\nWWW-Authenticate: Odd\r\nContent-Length: 0\r\n",
        ),
        ("absent", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n"),
        (
            "page",
            "HTTP/1.1 200 Yes\r\nContent-Type: text/html\r\nContent-Length: 4\r\n",
        ),
        (
            "broken",
            "HTTP/1.1 200 Yes\r\nContent-Type: multipart/x-mixed-replace\r\n",
        ),
        (
            "moved",
            "HTTP/1.1 302 Go\r\nLocation: ftp://x/\r\nContent-Length: 0\r\n",
        ),
        (
            "elsewhere",
            "HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n",
        ),
        ("garbage", "ho ho ho\r\n"),
    ];
    let mut cameras = Vec::new();
    for (name, answer) in answers {
        let answer: &'static str = format!("{answer}{ends}").leak();
        let address = answering(answer);
        cameras.push((
            name,
            format!("http://me:{SECRET}@{address}/video?pwd={SECRET}"),
        ));
    }
    let closed = closed();
    let exec = |line: String| format!("exec:{line}");
    cameras.extend([
        ("refused", format!("http://me:{SECRET}@{closed}/")),
        (
            "unresolved",
            format!("http://me:{SECRET}@nowhere.invalid/?token={SECRET}"),
        ),
        (
            "untrusted",
            format!(
                "https://me:{SECRET}@{}/",
                answering("HTTP/1.1 200 OK\r\n\r\n")
            ),
        ),
        (
            "without",
            format!("opencv:rtsp://me:{SECRET}@{closed}/live"),
        ),
        ("file", format!("file:http://me:{SECRET}@{closed}/film.mp4")),
        ("images", format!("images:/nowhere/password={SECRET}")),
        (
            "ffmpeg",
            exec(format!(
                "ffmpeg -v verbose -i rtsp://me:{SECRET}@{closed}/live -f mpjpeg -"
            )),
        ),
        (
            "curl",
            exec(format!("curl -v -u me:{SECRET} http://{closed}/")),
        ),
        (
            "talkative",
            exec(format!(
                "echo 'refused: [{SECRET}]' >&2; exit 1 # --password {SECRET}"
            )),
        ),
        (
            "missing",
            exec(format!("no-such-program --password {SECRET}")),
        ),
        ("syntax", exec(format!("( --token {SECRET}"))),
    ]);
    let owned = cameras.into_iter();
    owned
        .map(|(name, source)| (name.to_owned(), source))
        .collect()
}

fn configuration(cameras: &[(String, String)]) -> String {
    let tables = cameras.iter().map(|(name, source)| {
        format!("[cameras.{name}]\nsource = {source:?}\nfirst_frame = \"2s\"\n")
    });
    tables.collect()
}

/// What the server says on a WebSocket about all cameras.
async fn told_on_websocket(server: &Server, cameras: &[(String, String)]) -> String {
    let url = format!("ws://{}/ws", server.address);
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    for (id, (name, _)) in cameras.iter().enumerate() {
        let watch = json!({ "watch": { "id": id, "camera": name } });
        socket.send(Message::text(watch.to_string())).await.unwrap();
    }
    let mut told = String::new();
    let mut states = 0;
    while states < 2 * cameras.len() {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            told += &text;
            told.push('\n');
            states += 1;
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_server_says_holds_a_password() {
    let cameras = cameras();
    let server = framecast()
        .config(&configuration(&cameras))
        .arg("--log")
        .arg("trace")
        .spawn();
    // Somebody watches each, until it has said what is wrong.
    let _viewers: Vec<_> = cameras
        .iter()
        .map(|(name, _)| server.open("GET", &format!("/cameras/{name}/stream.mjpg"), &[], b""))
        .collect();
    for (name, _) in &cameras {
        let view = server.until(name, |view| !view["state"]["reason"].is_null());
        hides(name, &view.to_string());
        for path in ["", "snapshot.jpg?timeout=0.1"] {
            let answer = server.get(&format!("/cameras/{name}/{path}"));
            hides(&format!("{name}/{path}"), &answer.text());
            hides(name, &format!("{:?}", answer.headers));
        }
        let controls = server.get(&format!("/api/v1/cameras/{name}/controls"));
        hides(name, &controls.text());
        for path in ["/state", "/status"] {
            hides(path, &server.get(&format!("{path}?camera={name}")).text());
        }
    }
    for path in [
        "/",
        "/api/v1/cameras",
        "/api/v1/devices",
        "/metrics",
        "/api/v1/openapi.json",
    ] {
        hides(path, &server.get(path).text());
    }
    hides("the socket", &told_on_websocket(&server, &cameras).await);
    // What other users of the machine see of the server.
    let process = format!("/proc/{}", server.pid().as_raw_nonzero());
    for task in fs::read_dir(format!("{process}/task")).unwrap() {
        let name = fs::read_to_string(task.unwrap().path().join("comm"));
        hides("the name of a thread", &name.unwrap_or_default());
    }
    hides(
        "the process",
        &fs::read_to_string(format!("{process}/cmdline")).unwrap(),
    );
    let log = server.log();
    assert!(log.contains("TRACE") && log.contains("talkative"), "{log}");
    hides("the log", &log);
}

#[test]
fn what_is_refused_over_http_is_not_repeated_with_its_password() {
    let server = framecast().camera("test").spawn();
    let source = format!("http://me:{SECRET}@127.0.0.1:1/");
    for body in [
        json!({ "name": "a b", "source": source }),
        json!({ "name": "a", "source": source, "size": "x" }),
        json!({ "name": "a", "source": source, "linger": "x" }),
        json!({ "name": "a", "source": source, "options": { "nonsense": "1" } }),
        json!({ "name": "a", "source": source, "nonsense": 1 }),
        json!({ "name": "test", "source": source }),
        json!({ "name": "b", "source": format!("rtsp://me:{SECRET}@host/") }),
        json!({ "name": "c", "source": format!("exec:curl -u me:{SECRET} x") }),
        json!({ "name": "d", "source": format!("http://me:{SECRET}@[") }),
        json!({ "name": "e", "source": source }),
    ] {
        let answer = server.json("POST", "/api/v1/cameras", &body);
        hides(&body.to_string(), &answer.text());
        hides(&body.to_string(), &format!("{:?}", answer.headers));
    }
    // The last was added, and is gone from the log too.
    assert_eq!(server.camera("e")["source"], "http://me:***@127.0.0.1:1/");
    hides("the log", &server.log());
}

#[test]
fn mistakes_are_told_without_the_password_beside_them() {
    let source = format!("http://me:{SECRET}@camera/");
    for text in [
        format!("[cameras.a]\nsource = \"{source}\nfps = 1\n"),
        format!("[cameras.a]\nsource = {source}\n"),
        format!("[cameras.a]\nsorce = \"{source}\"\n"),
        format!("[cameras.a]\nsource = [\"{source}\"]\n"),
        format!("[cameras.a]\nsource = \"rtsp://me:{SECRET}@camera/\"\n"),
        format!("[cameras.a]\nsource = \"http://me:{SECRET}@[::1/\"\n"),
        format!("[cameras.a]\nsource = \"http://me:{SECRET}@/\"\n"),
        format!("[cameras.a]\nsource = \"{source}\"\nfps = \"x\"\n"),
        format!("[cameras.a]\nsource = \"{source}\"\nnonsense = true\n"),
        format!("[cameras]\na = \"{source}\"\na = \"{source}\"\n"),
        format!("[cameras]\n\"{source}\" = \"test\"\n"),
        format!("cameras = \"{source}\"\n"),
    ] {
        let said = framecast().config(&text).output();
        let told = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(!said.status.success(), "{text}");
        hides(&text, &told);
        hides(&text, &String::from_utf8_lossy(&said.stdout));
    }
    for args in [
        &["--camera", &format!("a b={source}")][..],
        &["--camera", &format!("a={source}#fps=x")],
        &["--camera", &format!("a={source}#fps=1,nonsense=2")],
        &["--camera", &format!("rtsp://me:{SECRET}@camera/")],
        &["--camera", &source, "--size", "x"],
        &["--cameras", &source],
        &[&source],
        &["snapshot", &format!("http://me:{SECRET}@127.0.0.1:1/")],
        &["probe", &format!("http://me:{SECRET}@127.0.0.1:1/")],
        &["probe", &format!("http://me:{SECRET}@[")],
    ] {
        let start = args.iter().fold(framecast(), |start, arg| start.arg(arg));
        let said = start.output();
        let told = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(!said.status.success(), "{args:?} {told}");
        hides(&format!("{args:?}"), &told);
    }
}

#[test]
fn commands_do_not_learn_the_passwords_of_other_cameras() {
    let told = "env=exec:env | tr '\\n' ' ' >&2; exit 1";
    let server = framecast()
        .camera(told)
        .env("CAMERA", format!("http://me:{SECRET}@127.0.0.1:1/"))
        .env(
            "FRAMECAST_CAMERAS",
            format!("other=http://me:{SECRET}@127.0.0.1:1/"),
        )
        .spawn();
    let _viewer = server.open("GET", "/cameras/env/stream.mjpg", &[], b"");
    let view = server.until("env", |view| !view["state"]["reason"].is_null());
    let reason = view["state"]["reason"].as_str().unwrap();
    assert!(reason.contains("FRAMECAST_CAMERA=env"), "{reason}");
    assert!(
        !reason.contains("FRAMECAST_CAMERAS") && !reason.contains(" CAMERA="),
        "{reason}"
    );
}
