//! The contract of a driver, kept with real files, real streams and peers that misbehave.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use framecast_camera::{
    Camera, Error, ErrorKind, Format, Layout, Range, Size,
    conformance::{self, Patience},
};
use framecast_opencv::{OpenCv, Target, Wish};

fn camera(target: &str, wish: Wish) -> OpenCv {
    OpenCv::new(Target::from(target), target, wish)
}

/// Makes a video of ffmpeg's test picture and returns its path.
fn film(folder: &Path, seconds: f64) -> String {
    let path = folder.join("film.mp4").display().to_string();
    let source = format!("testsrc=size=160x120:rate=20:duration={seconds}");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &source])
        .args(["-c:v", "mpeg4", &path])
        .status()
        .unwrap();
    assert!(made.success());
    path
}

/// Everything up to the end, which must come soon: how many frames, and the error if there is one.
async fn end(camera: &dyn Camera) -> (usize, Option<Error>) {
    let mut running = camera.frames().start();
    let mut frames = 0;
    let all = async {
        loop {
            match running.next().await {
                Some(Ok(_)) => frames += 1,
                Some(Err(error)) => break Some(error),
                None => break None,
            }
        }
    };
    let patience = Duration::from_secs(25);
    let error = tokio::time::timeout(patience, all).await.expect("an end");
    (frames, error)
}

#[tokio::test]
async fn a_video_file_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let camera = camera(&film(folder.path(), 1.0), Wish::default());
    conformance::check(&camera, Patience::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_file_is_played_at_its_own_speed_and_over_and_over() {
    let folder = tempfile::tempdir().unwrap();
    let camera = camera(&film(folder.path(), 0.5), Wish::default());
    let mut running = camera.frames().start();
    let first = running.next().await.unwrap().unwrap();
    let expected = Format::Raw {
        layout: Layout::Bgr24,
        stride: 160 * 3,
        range: Range::Full,
    };
    assert_eq!(first.format, expected);
    assert_eq!(first.size, Some(Size::new(160, 120)));
    let mut last = first.clone();
    // Two and a half rounds of ten pictures.
    for _ in 0..25 {
        last = running.next().await.unwrap().unwrap();
    }
    let took = last.captured.monotonic - first.captured.monotonic;
    assert!(took >= Duration::from_millis(1200), "{took:?}");
    // In the middle of the third round, and then at the start of the fourth.
    assert_ne!(last.data, first.data);
    for _ in 0..5 {
        last = running.next().await.unwrap().unwrap();
    }
    assert_eq!(last.data, first.data);
    running.close().await;
}

#[tokio::test]
async fn a_file_that_is_played_once_comes_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let once = Wish {
        once: true,
        ..Wish::default()
    };
    let (frames, error) = end(&camera(&film(folder.path(), 0.2), once)).await;
    assert_eq!(frames, 4);
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test]
async fn what_can_t_be_opened_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.mp4").display().to_string();
    std::fs::write(&text, "no video at all\n".repeat(100)).unwrap();
    let here = folder.path().display().to_string();
    for (target, kind, why) in [
        (&*text, ErrorKind::Invalid, "can't play"),
        (&here, ErrorKind::Invalid, "is a folder"),
        ("/nowhere/film.mp4", ErrorKind::Unavailable, "can't be read"),
        ("63", ErrorKind::Unavailable, "/dev/video63"),
        ("http://127.0.0.1:9/", ErrorKind::Unavailable, "can't open"),
    ] {
        let (frames, error) = end(&camera(target, Wish::default())).await;
        let error = error.unwrap();
        assert_eq!((frames, error.kind()), (0, kind), "{error}");
        let told = error.to_string();
        assert!(told.contains(why) && !told.contains('\n'), "{told}");
    }
}

/// An ffmpeg that serves one client a stream.
struct Sender(Child);

impl Sender {
    fn start(port: u16) -> Self {
        let ffmpeg = Command::new("ffmpeg")
            .args(["-v", "error", "-re", "-f", "lavfi"])
            .args(["-i", "testsrc=size=160x120:rate=20", "-f", "mpjpeg"])
            .args(["-listen", "1", &format!("http://127.0.0.1:{port}")])
            .stdin(Stdio::null())
            .spawn();
        Self(ffmpeg.unwrap())
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_worth_a_retry() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let sender = Sender::start(port);
    let listens = || {
        std::fs::read_to_string("/proc/net/tcp")
            .unwrap()
            .contains(&format!(":{port:04X} 00000000:0000 0A"))
    };
    while !listens() {
        thread::sleep(Duration::from_millis(10));
    }
    let camera = camera(&format!("http://127.0.0.1:{port}/"), Wish::default());
    conformance::check_unplugging(&camera, Patience::default(), || drop(sender))
        .await
        .unwrap();
}

/// A peer that says this to each client, and then nothing for as long as it holds on.
fn silent(says: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut clients = Vec::new();
        for mut client in listener.incoming().map_while(Result::ok) {
            // The request; what is in it does not matter.
            let _length = client.read(&mut [0; 4096]);
            let _told = client.write_all(&says);
            clients.push(client);
        }
    });
    address
}

#[tokio::test]
async fn a_peer_that_falls_silent_holds_nobody_up_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let stream = folder.path().join("stream").display().to_string();
    let made = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=160x120:rate=20:duration=3",
        ])
        .args(["-f", "mpjpeg", &stream])
        .status();
    assert!(made.unwrap().success());
    let mut says =
        b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=ffmpeg\r\n\r\n"
            .to_vec();
    says.extend(std::fs::read(stream).unwrap());
    let wish = Wish {
        silence: Duration::from_secs(1),
        ..Wish::default()
    };
    let asked = Instant::now();
    let (frames, error) = end(&camera(&silent(says), wish)).await;
    let error = error.unwrap();
    assert!(frames > 30, "{frames}");
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert!(error.to_string().contains("nothing for 1s"), "{error}");
    assert!(asked.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn a_peer_that_never_answers_is_given_up() {
    let asked = Instant::now();
    let (frames, error) = end(&camera(&silent(Vec::new()), Wish::default())).await;
    assert_eq!((frames, error.unwrap().kind()), (0, ErrorKind::Unavailable));
    // OpenCV's own limit is 30 seconds.
    assert!(
        asked.elapsed() < Duration::from_secs(20),
        "{:?}",
        asked.elapsed()
    );
}
