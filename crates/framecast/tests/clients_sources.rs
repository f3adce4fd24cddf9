//! Other servers as cameras: what they send is shown here.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    net::TcpListener,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::Signal;
use server::{beside, framecast, jpeg, run, serve, size};

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn another_framecast_is_a_camera() {
    let first = serve(&["test#size=320x240,fps=10"]);
    let second = framecast()
        .camera(&format!("stream={}", first.url("/video_feed")))
        .camera(&format!("still={}#fps=5", first.url("/snapshot")))
        .spawn();
    for name in ["stream", "still"] {
        let mut viewer = second.watch(&format!("/cameras/{name}/stream.mjpg"));
        let mut last = Vec::new();
        for _ in 0..10 {
            let part = viewer.until(server::Part::is_live);
            assert_eq!(size(&part.jpeg), (320, 240));
            assert_ne!(part.jpeg, last, "{name} repeats a picture");
            last = part.jpeg;
        }
        assert_eq!(second.camera(name)["counters"]["opened"], 1);
    }
    assert_eq!(first.camera("camera")["counters"]["opened"], 1);
    // Nobody watches here, so nothing is fetched there.
    first.until("camera", |view| view["viewers"] == 0);
}

#[test]
fn a_camera_on_the_network_that_restarts_comes_back_by_itself() {
    let address = format!("127.0.0.1:{}", free_port());
    let start = || {
        framecast()
            .listen(&address)
            .camera("test#size=320x240,fps=10")
            .spawn()
    };
    let mut first = start();
    let second = serve(&[&format!("http://{address}/video_feed")]);
    let mut viewer = second.watch("/video_feed");
    viewer.until(server::Part::is_live);
    first.signal(Signal::TERM);
    assert!(first.wait().0.success());
    let lost = viewer.until(|part| !part.is_live());
    assert_eq!(size(&lost.jpeg), (320, 240));
    let view = second.until_state("camera", "lost");
    assert!(view["state"]["reason"].is_string());
    let _first = start();
    let back = viewer.until(server::Part::is_live);
    assert!(back.seq() > lost.seq());
}

#[test]
fn what_ffmpeg_serves_is_a_camera() {
    let url = format!("http://127.0.0.1:{}/stream", free_port());
    let _ffmpeg = beside(
        Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-re",
                "-f",
                "lavfi",
                "-i",
                "testsrc=size=320x240:rate=10",
            ])
            .args(["-c:v", "mjpeg", "-f", "mpjpeg", "-listen", "1", &url]),
    );
    let server = serve(&[&url]);
    let mut viewer = server.watch("/video_feed");
    for _ in 0..10 {
        let part = viewer.until(server::Part::is_live);
        assert_eq!(size(&part.jpeg), (320, 240));
    }
}

#[test]
fn ustreamer_is_a_camera() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("fakev4l2.so");
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tools/fakev4l2/fakev4l2.c"
    );
    let built = run(
        "cc",
        &[
            "-O2",
            "-shared",
            "-fPIC",
            source,
            "-o",
            library.to_str().unwrap(),
            "-ldl",
            "-lpthread",
        ],
    );
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let picture = folder.path().join("picture.jpg");
    fs::write(&picture, jpeg(320, 240, [200, 40, 40])).unwrap();
    let port = free_port().to_string();
    let _ustreamer = beside(
        Command::new("ustreamer")
            .args([
                "--device",
                "/dev/video0",
                "--format",
                "MJPEG",
                "--encoder",
                "HW",
            ])
            .args([
                "--resolution",
                "320x240",
                "--host",
                "127.0.0.1",
                "--port",
                &port,
            ])
            .env("LD_PRELOAD", &library)
            .env("FAKEV4L2_PATH", "/dev/video0")
            .env("FAKEV4L2_JPEG", &picture)
            .env("FAKEV4L2_FPS", "10")
            .stderr(Stdio::null()),
    );
    server::eventually("ustreamer", || {
        std::net::TcpStream::connect(format!("127.0.0.1:{port}"))
            .map(drop)
            .map_err(|error| error.to_string())
    });
    for path in [
        "stream",
        "stream?advance_headers=1",
        "stream?extra_headers=1",
        "snapshot",
    ] {
        let server = serve(&[&format!("http://127.0.0.1:{port}/{path}")]);
        let mut viewer = server.watch("/video_feed");
        for _ in 0..5 {
            // Until its device is open it sends a picture of its own, of another size.
            viewer.until(|part| part.is_live() && size(&part.jpeg) == (320, 240));
        }
        assert_eq!(server.camera("camera")["counters"]["opened"], 1, "{path}");
    }
}

#[test]
fn a_folder_of_pictures_and_a_film_are_cameras() {
    let start = framecast();
    fs::create_dir(start.path("pictures")).unwrap();
    for (index, grey) in [40, 120, 200].into_iter().enumerate() {
        let path = start.path(&format!("pictures/{index}.jpg"));
        fs::write(path, jpeg(64, 48, [grey; 3])).unwrap();
    }
    let film = start.path("film.mkv").display().to_string();
    let made = run(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=160x120:rate=10:duration=2",
            "-c:v",
            "mjpeg",
            &film,
        ],
    );
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let pictures = start.path("pictures").display().to_string();
    let server = start
        .camera(&format!("pictures=images:{pictures}#fps=5"))
        .camera(&format!("film=file:{film}"))
        .spawn();
    let mut viewer = server.watch("/cameras/pictures/stream.mjpg");
    let shown: std::collections::BTreeSet<u8> = (0..9)
        .map(|_| server::colour(&viewer.until(server::Part::is_live).jpeg)[0] / 40)
        .collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    // Over and over: longer than the film is.
    let mut viewer = server.watch("/cameras/film/stream.mjpg");
    for _ in 0..40 {
        assert_eq!(size(&viewer.until(server::Part::is_live).jpeg), (160, 120));
    }
    assert_eq!(server.get("/cameras/film/snapshot.jpg").size(), (160, 120));
    thread::sleep(Duration::from_millis(100));
}
