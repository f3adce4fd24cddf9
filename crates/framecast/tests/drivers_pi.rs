//! The Raspberry Pi's cameras, with a stand-in for `rpicam-vid` that checks its options and fails in the real one's words.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/drivers.rs"]
#[expect(dead_code, reason = "every test binary uses a part of it")]
mod support;

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use framecast::drivers::{
    Registry,
    pi::{self, Mode, System},
};
use framecast_camera::{
    Camera, ErrorKind, Result, Size,
    conformance::{self, Patience},
};
use framecast_media::jpeg;
use support::{end, frame, request};
use tempfile::TempDir;

const STAND_IN: &str = include_str!("support/rpicam-vid.sh");

/// A Raspberry Pi: its programs in `bin`, its devices in `dev`, `proc` and `sys`.
struct Board(TempDir);

impl Board {
    fn bare() -> Self {
        let board = Self(TempDir::new().unwrap());
        fs::create_dir(board.path("bin")).unwrap();
        board
    }

    fn new() -> Self {
        let board = Self::bare();
        board.install("rpicam-vid");
        board
    }

    /// With a stand-in that is in such a mood.
    fn in_the_mood(mood: &str) -> Self {
        let board = Self::new();
        board.put("mood", mood);
        board
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn install(&self, program: &str) {
        let path = self.path("bin").join(program);
        fs::write(&path, STAND_IN).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn system(&self) -> System {
        System::at(vec![self.path("bin")], self.0.path())
    }

    fn make(&self, source: &str, options: &[&str]) -> Result<Arc<dyn Camera>> {
        let mut registry = Registry::default();
        registry.register(pi::scheme(self.system()));
        registry.make(&request(source, options))
    }

    fn camera(&self, source: &str, options: &[&str]) -> Arc<dyn Camera> {
        self.make(source, options).unwrap()
    }

    /// How the camera ends.
    async fn end(&self, source: &str, options: &[&str]) -> (ErrorKind, String) {
        let ended = end(&*self.camera(source, options)).await;
        assert!(!ended.1.contains('\n'), "{}", ended.1);
        ended
    }

    /// What the program was started with, one argument a line.
    fn arguments(&self) -> Vec<String> {
        self.read("arguments").lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn the_camera_module_is_a_camera() {
    let board = Board::new();
    conformance::check(&*board.camera("pi", &[]), Patience::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn it_gives_the_size_that_is_asked_for_and_is_told_rate_and_quality() {
    let board = Board::new();
    let options = ["size=320x240", "fps=12.5", "quality=60"];
    let mut running = board.camera("pi:1", &options).frames().start();
    let picture = jpeg::admit(frame(&mut running).await.data, Default::default()).unwrap();
    assert_eq!((picture.width, picture.height), (320, 240));
    running.close().await;
    let expected = "--codec mjpeg -o - -t 0 -n --flush --camera 1 --width 320 --height 240 --framerate 12.5 --quality 60";
    assert_eq!(board.arguments().join(" "), expected);
}

#[tokio::test]
async fn every_option_is_one_that_the_program_knows() {
    let board = Board::new();
    board.put("imx708.json", "{}");
    let tuning = format!("tuning_file={}", board.path("imx708.json").display());
    let options = [
        "autofocus_mode=manual",
        "autofocus_range=macro",
        "awb=daylight",
        "awb_gains=1.5:2",
        "brightness=-0.5",
        "contrast=1.2",
        "denoise=cdn_off",
        "ev=-0.5",
        "exposure=sport",
        "flicker_period=10ms",
        "gain=2",
        "hflip=true",
        "lens_position=2.5",
        "metering=spot",
        "roi=0.25,0.25,0.5,0.5",
        "rotation=180",
        "saturation=0",
        "sharpness=2",
        "shutter=1ms",
        &tuning,
        "vflip=no",
    ];
    let mut running = board.camera("pi", &options).frames().start();
    frame(&mut running).await;
    running.close().await;
    let arguments = board.arguments();
    for expected in [
        "--awbgains=1.5,2",
        "--brightness=-0.5",
        "--flicker-period=10000",
        "--hflip",
        "--lens-position=2.5",
        "--roi=0.25,0.25,0.5,0.5",
        "--rotation=180",
        "--shutter=1000",
    ] {
        assert!(arguments.iter().any(|it| it == expected), "{arguments:?}");
    }
    assert!(!arguments.iter().any(|it| it == "--vflip"), "{arguments:?}");
}

#[test]
fn a_value_that_the_program_would_refuse_or_misread_is_refused_at_once() {
    let board = Board::new();
    for (source, option, why) in [
        ("pi:front", None, "`pi:0`"),
        ("pi", Some("rotation=90"), "one of 0, 180"),
        ("pi", Some("exposure=nigth"), "one of normal, sport"),
        ("pi", Some("awb=warm"), "one of auto,"),
        ("pi", Some("brightness=2"), "from -1 to 1"),
        ("pi", Some("gain=NaN"), "a number"),
        ("pi", Some("gain=inf"), "a number"),
        ("pi", Some("roi=0,0,2,1"), "4 numbers from 0 to 1"),
        ("pi", Some("roi=0,0,1"), "4 numbers"),
        ("pi", Some("awb_gains=1"), "2 numbers"),
        ("pi", Some("shutter=soon"), "a time such as"),
        ("pi", Some("shutter=0"), "a time such as"),
        ("pi", Some("hflip=perhaps"), "neither true nor false"),
        ("pi", Some("lens_position=far"), "or default"),
        ("pi", Some("tuning_file="), "the path of a file"),
    ] {
        let options: Vec<&str> = option.into_iter().collect();
        let Err(error) = board.make(source, &options) else {
            panic!("{source} {options:?} was accepted");
        };
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_tuning_file_that_is_not_there_is_named() {
    let (kind, message) = Board::new().end("pi", &["tuning_file=/no/such.json"]).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(message.contains("`/no/such.json`"), "{message}");
}

#[test]
fn neither_the_command_nor_a_path_can_be_given_from_afar() {
    assert!(!pi::scheme(Board::new().system()).remote);
}

#[tokio::test]
async fn the_older_name_of_the_program_serves_too() {
    let board = Board::bare();
    board.install("libcamera-vid");
    let mut running = board.camera("pi", &[]).frames().start();
    frame(&mut running).await;
    running.close().await;
}

#[tokio::test]
async fn a_missing_program_is_told_with_the_package_to_install() {
    let board = Board::bare();
    let (kind, message) = board.end("pi", &[]).await;
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(message.contains("apt-get install rpicam-apps"), "{message}");
    // As a new system has them, though no camera may be connected.
    board.put(
        "sys/class/video4linux/video10/name",
        "bcm2835-codec-decode\n",
    );
    let (_, message) = board.end("pi", &[]).await;
    assert!(message.contains("rpicam-apps"), "{message}");
}

#[tokio::test]
async fn an_old_system_without_the_program_has_its_camera_by_the_kernel() {
    let board = Board::bare();
    let node = "sys/class/video4linux/video99";
    board.put(&format!("{node}/name"), "camera0\n");
    fs::create_dir(board.path(&format!("{node}/device"))).unwrap();
    let driver = board.path(&format!("{node}/device/driver"));
    symlink("../../bus/platform/drivers/bcm2835-camera", driver).unwrap();
    // That there is no such node on this machine, only the kernel's driver can say.
    let (kind, message) = board.end("pi", &["awb=daylight"]).await;
    assert_eq!(kind, ErrorKind::Unavailable);
    assert!(
        message.contains("`/dev/video99` is not plugged in"),
        "{message}"
    );
    board.install("rpicam-vid");
    let mut running = board.camera("pi", &[]).frames().start();
    frame(&mut running).await;
    running.close().await;
}

#[tokio::test]
async fn a_program_that_finds_the_old_driver_says_what_to_do() {
    let (kind, message) = Board::in_the_mood("legacy").end("pi", &[]).await;
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(message.contains("`v4l2:/dev/video0`"), "{message}");
}

#[tokio::test]
async fn no_camera_is_told_with_a_hint_at_its_cable() {
    let (kind, message) = Board::in_the_mood("none").end("pi", &[]).await;
    assert_eq!(kind, ErrorKind::Unavailable);
    assert!(message.contains("no camera is connected"), "{message}");
    assert!(message.contains("cable"), "{message}");
}

#[tokio::test]
async fn a_wrong_number_is_told_with_the_cameras_that_there_are() {
    let (kind, message) = Board::new().end("pi:2", &[]).await;
    assert_eq!(kind, ErrorKind::Invalid);
    let expected = "there is no camera `pi:2`, only `pi:0` (imx708), `pi:1` (ov5647)";
    assert_eq!(message, expected);
}

#[tokio::test]
async fn a_camera_in_use_is_told_with_the_program_that_uses_it() {
    let board = Board::in_the_mood("busy");
    let (kind, message) = board.end("pi", &[]).await;
    assert_eq!(kind, ErrorKind::Busy);
    assert_eq!(message, "the camera is in use by another program");

    board.put("dev/media0", "");
    board.put("dev/media1", "");
    board.put("proc/812/comm", "motion\n");
    let meta = fs::metadata(board.path("dev/media1")).unwrap();
    let (major, minor) = (rustix::fs::major(meta.dev()), rustix::fs::minor(meta.dev()));
    let file = format!("{major:02x}:{minor:02x}:{}", meta.ino());
    board.put("proc/locks", &format!(
        "1: FLOCK  ADVISORY  WRITE 7 00:1b:1 0 EOF\n1: -> POSIX ADVISORY\n2: POSIX  ADVISORY  WRITE 812 {file} 0 EOF\n"
    ));
    let (_, message) = board.end("pi", &[]).await;
    assert_eq!(message, "the camera is in use by `motion` (process 812)");
}

#[tokio::test]
async fn a_lock_is_found_in_the_list_of_a_real_kernel() {
    let board = Board::in_the_mood("busy");
    board.put("dev/media0", "");
    symlink("/proc", board.path("proc")).unwrap();
    let mut holder = Command::new("flock")
        .arg("--no-fork")
        .arg(board.path("dev/media0"))
        .args(["sleep", "1000"])
        .spawn()
        .unwrap();
    let message = loop {
        let (_, message) = board.end("pi", &[]).await;
        if message.contains("process") || holder.try_wait().unwrap().is_some() {
            break message;
        }
    };
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(message.contains("`sleep`"), "{message}");
}

#[tokio::test]
async fn an_option_that_an_older_program_lacks_is_told_as_such() {
    let board = Board::in_the_mood("old");
    let (kind, message) = board.end("pi", &["autofocus_mode=auto"]).await;
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(message.contains("too old"), "{message}");
    assert!(message.contains("--autofocus-mode"), "{message}");
}

#[tokio::test]
async fn a_machine_that_is_no_raspberry_pi_is_told_so() {
    let (kind, message) = Board::in_the_mood("elsewhere").end("pi", &[]).await;
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(message.contains("which this is not"), "{message}");
}

#[tokio::test]
async fn a_camera_that_dies_is_lost_with_its_last_words() {
    let (kind, message) = Board::in_the_mood("dies").end("pi", &[]).await;
    assert_eq!(kind, ErrorKind::Lost);
    assert!(message.contains("exit status 255"), "{message}");
    assert!(message.contains("failed to start camera"), "{message}");
}

#[tokio::test]
async fn a_program_that_is_killed_is_a_camera_unplugged() {
    let board = Board::new();
    let kill = || {
        let group = format!("-{}", board.read("pid").trim());
        let killed = Command::new("kill").args(["-9", "--", &group]).status();
        assert!(killed.unwrap().success());
    };
    conformance::check_unplugging(&*board.camera("pi", &[]), Patience::default(), kill)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_camera_that_falls_silent_is_lost_within_seconds_for_its_cable() {
    for mood in ["hangs", "unplugged"] {
        let board = Board::in_the_mood(mood);
        let started = Instant::now();
        let (kind, message) = board.end("pi", &[]).await;
        assert_eq!(kind, ErrorKind::Lost);
        assert!(message.contains("check its cable"), "{message}");
        assert_eq!(
            message.contains("Device timeout"),
            mood == "unplugged",
            "{message}"
        );
        assert!(started.elapsed() < Duration::from_secs(8), "{message}");
    }
}

#[tokio::test]
async fn half_a_picture_is_no_frame() {
    let board = Board::in_the_mood("half");
    let mut running = board.camera("pi", &[]).frames().start();
    let whole = frame(&mut running).await.data;
    assert!(whole.ends_with(&[0xff, 0xd9]));
    let mut last = running.next().await;
    while let Some(Ok(frame)) = last {
        // What has come of it may be passed on: that it breaks off is seen at the door.
        assert!(jpeg::admit(frame.data, Default::default()).is_err());
        last = running.next().await;
    }
    assert_eq!(last.unwrap().unwrap_err().kind(), ErrorKind::Lost);
}

#[test]
fn the_sensors_are_listed_with_their_modes() {
    let sensors = pi::sensors(&Board::new().system()).unwrap();
    let models: Vec<&str> = sensors.iter().map(|it| &*it.model).collect();
    assert_eq!(models, ["imx708", "ov5647"]);
    assert_eq!(sensors[1].index, 1);
    assert_eq!(sensors[1].size, Some(Size::new(2592, 1944)));
    let expected = Mode {
        format: "SGBRG10_CSI2P".to_owned(),
        size: Size::new(640, 480),
        fps: Some(58.92),
    };
    assert_eq!(sensors[1].modes[0], expected);
    let none = pi::sensors(&Board::in_the_mood("none").system()).unwrap();
    assert_eq!(none, []);
    let error = pi::sensors(&Board::bare().system()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
