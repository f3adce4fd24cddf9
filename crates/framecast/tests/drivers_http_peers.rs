//! The driver of network cameras, with servers that others wrote: Python's and ffmpeg's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/drivers.rs"]
mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use framecast_camera::{
    ErrorKind,
    conformance::{self, Patience},
};
use support::{camera, end, frame, jpeg};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A real program that serves, ended with the test.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

/// A server in Python, and the port that it prints.
fn python(folder: &Path, script: &str) -> (Peer, String) {
    let mut child = Command::new("python3")
        .args(["-u", "-c", script])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut port = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut port).unwrap();
    (Peer(child), port.trim().to_owned())
}

/// Serves the files of its folder, over TLS where there is a certificate.
const FILES: &str = "
import http.server, os, ssl
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
if os.path.exists('cert.pem'):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain('cert.pem', 'key.pem')
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port)
server.serve_forever()
";

/// Serves one picture to those who know the password, by Digest with a nonce that is good for two answers.
const DIGEST: &str = r#"
import hashlib, http.server, re
md5 = lambda text: hashlib.md5(text.encode()).hexdigest()
served = 0
class Camera(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        global served
        nonce = md5('nonce%d' % (served // 2))
        given = dict(re.findall(r'(\w+)="?([^",]+)', self.headers.get('Authorization', '')))
        secret = md5('me:cam:p@ss/w')
        asked = md5('GET:' + self.path)
        parts = [secret, nonce, given.get('nc', ''), given.get('cnonce', ''), 'auth', asked]
        if given.get('response') == md5(':'.join(parts)) and given['uri'] == self.path:
            served += 1
            body = open('%d.jpg' % (served % 2), 'rb').read()
            self.send_response(200)
            self.send_header('Content-Type', 'image/jpeg')
        else:
            body = b'no'
            self.send_response(401)
            self.send_header('WWW-Authenticate', 'Basic realm="cam"')
            self.send_header('WWW-Authenticate', 'Digest realm="cam", nonce="%s", qop="auth"' % nonce)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.HTTPServer(('127.0.0.1', 0), Camera)
print(server.server_port)
server.serve_forever()
"#;

/// A folder whose `now.jpg` keeps changing for as long as the returned task runs.
fn changing(folder: &Path) -> tokio::task::JoinHandle<()> {
    let (now, next) = (folder.join("now.jpg"), folder.join("next"));
    fs::write(&now, jpeg(0)).unwrap();
    tokio::spawn(async move {
        for number in 1.. {
            fs::write(&next, jpeg(number % 100)).unwrap();
            fs::rename(&next, &now).unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
}

#[tokio::test]
async fn a_single_picture_is_fetched_again_and_again() {
    let folder = TempDir::new().unwrap();
    let change = changing(folder.path());
    let (_peer, port) = python(folder.path(), FILES);
    let url = format!("http://127.0.0.1:{port}/now.jpg");
    let camera = camera(&url, &["fps=20"]);
    conformance::check(&*camera, Patience::default())
        .await
        .unwrap();
    change.abort();
}

#[tokio::test]
async fn a_picture_that_stays_the_same_is_shown_as_a_sign_of_life_only() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("now.jpg"), jpeg(0)).unwrap();
    let (_peer, port) = python(folder.path(), FILES);
    let url = format!("http://127.0.0.1:{port}/now.jpg");
    let mut running = camera(&url, &["fps=20"]).frames().start();
    let first = frame(&mut running).await;
    let second = frame(&mut running).await;
    assert_eq!(first.data, second.data);
    let between = second.captured.monotonic - first.captured.monotonic;
    assert!(between >= Duration::from_secs(3), "{between:?}");
    assert!(between < Duration::from_secs(5), "{between:?}");
}

#[tokio::test]
async fn a_camera_that_signed_its_own_certificate_is_accepted_only_on_request() {
    let folder = TempDir::new().unwrap();
    let made = Command::new("openssl")
        .args("req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost".split(' '))
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl is needed for this test").success());
    let change = changing(folder.path());
    let (_peer, port) = python(folder.path(), FILES);
    let url = format!("https://127.0.0.1:{port}/now.jpg");
    let (kind, message) = end(&*camera(&url, &[])).await;
    assert_eq!(kind, ErrorKind::Denied, "{message}");
    assert!(message.contains("insecure=true"), "{message}");
    let trusting = camera(&url, &["insecure=true", "fps=20"]);
    conformance::check(&*trusting, Patience::default())
        .await
        .unwrap();
    change.abort();
}

#[tokio::test]
async fn a_camera_that_asks_for_digest_gets_it_also_when_its_nonce_has_grown_stale() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("0.jpg"), jpeg(0)).unwrap();
    fs::write(folder.path().join("1.jpg"), jpeg(1)).unwrap();
    let (_peer, port) = python(folder.path(), DIGEST);
    let url = format!("http://me:p%40ss%2Fw@127.0.0.1:{port}/video.cgi?channel=1");
    let mut running = camera(&url, &["fps=50"]).frames().start();
    for number in [1, 0, 1, 0, 1, 0] {
        assert_eq!(frame(&mut running).await.data, jpeg(number));
    }
    running.close().await;
    let wrong = url.replace("p%40ss", "hidden");
    let (kind, message) = end(&*camera(&wrong, &[])).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert!(message.contains("does not accept"), "{message}");
    assert!(!message.contains("hidden"), "{message}");
}

#[tokio::test]
async fn what_ffmpeg_serves_is_a_camera_until_ffmpeg_is_killed() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    let ffmpeg = Command::new("ffmpeg")
        .args("-v error -re -f lavfi -i testsrc=size=160x120 -f mpjpeg -listen 1".split(' '))
        .arg(&url)
        .spawn()
        .expect("ffmpeg is needed for this test");
    let peer = Peer(ffmpeg);
    let camera = camera(&url, &[]);
    // It takes a moment until it listens.
    let mut running = loop {
        let mut running = camera.frames().start();
        match running.next().await {
            Some(Ok(_)) => break running,
            Some(Err(error)) if error.kind() == ErrorKind::Unavailable => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => panic!("{other:?}"),
        }
    };
    for _ in 0..5 {
        frame(&mut running).await;
    }
    drop(peer);
    let lost = loop {
        match running.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => break error,
            None => panic!("no error"),
        }
    };
    assert_eq!(lost.kind(), ErrorKind::Lost, "{lost}");
}
