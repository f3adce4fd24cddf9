//! The drivers that run a program, with real programs: shells that misbehave, and ffmpeg.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/drivers.rs"]
mod support;

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use framecast_camera::{
    ErrorKind, Size,
    conformance::{self, Patience},
};
use support::{camera, end, frame, jpeg};
use tempfile::TempDir;

/// A folder with `1.jpg` … `3.jpg`, and the pid of the shell that a command writes there.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(TempDir::new().unwrap());
        for number in 1..=3 {
            fs::write(bench.path(&format!("{number}.jpg")), jpeg(number)).unwrap();
        }
        bench
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// `exec:` with a command that runs in the folder and says there who it is.
    fn exec(&self, command: &str) -> String {
        let folder = self.0.path().display();
        format!("exec:cd {folder}; echo $$ >pid; {command}")
    }

    fn group(&self) -> String {
        let pid = fs::read_to_string(self.path("pid")).unwrap();
        pid.trim().to_owned()
    }

    /// Processes of the shell's group, and our own zombies among them. Those of an init that waits late are not ours.
    fn members(&self) -> Vec<String> {
        let group = self.group();
        let stats = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok());
        stats
            .filter(|stat| {
                let behind_name = stat.rsplit(')').next().unwrap();
                let fields: Vec<&str> = behind_name.split_whitespace().collect();
                let orphaned_zombie = fields[0] == "Z" && fields[1] == "1";
                fields[2] == group && !orphaned_zombie
            })
            .collect()
    }
}

const CAT: &str = "while :; do for i in 1 2 3; do cat $i.jpg; sleep 0.02; done; done";

#[tokio::test]
async fn a_shell_loop_is_a_camera() {
    let bench = Bench::new();
    let camera = camera(&bench.exec(CAT), &[]);
    conformance::check(&*camera, Patience::default())
        .await
        .unwrap();
    assert_eq!(bench.members(), [""; 0]);
}

#[tokio::test]
async fn multipart_from_ffmpeg_is_a_camera() {
    let command = "exec:ffmpeg -v error -re -f lavfi -i testsrc=size=160x120 -f mpjpeg -";
    conformance::check(&*camera(command, &[]), Patience::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn everything_that_a_command_started_is_gone_once_it_is_closed() {
    let bench = Bench::new();
    let command = format!("sleep 1000 & (sleep 1000 & sleep 1000) & {CAT}");
    let mut running = camera(&bench.exec(&command), &[]).frames().start();
    frame(&mut running).await;
    assert!(bench.members().len() >= 4, "{:?}", bench.members());
    running.close().await;
    assert_eq!(bench.members(), [""; 0]);
}

#[tokio::test]
async fn a_command_is_gone_soon_after_its_frames_are_just_dropped() {
    let bench = Bench::new();
    let command = format!("sleep 1000 & {CAT}");
    let mut running = camera(&bench.exec(&command), &[]).frames().start();
    frame(&mut running).await;
    drop(running);
    let dropped = Instant::now();
    while !bench.members().is_empty() {
        assert!(dropped.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn a_command_that_ignores_sigterm_is_killed() {
    let bench = Bench::new();
    let command = format!("trap '' TERM PIPE; (sleep 1000) & {CAT} 2>/dev/null");
    let mut running = camera(&bench.exec(&command), &[]).frames().start();
    frame(&mut running).await;
    let asked = Instant::now();
    running.close().await;
    assert!(asked.elapsed() >= Duration::from_secs(1));
    assert_eq!(bench.members(), [""; 0]);
}

#[tokio::test]
async fn a_silent_command_can_be_closed() {
    let bench = Bench::new();
    let mut running = camera(&bench.exec("sleep 1000"), &[]).frames().start();
    let silence = tokio::time::timeout(Duration::from_millis(500), running.next()).await;
    assert!(silence.is_err());
    running.close().await;
    assert_eq!(bench.members(), [""; 0]);
}

#[tokio::test]
async fn a_command_that_dies_is_lost_and_its_last_words_are_told() {
    let command = "exec:echo warming up >&2; echo no camera at rtsp://me:hidden@cam >&2; exit 3";
    let (kind, message) = end(&*camera(command, &[])).await;
    assert_eq!(kind, ErrorKind::Lost);
    let expected = "the command ended, exit status 3: no camera at rtsp://me:***@cam";
    assert_eq!(message, expected);
}

#[tokio::test]
async fn a_command_that_is_killed_is_lost() {
    let bench = Bench::new();
    let camera = camera(&bench.exec(CAT), &[]);
    let kill = || {
        let group = format!("-{}", bench.group());
        let killed = Command::new("kill").args(["-9", "--", &group]).status();
        assert!(killed.unwrap().success());
    };
    conformance::check_unplugging(&*camera, Patience::default(), kill)
        .await
        .unwrap();
    let (kind, message) = end(&*support::camera("exec:kill -9 $$", &[])).await;
    assert_eq!(kind, ErrorKind::Lost);
    assert!(message.contains("signal 9"), "{message}");
}

#[tokio::test]
async fn what_a_dead_command_leaves_running_is_no_camera_and_goes_too() {
    let bench = Bench::new();
    let command = "sleep 1000 & cat 1.jpg; exit 0";
    let (kind, message) = end(&*camera(&bench.exec(command), &[])).await;
    assert_eq!(kind, ErrorKind::Lost);
    assert_eq!(message, "the command ended, exit status 0");
    // The frames ended by themselves, so closing goes on behind them.
    let ended = Instant::now();
    while !bench.members().is_empty() {
        assert!(ended.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn a_command_that_is_not_there_is_unsupported() {
    let (kind, message) = end(&*camera("exec:no-such-camera-program --now", &[])).await;
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(message.contains("no-such-camera-program"), "{message}");
}

#[tokio::test]
async fn garbage_is_told_from_pictures() {
    let (kind, message) = end(&*camera("exec:head -c 100000 /dev/zero", &[])).await;
    assert_eq!(kind, ErrorKind::Lost);
    assert!(message.contains("no JPEG in its 100000 bytes"), "{message}");
    let (kind, message) = end(&*camera("exec:yes", &[])).await;
    assert_eq!(kind, ErrorKind::Broken, "{message}");
}

#[tokio::test]
async fn pictures_between_garbage_are_found() {
    let bench = Bench::new();
    let command = "head -c 5000 /dev/zero; cat 1.jpg; head -c 5000 /dev/zero; cat 2.jpg; sleep 9";
    let mut running = camera(&bench.exec(command), &[]).frames().start();
    assert_eq!(frame(&mut running).await.data, jpeg(1));
    assert_eq!(frame(&mut running).await.data, jpeg(2));
    running.close().await;
}

#[tokio::test]
async fn a_command_is_told_what_is_wanted_of_it() {
    let told = "exec:echo $FRAMECAST_CAMERA $FRAMECAST_SIZE $FRAMECAST_FPS $FRAMECAST_QUALITY. >&2";
    let options = ["size=320x240", "fps=7.5", "quality=60"];
    let (_, message) = end(&*camera(told, &options)).await;
    assert!(message.ends_with("door 320x240 7.5 60."), "{message}");
}

/// A video file, made by ffmpeg.
fn clip(path: &str, args: &str) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i"])
        .args(args.split(' '))
        .arg(format!("file:{path}"))
        .status();
    assert!(made.expect("ffmpeg is needed for this test").success());
}

const SHORT: &str = "testsrc=size=160x120:rate=25:duration=0.4";

fn dimensions(jpeg: bytes::Bytes) -> Size {
    let admitted = framecast_media::jpeg::admit(jpeg, Default::default()).unwrap();
    Size::new(admitted.width.into(), admitted.height.into())
}

#[tokio::test]
async fn a_video_file_plays_over_and_over_whatever_it_is_called() {
    let bench = Bench::new();
    let path = bench.path("-i http:a 100%d.mp4");
    clip(&path, SHORT);
    let camera = camera(&format!("file:{path}"), &[]);
    conformance::check(&*camera, Patience::default())
        .await
        .unwrap();
    let mut running = camera.frames().start();
    for _ in 0..15 {
        assert_eq!(
            dimensions(frame(&mut running).await.data),
            Size::new(160, 120)
        );
    }
    running.close().await;
}

#[tokio::test]
async fn a_file_that_is_played_once_comes_to_its_end() {
    let bench = Bench::new();
    clip(&bench.path("a.mp4"), SHORT);
    let camera = camera(&format!("file:{}", bench.path("a.mp4")), &["once=true"]);
    let mut running = camera.frames().start();
    let mut frames = 0;
    while let Some(item) = running.next().await {
        item.unwrap();
        frames += 1;
    }
    assert_eq!(frames, 10);
}

#[tokio::test]
async fn the_pictures_of_an_mjpeg_file_are_not_touched() {
    let bench = Bench::new();
    let path = bench.path("a.avi");
    clip(&path, &format!("{SHORT} -c:v mjpeg"));
    let file = fs::read(&path).unwrap();
    let camera = camera(&format!("file:{path}"), &["once=true"]);
    let mut running = camera.frames().start();
    for _ in 0..5 {
        let jpeg = frame(&mut running).await.data;
        assert!(file.windows(jpeg.len()).any(|bytes| bytes == jpeg));
    }
    running.close().await;
}

#[tokio::test]
async fn a_file_is_made_smaller_in_proportion_but_never_larger() {
    let bench = Bench::new();
    clip(&bench.path("a.avi"), &format!("{SHORT} -c:v mjpeg"));
    let source = format!("file:{}", bench.path("a.avi"));
    for (asked, given) in [("size=100x100", (100, 75)), ("size=999x999", (160, 120))] {
        let mut running = camera(&source, &[asked]).frames().start();
        let size = dimensions(frame(&mut running).await.data);
        assert_eq!(size, Size::new(given.0, given.1));
        running.close().await;
    }
}

#[tokio::test]
async fn a_file_yields_no_more_frames_than_are_wanted_and_no_more_than_it_has() {
    let bench = Bench::new();
    clip(
        &bench.path("a.mp4"),
        "testsrc=size=160x120:rate=20:duration=1",
    );
    let source = format!("file:{}", bench.path("a.mp4"));
    for (asked, expected) in [("fps=5", 4..=6), ("fps=100", 20..=20)] {
        let mut running = camera(&source, &["once=true", asked]).frames().start();
        let mut frames = running.take_lost().unread;
        while let Some(Ok(_)) = running.next().await {
            frames += 1;
        }
        frames += running.take_lost().unread;
        assert!(expected.contains(&frames), "{asked}: {frames}");
    }
}

#[tokio::test]
async fn a_file_that_can_not_be_played_says_why() {
    let bench = Bench::new();
    fs::write(bench.path("text.mp4"), "once upon a time").unwrap();
    clip(&bench.path("sound.wav"), "sine=duration=0.2");
    let folder = bench.path("");
    for (path, kind, why) in [
        (
            bench.path("gone.mp4"),
            ErrorKind::Unavailable,
            "No such file",
        ),
        (folder, ErrorKind::Invalid, "is no file"),
        (bench.path("text.mp4"), ErrorKind::Invalid, "Invalid data"),
        (
            bench.path("sound.wav"),
            ErrorKind::Invalid,
            "no video in it",
        ),
    ] {
        let ended = end(&*camera(&format!("file:{path}"), &[])).await;
        assert_eq!(ended.0, kind, "{}", ended.1);
        assert!(ended.1.contains(why), "{}", ended.1);
        assert!(ended.1.contains(&path), "{}", ended.1);
        assert!(!ended.1.contains('\n'), "{}", ended.1);
    }
}
