//! The driver of network cameras, with servers that write what cameras are known to write.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/camera_server.rs"]
mod camera_server;
#[path = "support/drivers.rs"]
mod support;

use camera_server::{Server, Then};
use framecast_camera::{
    ErrorKind,
    conformance::{self, Patience},
};
use support::{camera, end, frame, jpeg};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// A head with this content type, and a body of three parts between these.
fn multipart(content_type: &str, before: &str, headers: &str, after: &str) -> Vec<u8> {
    let head = format!("HTTP/1.0 200 OK\r\nContent-Type: {content_type}\r\n\r\n{before}");
    let mut answer = head.into_bytes();
    for number in 1..=3 {
        let jpeg = jpeg(number);
        answer.extend(headers.replace("LENGTH", &jpeg.len().to_string()).bytes());
        answer.extend(jpeg);
        answer.extend(after.bytes());
    }
    answer
}

const MIXED: &str = "multipart/x-mixed-replace;boundary=x";
const PART: &str = "Content-Type: image/jpeg\r\nContent-Length: LENGTH\r\n\r\n";

#[tokio::test]
async fn every_camera_known_to_write_its_boundaries_in_its_own_way_is_understood() {
    let unmeasured = "Content-Type: image/jpeg\r\n\r\n";
    let leading = format!("--x\r\n{PART}");
    let leading_unmeasured = format!("--x\r\n{unmeasured}");
    let mixed = "multipart/x-mixed-replace";
    for (who, content_type, before, headers, after) in [
        (
            "trailing, as ustreamer",
            MIXED,
            "--x\r\n",
            PART,
            "\r\n--x\r\n",
        ),
        ("leading, as Motion", MIXED, "", &*leading, "\r\n"),
        (
            "no length, as Flask",
            MIXED,
            "--x\r\n",
            unmeasured,
            "\r\n--x\r\n",
        ),
        (
            "no length and leading",
            MIXED,
            "",
            &leading_unmeasured,
            "\r\n",
        ),
        (
            "declared with dashes",
            "multipart/x-mixed-replace; boundary=--x",
            "",
            &leading,
            "\r\n",
        ),
        (
            "declared in quotes",
            "multipart/x-mixed-replace; boundary=\"x\"",
            "",
            &leading,
            "\r\n",
        ),
        ("not declared", mixed, "", &leading, "\r\n"),
        ("no first boundary", MIXED, "", PART, "\r\n--x\r\n"),
        (
            "bare line feeds",
            MIXED,
            "",
            "--x\nContent-Type: image/jpeg\nContent-Length: LENGTH\n\n",
            "\n",
        ),
        (
            "padded length",
            MIXED,
            "",
            "--x\r\nContent-Length:     LENGTH\r\n\r\n",
            "\r\n",
        ),
        (
            "length of a lie",
            MIXED,
            "",
            "--x\r\nContent-Length: 9999999\r\n\r\n",
            "\r\n",
        ),
        ("no headers", MIXED, "", "--x\r\n\r\n", "\r\n"),
        (
            "double blank lines, as Frigate",
            MIXED,
            "",
            &leading_unmeasured,
            "\r\n\r\n",
        ),
        ("JPEGs end to end", "video/x-motion-jpeg", "", "", ""),
        (
            "JPEGs end to end of no type",
            "application/octet-stream",
            "",
            "",
            "",
        ),
        (
            "multipart of no type",
            "application/octet-stream",
            "",
            &leading,
            "\r\n",
        ),
        (
            "JPEGs end to end that claim to be multipart",
            MIXED,
            "",
            "",
            "",
        ),
    ] {
        let answer = multipart(content_type, before, headers, after);
        let server = Server::start(answer, Then::Repeat).await;
        let mut running = camera(&server.url(), &[]).frames().start();
        for number in 1..=3 {
            assert!(frame(&mut running).await.data == jpeg(number), "{who}");
        }
        running.close().await;
    }
}

#[tokio::test]
async fn a_chunked_stream_without_a_type_is_understood() {
    let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for number in 1..=3 {
        let jpeg = jpeg(number);
        answer.extend(format!("{:x}\r\n", jpeg.len()).bytes());
        answer.extend(jpeg);
        answer.extend(b"\r\n");
    }
    let server = Server::start(answer, Then::Hang).await;
    let mut running = camera(&server.url(), &[]).frames().start();
    for number in 1..=3 {
        assert_eq!(frame(&mut running).await.data, jpeg(number));
    }
}

#[tokio::test]
async fn a_stream_keeps_the_contract_and_its_end_is_worth_a_retry() {
    let answer = multipart(MIXED, "--x\r\n", PART, "\r\n--x\r\n");
    let server = Server::start(answer, Then::Repeat).await;
    let camera = camera(&server.url(), &[]);
    conformance::check(&*camera, Patience::default())
        .await
        .unwrap();
    let Server { open, .. } = server;
    conformance::check_unplugging(&*camera, Patience::default(), || drop(open))
        .await
        .unwrap();
}

#[tokio::test]
async fn half_a_frame_is_none_when_the_server_closes() {
    let mut answer = multipart(MIXED, "--x\r\n", PART, "\r\n--x\r\n");
    answer.truncate(answer.len() - 200);
    let server = Server::start(answer, Then::Close).await;
    let camera = camera(&server.url(), &[]);
    let mut running = camera.frames().start();
    for number in 1..=2 {
        assert_eq!(frame(&mut running).await.data, jpeg(number));
    }
    let error = running.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert!(error.to_string().contains("ended its stream"), "{error}");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_noticed() {
    let mut half = multipart(MIXED, "--x\r\n", PART, "\r\n--x\r\n");
    half.truncate(half.len() - 200);
    let mute = Server::start("", Then::Hang).await;
    let stuck = Server::start(half, Then::Hang).await;
    let (mute_camera, stuck_camera) = (camera(&mute.url(), &[]), camera(&stuck.url(), &[]));
    let (never, midway) = tokio::join!(end(&*mute_camera), end(&*stuck_camera));
    assert_eq!(never.0, ErrorKind::Unavailable);
    assert!(never.1.contains("did not answer in time"), "{}", never.1);
    assert_eq!(midway.0, ErrorKind::Lost);
    assert!(midway.1.contains("fell silent"), "{}", midway.1);
}

#[tokio::test]
async fn an_answer_that_is_no_camera_is_told_in_one_line() {
    let garbage = format!("HTTP/1.0 200 OK\r\nContent-Type: {MIXED}\r\n\r\n");
    let garbage = garbage + &"garbage\r\n".repeat(10_000);
    for (answer, kind, why) in [
        (
            "HTTP/1.1 404 Not Found\r\n\r\n",
            ErrorKind::Unavailable,
            "404 Not Found",
        ),
        ("HTTP/1.1 503 Busy\r\n\r\n", ErrorKind::Unavailable, "503"),
        ("HTTP/1.1 403 No\r\n\r\n", ErrorKind::Denied, "403"),
        (
            "HTTP/1.1 401 No\r\n\r\n",
            ErrorKind::Denied,
            "NAME:PASSWORD@",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nx",
            ErrorKind::Broken,
            "text/html",
        ),
        (
            "SSH-2.0-OpenSSH_9.2\r\n\r\n",
            ErrorKind::Unavailable,
            "HTTP",
        ),
        (
            "HTTP/1.1 302 Go\r\nLocation: /video\r\n\r\n",
            ErrorKind::Broken,
            "more than 5 times",
        ),
        (
            "HTTP/1.1 302 Go\r\nLocation: file:///etc/passwd\r\n\r\n",
            ErrorKind::Broken,
            "file",
        ),
        (
            "HTTP/1.1 302 Go\r\nLocation: ftp://cam/\r\n\r\n",
            ErrorKind::Broken,
            "ftp",
        ),
        (&garbage, ErrorKind::Broken, "can't be read"),
    ] {
        let server = Server::start(answer, Then::Close).await;
        let (got, message) = end(&*camera(&server.url(), &[])).await;
        assert_eq!(got, kind, "{message}");
        assert!(message.contains(why), "{message}");
        assert!(message.contains(&server.url()), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[tokio::test]
async fn a_camera_that_can_not_be_reached_is_unavailable() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = format!("http://me:hidden@{}/", free.local_addr().unwrap());
    drop(free);
    for url in [&*refused, "http://no-such-camera.invalid/"] {
        let (kind, message) = end(&*camera(url, &[])).await;
        assert_eq!(kind, ErrorKind::Unavailable, "{message}");
        assert!(message.contains("can't be reached"), "{message}");
        assert!(!message.contains("hidden"), "{message}");
    }
}

#[tokio::test]
async fn a_picture_beyond_all_measure_is_refused() {
    let head = format!("HTTP/1.0 200 OK\r\nContent-Type: {MIXED}\r\n\r\n--x\r\n\r\n");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket
            .read_buf(&mut Vec::with_capacity(4096))
            .await
            .unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        // Until it is hung up on.
        while socket.write_all(&[b'x'; 100_000]).await.is_ok() {}
    });
    let (kind, message) = end(&*camera(&url, &[])).await;
    assert_eq!(kind, ErrorKind::Broken);
    assert!(message.contains("larger than"), "{message}");
}

#[tokio::test]
async fn a_request_says_who_asks_and_for_what_and_refuses_compression() {
    let server = Server::start("HTTP/1.1 404 Not Found\r\n\r\n", Then::Close).await;
    end(&*camera(&server.url(), &[])).await;
    let asked = server.asked().to_ascii_lowercase();
    let agent = concat!("user-agent: framecast/", env!("CARGO_PKG_VERSION"));
    assert!(asked.contains(agent), "{asked}");
    let accept = "accept: multipart/x-mixed-replace, image/jpeg;q=0.9";
    assert!(asked.contains(accept), "{asked}");
    assert!(!asked.contains("accept-encoding"), "{asked}");
    assert!(!asked.contains("authorization"), "{asked}");
}

#[tokio::test]
async fn a_password_is_not_taken_along_to_another_server() {
    let challenge = "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n\r\n";
    let other = Server::start(challenge, Then::Close).await;
    let redirect = format!("HTTP/1.1 302 Go\r\nLocation: {}\r\n\r\n", other.url());
    let server = Server::start(redirect, Then::Close).await;
    let url = server.url().replace("//", "//me:hidden@");
    let (kind, _) = end(&*camera(&url, &[])).await;
    assert_eq!(kind, ErrorKind::Denied);
    // "me:hidden"
    assert!(server.asked().contains("Basic bWU6aGlkZGVu"));
    assert!(!other.asked().to_lowercase().contains("authorization"));
}

#[tokio::test]
async fn a_kept_connection_that_is_closed_when_it_is_used_again_is_no_loss() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for number in 1.. {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut asked = Vec::with_capacity(4096);
            socket.read_buf(&mut asked).await.unwrap();
            let jpeg = jpeg(number);
            let length = jpeg.len();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length:";
            let answer = [format!("{head} {length}\r\n\r\n").as_bytes(), &jpeg].concat();
            socket.write_all(&answer).await.unwrap();
            socket.read_buf(&mut asked).await.unwrap();
        }
    });
    let mut running = camera(&url, &["fps=50"]).frames().start();
    for number in 1..=5 {
        assert_eq!(frame(&mut running).await.data, jpeg(number));
    }
}
