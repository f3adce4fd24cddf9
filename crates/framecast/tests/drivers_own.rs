//! The drivers that need no peer, the push port, and what the registry makes of a request.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/drivers.rs"]
mod support;

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use framecast::drivers::{Registry, Scheme, push::Ports};
use framecast_camera::{
    Camera, ErrorKind, Format, Frame, Frames, Layout, Size,
    conformance::{self, Patience},
};
use support::{camera, end, frame, jpeg, request};
use tempfile::TempDir;

#[tokio::test]
async fn the_test_camera_keeps_the_contract() {
    conformance::check(&*camera("test", &[]), Patience::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_test_camera_has_any_size_and_moves() {
    let mut running = camera("test", &["size=321x123", "fps=100"])
        .frames()
        .start();
    let first = frame(&mut running).await;
    let layout = Layout::Rgb24;
    assert_eq!(first.size, Some(Size::new(321, 123)));
    let stride = 3 * 321;
    assert_eq!(first.format, Format::Raw { layout, stride });
    assert_ne!(first.data, frame(&mut running).await.data);
    running.close().await;
}

#[tokio::test]
async fn the_test_camera_keeps_its_rate() {
    let mut running = camera("test", &["size=16x16", "fps=50"]).frames().start();
    frame(&mut running).await;
    let start = Instant::now();
    let mut frames = 0;
    while start.elapsed() < Duration::from_secs(1) {
        frame(&mut running).await;
        frames += 1 + running.take_lost();
    }
    running.close().await;
    assert!((45..=55).contains(&frames), "{frames}");
}

/// A folder with these pictures, each numbered as it is named.
fn folder(names: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (number, name) in (0..).zip(names) {
        fs::write(folder.path().join(name), jpeg(number)).unwrap();
    }
    folder
}

fn source(folder: &TempDir) -> String {
    format!("images:{}", folder.path().display())
}

#[tokio::test]
async fn a_folder_is_shown_in_natural_order_over_and_over() {
    let folder = folder(&["a1.jpg", "a2.JPEG", "a10.Jpg", "a3.png", "a4.jpg.part"]);
    let camera = camera(&source(&folder), &["fps=50"]);
    conformance::check(&*camera, Patience::default())
        .await
        .unwrap();
    let mut running = camera.frames().start();
    for number in [0, 1, 2, 0, 1, 2] {
        assert_eq!(frame(&mut running).await.data, jpeg(number));
    }
    running.close().await;
}

#[tokio::test]
async fn pictures_may_come_and_go_while_a_folder_is_shown() {
    let folder = folder(&["1.jpg", "2.jpg"]);
    let mut running = camera(&source(&folder), &["fps=20"]).frames().start();
    frame(&mut running).await;
    fs::remove_file(folder.path().join("1.jpg")).unwrap();
    fs::remove_file(folder.path().join("2.jpg")).unwrap();
    // A folder is no picture, whatever its name.
    fs::create_dir(folder.path().join("3.jpg")).unwrap();
    fs::write(folder.path().join("4.jpg"), jpeg(4)).unwrap();
    while frame(&mut running).await.data != jpeg(4) {}
    assert_eq!(frame(&mut running).await.data, jpeg(4));
    running.close().await;
}

#[tokio::test]
async fn a_folder_without_pictures_says_so() {
    let empty = folder(&["readme.txt"]);
    let (kind, message) = end(&*camera(&source(&empty), &[])).await;
    assert_eq!(kind, ErrorKind::Unavailable);
    assert!(message.contains("no JPEG file is in it"), "{message}");
    let (kind, message) = end(&*camera("images:/no/such/folder", &[])).await;
    assert_eq!(kind, ErrorKind::Unavailable);
    assert!(message.contains("/no/such/folder"), "{message}");
}

/// A push camera called `door` and where its ports are.
fn push() -> (Registry, Ports, Arc<dyn Camera>) {
    let ports = Ports::default();
    let registry = Registry::bundled(&ports);
    let camera = registry.make(&request("push", &[])).unwrap();
    (registry, ports, camera)
}

#[tokio::test]
async fn a_push_camera_shows_what_is_sent() {
    let (_, ports, camera) = push();
    let sender = ports.port("door").unwrap().sender().unwrap();
    let sending = tokio::spawn(async move {
        loop {
            sender.send(Frame::jpeg(jpeg(1)));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    conformance::check(&*camera, Patience::default())
        .await
        .unwrap();
    sending.abort();
}

#[tokio::test]
async fn a_push_camera_waits_for_its_sender_and_says_so_once() {
    let (_, ports, camera) = push();
    let mut running = camera.frames().start();
    for number in [1, 2] {
        let error = running.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSignal);
        assert!(error.to_string().contains("door/push"), "{error}");
        let waiting = tokio::time::timeout(Duration::from_millis(50), running.next()).await;
        assert!(waiting.is_err());
        let sender = ports.port("door").unwrap().sender().unwrap();
        sender.send(Frame::jpeg(jpeg(number)));
        drop(sender);
        assert_eq!(frame(&mut running).await.data, jpeg(number));
    }
}

#[tokio::test]
async fn only_one_may_send_at_a_time() {
    let (_, ports, _camera) = push();
    let port = ports.port("door").unwrap();
    let sender = port.sender().unwrap();
    assert!(port.sender().is_err());
    drop(sender);
    assert!(port.sender().is_ok());
}

#[tokio::test]
async fn frames_that_nobody_watches_are_dropped_and_counted() {
    let (_, ports, camera) = push();
    let port = ports.port("door").unwrap();
    let sender = port.sender().unwrap();
    assert!(!sender.is_wanted());
    sender.send(Frame::jpeg(jpeg(1)));
    assert_eq!(port.dropped(), 1);
    let mut running = camera.frames().start();
    let waiting = tokio::time::timeout(Duration::from_millis(50), running.next()).await;
    assert!(waiting.is_err(), "an old frame must not be shown");
    assert!(sender.is_wanted());
    for number in 2..10 {
        sender.send(Frame::jpeg(jpeg(number)));
    }
    assert_eq!(frame(&mut running).await.data, jpeg(6));
    assert_eq!(port.dropped(), 1 + 4);
    running.close().await;
    assert_eq!(port.dropped(), 1 + 4 + 3);
}

#[tokio::test]
async fn a_sender_stays_while_its_camera_is_replaced_and_the_port_goes_with_both() {
    let (registry, ports, camera) = push();
    let sender = ports.port("door").unwrap().sender().unwrap();
    drop(camera);
    let camera = registry.make(&request("push", &["fps=5"])).unwrap();
    let mut running = camera.frames().start();
    let waiting = tokio::time::timeout(Duration::from_millis(20), running.next()).await;
    assert!(waiting.is_err());
    sender.send(Frame::jpeg(jpeg(3)));
    assert_eq!(frame(&mut running).await.data, jpeg(3));
    drop((sender, running, camera));
    assert!(ports.port("door").is_none());
}

#[test]
fn what_is_wrong_with_a_request_is_said_before_anything_is_opened() {
    let registry = Registry::bundled(&Ports::default());
    for (source, options, kind, why) in [
        ("images", &[][..], ErrorKind::Invalid, "images:FOLDER"),
        ("exec:", &[], ErrorKind::Invalid, "exec:COMMAND"),
        ("file", &[], ErrorKind::Invalid, "file:PATH"),
        ("file:a", &["once=2"], ErrorKind::Invalid, "once=2"),
        (
            "test",
            &["once=true"],
            ErrorKind::Invalid,
            "no option `once`",
        ),
        ("test", &["fps=1000"], ErrorKind::Invalid, "1000"),
        ("test", &["quality=0"], ErrorKind::Invalid, "quality 0"),
        ("http:", &[], ErrorKind::Invalid, "no address"),
        ("http://a:b/c@d", &[], ErrorKind::Invalid, "***"),
        ("/dev/video0", &[], ErrorKind::Invalid, "must start with"),
        ("me:b/c@cam", &[], ErrorKind::Invalid, "`me` is no kind"),
        (
            "v4l2:",
            &["format=H264"],
            ErrorKind::Invalid,
            "must be one of MJPG",
        ),
        ("v4l2:", &["input=hdmi"], ErrorKind::Invalid, "`input=hdmi`"),
    ] {
        let Err(error) = registry.make(&request(source, options)) else {
            panic!("{source} {options:?} was accepted");
        };
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(!error.to_string().contains("b/c"), "{error}");
    }
}

#[cfg(not(feature = "opencv"))]
#[test]
fn a_build_without_opencv_knows_the_source_and_says_what_to_do() {
    let registry = Registry::bundled(&Ports::default());
    let Err(error) = registry.make(&request("opencv:0", &["format=MJPG"])) else {
        panic!("it was accepted");
    };
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("--features opencv"), "{error}");
}

#[test]
fn only_sources_that_touch_nothing_on_this_machine_may_be_added_from_afar() {
    let registry = Registry::bundled(&Ports::default());
    let remote = registry.schemes().filter(|scheme| scheme.remote);
    let names: Vec<&str> = remote.map(|scheme| scheme.name).collect();
    assert_eq!(names, ["http", "https", "push", "test"]);
}

#[tokio::test]
async fn a_third_party_adds_a_scheme_of_its_own() {
    struct Still;
    impl Camera for Still {
        fn frames(&self) -> Frames {
            Frames::blocking(|_| Ok(std::iter::repeat_with(|| Ok(Frame::jpeg(jpeg(7))))))
        }
    }
    let mut registry = Registry::bundled(&Ports::default());
    registry.register(
        Scheme::new("still", "always the same picture", |_| Ok(Still))
            .options(&[("which", "which picture")]),
    );
    let camera = registry.make(&request("still", &["which=7"])).unwrap();
    let mut running = camera.frames().start();
    assert_eq!(frame(&mut running).await.data, jpeg(7));
}
