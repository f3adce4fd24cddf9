//! Behind nginx, under a path, with nginx left as it is: it must not hold back the stream.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    process::Command,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use server::{Beside, Server, beside, framecast, run};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

struct Nginx {
    address: SocketAddr,
    _process: Beside,
    _folder: tempfile::TempDir,
}

/// nginx with one location.
fn nginx(location: &str) -> Nginx {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().display();
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let text = format!(
        "daemon off;
        master_process off;
        pid {here}/pid;
        error_log {here}/error.log;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path {here}/body;
            proxy_temp_path {here}/proxy;
            fastcgi_temp_path {here}/fastcgi;
            uwsgi_temp_path {here}/uwsgi;
            scgi_temp_path {here}/scgi;
            server {{
                listen {address};
                {location}
            }}
        }}"
    );
    let path = folder.path().join("nginx.conf");
    fs::write(&path, text).unwrap();
    let process = beside(
        Command::new("nginx")
            .arg("-c")
            .arg(&path)
            .args(["-e", "/dev/null"]),
    );
    server::eventually("nginx", || {
        std::net::TcpStream::connect(address)
            .map(drop)
            .map_err(|error| error.to_string())
    });
    Nginx {
        address,
        _process: process,
        _folder: folder,
    }
}

/// The stream, a page and what it refers to, and the socket, all of it through nginx.
async fn works(server: &Server, nginx: &Nginx, base: &str) {
    let there = |path: &str| format!("http://{}{base}{path}", nginx.address);
    let said = run("curl", &["-sS", &there("/healthz")]);
    assert_eq!(String::from_utf8_lossy(&said.stdout), "ok\n");

    // At two frames a second a buffer of a few kilobytes would hold each frame back until the next ones fill it.
    let said = run(
        server::FRAMECAST,
        &[
            "probe",
            &there("/video_feed?fps=2"),
            "--seconds",
            "5",
            "--json",
        ],
    );
    let error = String::from_utf8_lossy(&said.stderr).into_owned();
    let report: serde_json::Value = serde_json::from_slice(&said.stdout).expect(&error);
    assert!(report["frames"].as_u64() >= Some(5), "{report}");
    assert!(
        report["age_median_seconds"].as_f64() < Some(0.4),
        "{report}"
    );
    assert_eq!(report["broken"], 0, "{report}");

    // Pages refer to everything relatively.
    let page = run("curl", &["-sSL", &there("/")]);
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(page.contains("cameras/camera/"), "{page}");
    let page = run("curl", &["-sSL", &there("/cameras/camera")]);
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(page.contains("../../assets/page.js"), "{page}");
    let script = run(
        "curl",
        &["-sSf", &there("/cameras/camera/../../assets/page.js")],
    );
    assert!(script.status.success());

    let origin = format!("http://{}", nginx.address);
    let request = format!("ws://{}{base}/ws", nginx.address);
    let mut request = request.into_client_request().unwrap();
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", "framecast.v1".parse().unwrap());
    request
        .headers_mut()
        .insert("Origin", origin.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let watch = json!({ "watch": { "id": 1, "camera": "camera" } });
    socket.send(Message::text(watch.to_string())).await.unwrap();
    loop {
        if let Message::Binary(bytes) = socket.next().await.unwrap().unwrap() {
            assert_eq!(&bytes[16..18], [0xff, 0xd8]);
            break;
        }
    }
    drop(socket);
    // nginx lets go of the camera when its viewer does.
    server.until("camera", |view| view["viewers"] == 0);
}

/// What docs/clients.md tells to put into nginx for a location, for this server.
fn documented(location: &str, server: &Server) -> String {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/clients.md");
    let docs = fs::read_to_string(docs).unwrap();
    let head = format!("location {location} {{\n");
    let (_, rest) = docs
        .split_once(&head)
        .expect("a location in docs/clients.md");
    let (body, _) = rest.split_once('}').unwrap();
    let body = body.replace("127.0.0.1:5000", &server.address.to_string());
    format!("{head}{body}}}\n")
}

#[tokio::test]
async fn at_the_root_of_a_host() {
    let server = framecast().camera("test#size=160x120").spawn();
    let nginx = nginx(&documented("/", &server));
    works(&server, &nginx, "").await;
}

#[tokio::test]
async fn under_a_path_that_the_proxy_takes_off() {
    let server = framecast().camera("test#size=160x120").spawn();
    let nginx = nginx(&documented("/cams/", &server));
    works(&server, &nginx, "/cams").await;
}

#[tokio::test]
async fn under_a_path_that_the_proxy_keeps() {
    let start = framecast().camera("test#size=160x120");
    let server = start.arg("--base-path").arg("/cams").spawn();
    assert_eq!(server.base, "/cams");
    let address = server.address;
    let location = documented("/cams/", &server)
        .replace("location /cams/", "location /cams")
        .replace(&format!("{address}/;"), &format!("{address};"));
    let nginx = nginx(&location);
    works(&server, &nginx, "/cams").await;
    // Both spellings of the start page.
    for path in ["/cams", "/cams/"] {
        let url = format!("http://{}{path}", nginx.address);
        let args = [
            "-sSfL",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{url_effective}",
        ];
        let said = run("curl", &[&args[..], &[&url]].concat());
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        assert_eq!(said, format!("200 http://{}/cams/", nginx.address));
    }
    assert_eq!(server.get("/healthz").status, 404);
}

#[tokio::test]
async fn frames_are_pushed_through_the_proxy() {
    let server = framecast().camera("door=push").spawn();
    let nginx = nginx(&documented("/", &server));
    let mut viewer = server.watch("/video_feed");
    let _ffmpeg = beside(
        Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-re",
                "-f",
                "lavfi",
                "-i",
                "testsrc=size=160x120:rate=5",
            ])
            .args(["-c:v", "mjpeg", "-f", "mpjpeg", "-method", "POST"])
            .arg(format!("http://{}/cameras/door/push", nginx.address)),
    );
    for _ in 0..5 {
        viewer.until(server::Part::is_live);
    }
}
