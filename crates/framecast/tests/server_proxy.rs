//! Behind nginx, Caddy and Apache, each with what the documentation tells to write: they must not hold back the stream.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/reverse_proxy.rs"]
mod reverse_proxy;
#[path = "support/server.rs"]
mod server;

use std::process::Command;

use base64::Engine;
use futures_util::{SinkExt, StreamExt};
use reverse_proxy::{Kind, ReverseProxy, USER, documented, replaced};
use serde_json::json;
use server::{Server, beside, framecast};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

/// The stream, a page and what it refers to, and the socket, all of it through the proxy.
async fn works(server: &Server, proxy: &ReverseProxy, base: &str) {
    let there = |path: &str| format!("{base}{path}");
    assert_eq!(proxy.text(&there("/healthz")), "ok\n");

    // At two frames a second a buffer of a few kilobytes would hold each frame back until the next ones fill it.
    let report = proxy.probe(&there("/video_feed?fps=2"), 4);
    assert!(report["frames"].as_u64() >= Some(4), "{report}");
    assert!(
        report["age_median_seconds"].as_f64() < Some(0.4),
        "{report}"
    );
    assert_eq!(report["broken"], 0, "{report}");

    dialects_survive(proxy, &there("/video_feed"));

    // Pages refer to everything relatively.
    let page = proxy.text(&there("/"));
    assert!(page.contains("cameras/camera/"), "{page}");
    let page = proxy.text(&there("/cameras/camera"));
    assert!(page.contains("../../assets/page.js"), "{page}");
    let script = proxy.curl(&["-sSf"], &there("/cameras/camera/../../assets/page.js"));
    assert!(script.status.success());

    watch_on_a_websocket(proxy, &there("/ws")).await;
    // It lets go of the camera when its viewers do.
    server.until("camera", |view| view["viewers"] == 0);
}

/// What the client says of itself reaches the server, and the stream is not compressed for one that would take it so.
fn dialects_survive(proxy: &ReverseProxy, path: &str) {
    let accept = "Accept-Encoding: gzip, deflate, br, zstd";
    let stream = |headers: &[&str]| {
        let mut options = vec!["-sS", "-i", "--max-time", "2", "-H", accept];
        options.extend(headers.iter().flat_map(|header| ["-H", header]));
        let said = proxy.curl(&options, path);
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    let mozilla = "User-Agent: Mozilla/5.0 (X11) Firefox/153.0";
    for (headers, has_lengths) in [
        (&[][..], true),
        (&["Sec-Fetch-Dest: image"][..], false),
        (&["Sec-Fetch-Dest: empty", mozilla][..], true),
        (&[mozilla, "Accept: image/avif,image/*"][..], false),
    ] {
        let said = stream(headers);
        let (head, body) = said.split_once("\r\n\r\n").expect("a head");
        let head = head.to_ascii_lowercase();
        assert!(head.contains("multipart/x-mixed-replace"), "{head}");
        assert!(!head.contains("content-encoding"), "{head}");
        assert!(head.contains("no-transform"), "{head}");
        assert!(body.matches("Content-Type: image/jpeg").count() > 2);
        let lengths = body.matches("Content-Length: ").count();
        assert_eq!(lengths > 0, has_lengths, "{headers:?}");
    }
}

/// As the page does it, from the site that the browser sees.
async fn watch_on_a_websocket(proxy: &ReverseProxy, path: &str) {
    let origin = proxy.origin();
    let url = format!("{}{path}", origin.replacen("http", "ws", 1));
    let mut request = url.into_client_request().unwrap();
    let password = base64::engine::general_purpose::STANDARD.encode(USER);
    for (name, value) in [
        ("Sec-WebSocket-Protocol", "framecast.v1".to_owned()),
        ("Origin", origin),
        ("Authorization", format!("Basic {password}")),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let mut socket = proxy.websocket(request).await;
    let watch = json!({ "watch": { "id": 1, "camera": "camera" } });
    socket.send(Message::text(watch.to_string())).await.unwrap();
    loop {
        if let Message::Binary(bytes) = socket.next().await.unwrap().unwrap() {
            assert_eq!(&bytes[16..18], [0xff, 0xd8]);
            return;
        }
    }
}

/// A sender without an end, through the documented site.
fn takes_frames(kind: Kind) {
    let server = framecast().camera("door=push").spawn();
    let proxy = ReverseProxy::site(kind, &server);
    let mut viewer = server.watch("/video_feed");
    let ffmpeg =
        "ffmpeg -v error -re -f lavfi -i testsrc=size=160x120:rate=5 -c:v mjpeg -f mpjpeg - |";
    let line = format!(r#"{ffmpeg} curl -sS "$@" -X POST -T - "$0/cameras/door/push""#);
    let _sender = beside(
        Command::new("sh")
            .args(["-c", &line, &proxy.origin()])
            .args(proxy.curl_options()),
    );
    let mut ages: Vec<f64> = (0..10)
        .map(|_| viewer.until(server::Part::is_live).age())
        .collect();
    ages.sort_by(f64::total_cmp);
    assert!(ages[5] < 0.4, "{ages:?}");
}

/// The documented site with TLS and a password.
async fn at_the_root(kind: Kind) {
    let server = framecast().camera("test#size=160x120").spawn();
    let proxy = ReverseProxy::site(kind, &server);
    // Nobody gets in without the password.
    let bare = proxy.curl(&["-sS", "-i", "-u", ":"], "/healthz");
    let bare = String::from_utf8_lossy(&bare.stdout).into_owned();
    assert!(bare.lines().next().unwrap().contains(" 401"), "{bare}");
    works(&server, &proxy, "").await;
}

/// The documented lines for a path, which take it off.
async fn under_a_path(kind: Kind) {
    let server = framecast().camera("test#size=160x120").spawn();
    let text = documented(kind, "/cams/");
    let text = replaced(&text, "127.0.0.1:5000", &server.address.to_string());
    works(&server, &ReverseProxy::locations(kind, &text), "/cams").await;
}

/// The same, but changed as the documentation says so that the path is kept.
async fn under_a_path_that_is_kept(kind: Kind, changes: &[(&str, &str)]) {
    let start = framecast().camera("test#size=160x120");
    let server = start.arg("--base-path").arg("/cams").spawn();
    assert_eq!(server.base, "/cams");
    let text = documented(kind, "/cams/");
    let text = changes
        .iter()
        .fold(text, |text, (from, to)| replaced(&text, from, to));
    let text = replaced(&text, "127.0.0.1:5000", &server.address.to_string());
    let proxy = ReverseProxy::locations(kind, &text);
    works(&server, &proxy, "/cams").await;
    // Both spellings of the start page.
    for path in ["/cams", "/cams/"] {
        let write = ["-w", "%{http_code} %{url_effective}"];
        let said = proxy.curl(&[&["-sSfL", "-o", "/dev/null"], &write[..]].concat(), path);
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        assert_eq!(said, format!("200 {}/cams/", proxy.origin()));
    }
    assert_eq!(server.get("/healthz").status, 404);
}

#[tokio::test]
async fn nginx_at_the_root_of_a_host() {
    at_the_root(Kind::Nginx).await;
}

#[tokio::test]
async fn caddy_at_the_root_of_a_host() {
    at_the_root(Kind::Caddy).await;
}

#[tokio::test]
async fn apache_at_the_root_of_a_host() {
    at_the_root(Kind::Apache).await;
}

#[tokio::test]
async fn nginx_under_a_path_that_it_takes_off() {
    under_a_path(Kind::Nginx).await;
}

#[tokio::test]
async fn caddy_under_a_path_that_it_takes_off() {
    under_a_path(Kind::Caddy).await;
}

#[tokio::test]
async fn apache_under_a_path_that_it_takes_off() {
    under_a_path(Kind::Apache).await;
}

#[tokio::test]
async fn nginx_under_a_path_that_it_keeps() {
    let changes = [("5000/;", "5000;"), ("location /cams/", "location /cams")];
    under_a_path_that_is_kept(Kind::Nginx, &changes).await;
}

#[tokio::test]
async fn caddy_under_a_path_that_it_keeps() {
    under_a_path_that_is_kept(Kind::Caddy, &[("handle_path", "handle")]).await;
}

#[tokio::test]
async fn apache_under_a_path_that_it_keeps() {
    let changes = [("\"/cams/\"", "\"/cams\""), ("5000/\"", "5000/cams\"")];
    under_a_path_that_is_kept(Kind::Apache, &changes).await;
}

#[test]
fn frames_are_pushed_through_nginx() {
    takes_frames(Kind::Nginx);
}

#[test]
fn frames_are_pushed_through_caddy() {
    takes_frames(Kind::Caddy);
}

#[test]
fn frames_are_pushed_through_apache() {
    takes_frames(Kind::Apache);
}
