//! Cameras of a real kernel, booted for the purpose: raw pictures and faults by `vivid`, a USB camera by `uvcvideo`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/guest.rs"]
mod guest;
#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use framecast_media::{jpeg, picture::TestCard};
use guest::Guest;
use server::{Part, Viewer};

const STREAM: &str = "/cameras/cam/stream.mjpg";

/// One guest at a time: an emulated machine takes all that this one has.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn raw_pictures_reach_a_viewer_in_their_colours_at_their_rate() {
    let _alone = alone();
    let guest = guest::with_vivid().camera("cam=v4l2:").start();
    let mut viewer = guest.watch(STREAM);
    let first = viewer.until(Part::is_live);
    assert_eq!(server::size(&first.jpeg), (640, 480));
    let start = Instant::now();
    let mut last = first.taken();
    let mut frames = 0;
    while start.elapsed() < Duration::from_secs(4) {
        let part = viewer.next();
        assert!(part.is_live() && part.taken() > last);
        last = part.taken();
        frames += 1;
    }
    let rate = (last - first.taken()).recip() * f64::from(frames);
    println!("{frames} raw pictures, {rate:.1} a second");
    assert!(rate > 10.0, "{rate} a second");
    assert_eq!(bars(&first.jpeg), COLOUR_BARS);
    let log = guest.log();
    assert!(
        log.contains("(vivid) gives YUYV 640x480 at 25 frames a second"),
        "{log}"
    );
}

/// The kernel's test picture: white, yellow, cyan, green, magenta, red, blue, black.
const COLOUR_BARS: &str = "111 110 011 010 101 100 001 000";

/// Which of red, green and blue are bright in each of eight bars, below the text that the kernel writes over them.
fn bars(picture: &[u8]) -> String {
    let image = jpeg::decode(picture).unwrap();
    let width = image.width as usize;
    let row = image.height as usize * 5 / 6;
    let bar = |number: usize| {
        let at = (row * width + (2 * number + 1) * width / 16) * 3;
        let bright = image.rgb[at..at + 3]
            .iter()
            .map(|&c| if c > 96 { '1' } else { '0' });
        bright.collect::<String>()
    };
    (0..8).map(bar).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_raw_format_is_shown_in_its_colours() {
    let _alone = alone();
    let formats = [
        "YUYV", "UYVY", "NV12", "NV21", "YU12", "YV12", "RGB3", "BGR3", "GREY",
    ];
    let cameras = formats.map(|format| format!("{format}=v4l2:#format={format},linger=0s"));
    let boot = cameras
        .iter()
        .fold(guest::with_vivid(), |boot, c| boot.camera(c));
    let guest = boot.start();
    for format in formats {
        let mut viewer = guest.watch(&format!("/cameras/{format}/stream.mjpg"));
        let part = viewer.until(Part::is_live);
        assert_eq!(server::size(&part.jpeg), (640, 480), "{format}");
        let expected = match format {
            // Blue and red are dark when there are no colours.
            "GREY" => "111 111 111 111 000 000 000 000",
            _ => COLOUR_BARS,
        };
        assert_eq!(bars(&part.jpeg), expected, "{format}");
        assert!(
            guest.log().contains(&format!("gives {format} ")),
            "{}",
            guest.log()
        );
        drop(viewer);
        guest.until_state(format, "idle");
    }
}

#[test]
fn every_fault_of_a_driver_is_told_and_the_camera_comes_back() {
    let _alone = alone();
    let guest = guest::with_vivid().camera("cam=v4l2:/dev/video0").start();
    let mut viewer = guest.watch(STREAM);
    viewer.until(Part::is_live);
    let lost = "/dev/video0 was unplugged or failed";
    for (fault, told) in [
        ("v4l2-ctl -c disconnect=1", lost),
        ("v4l2-ctl -c inject_fatal_streaming_error=1", lost),
        (
            "v4l2-ctl -c inject_vidioc_qbuf_error=1",
            "/dev/video0 stopped giving pictures: Invalid argument",
        ),
        (
            "v4l2-ctl -c inject_vidioc_reqbufs_error=1 -c inject_fatal_streaming_error=1",
            "/dev/video0 refuses to share its buffers: Invalid argument",
        ),
        (
            "v4l2-ctl -c inject_vidioc_streamon_error=1 -c inject_fatal_streaming_error=1",
            "/dev/video0 refuses to start: Invalid argument",
        ),
        (
            "cd /sys/bus/platform/drivers/vivid; echo vivid.0 >unbind; sleep 5; echo vivid.0 >bind",
            "the camera `/dev/video0` is not plugged in",
        ),
    ] {
        let before = guest.log().len();
        let said = guest.run(fault);
        assert_eq!(said, "", "{fault}");
        let start = Instant::now();
        loop {
            let part = viewer.next();
            let log = guest.log();
            let news = &log[before..];
            if part.is_live() && news.contains(told) && news.contains("live again") {
                break;
            }
            assert!(start.elapsed() < server::PATIENCE, "{fault}: {news}");
        }
        println!("{fault}: back after {:.1?}", start.elapsed());
    }
}

#[test]
fn damaged_and_missing_pictures_and_counters_that_wrap_stop_nothing() {
    let _alone = alone();
    let guest = guest::with_vivid().camera("cam=v4l2:").start();
    let mut viewer = guest.watch(STREAM);
    viewer.until(Part::is_live);
    for oddity in [
        "percentage_of_dropped_buffers=50",
        "wrap_sequence_number=1",
        "wrap_timestamp=1",
        "inject_v4l2_buf_flag_error=1",
    ] {
        assert_eq!(guest.run(&format!("v4l2-ctl -c {oddity}")), "");
        let mut last = viewer.next();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            let part = viewer.next();
            assert!(part.is_live(), "{oddity}: {}", guest.log());
            assert!(part.taken() >= last.taken(), "{oddity}");
            last = part;
        }
    }
    assert!(!guest.log().contains("live again"), "{}", guest.log());
}

#[test]
fn a_second_program_is_told_who_has_the_camera() {
    let _alone = alone();
    let guest = guest::with_vivid().camera("cam=v4l2:").start();
    guest.watch(STREAM).until(Part::is_live);
    let said = snapshot(&guest, "v4l2:");
    assert!(
        said.contains("/dev/video0 is being used by framecast (process "),
        "{said}"
    );
    let pid = guest.run("pidof framecast");
    let open = || guest.run(&format!("ls -l /proc/{pid}/fd | grep -c /dev/video"));
    assert_eq!(open(), "1");
}

/// What taking a picture in the guest says.
fn snapshot(guest: &Guest, source: &str) -> String {
    let program = server::FRAMECAST;
    guest.run(&format!(
        "{program} snapshot {source} --timeout 3s -o /tmp/picture.jpg"
    ))
}

/// Sixty different pictures, one behind the other, the first of which is none at all.
fn pictures() -> (tempfile::NamedTempFile, Vec<Vec<u8>>) {
    let mut card = TestCard::new(640, 480, "usb");
    let pictures: Vec<Vec<u8>> = (0..60)
        .map(|number| {
            let picture = card.draw("12:34:56.789", number, number as f64 / 60.0);
            jpeg::encode(&picture.pixels(), 75).unwrap()
        })
        .collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    let all = [b"this is no JPEG\xff\xd9".to_vec(), pictures.concat()].concat();
    fs::write(file.path(), all).unwrap();
    (file, pictures)
}

/// The next part that is live or not.
fn until_live(viewer: &mut Viewer, live: bool) -> Duration {
    let start = Instant::now();
    viewer.until(|part| part.is_live() == live);
    start.elapsed()
}

#[test]
fn a_usb_camera_is_passed_on_bit_by_bit_and_survives_being_unplugged() {
    let _alone = alone();
    let (file, pictures) = pictures();
    let guest = guest::with_usb(file.path())
        .background("setsid uvcsim pictures >/dev/null 2>&1 </dev/null")
        .camera("cam=v4l2:SIM0001#size=800x600")
        .start();
    let mut viewer = guest.watch(STREAM);
    let first = viewer.until(Part::is_live);
    let known = |part: &Part| {
        let found = pictures.iter().position(|picture| *picture == part.jpeg);
        found.expect("a picture that the camera never gave")
    };
    let (mut last, mut lost, mut end) = (known(&first), 0, first.taken());
    let frames = 300;
    for _ in 0..frames {
        let part = viewer.next();
        let now = known(&part);
        lost += (now + 60 - last - 1) % 60;
        (last, end) = (now, part.taken());
    }
    let rate = f64::from(frames) / (end - first.taken());
    println!("{frames} pictures, {rate:.2} a second, {lost} lost");
    assert!(rate > 20.0, "{rate} a second");
    let log = guest.log();
    let told = "can't do 800x600: it gives MJPG 640x480 at 30 frames a second, the nearest";
    assert_eq!(log.matches(told).count(), 1, "{log}");

    let said = snapshot(&guest, "v4l2:/dev/video1");
    assert!(said.contains("gives no pictures"), "{said}");

    // Another camera takes the node that it had.
    guest.unplug();
    let gone = until_live(&mut viewer, false);
    println!("no signal {gone:.1?} after unplugging");
    assert!(gone < Duration::from_secs(1), "{gone:?}");
    assert_eq!(
        guest
            .run("modprobe vivid n_devs=1 node_types=1 num_inputs=1 input_types=0; ls /dev/video0"),
        "/dev/video0"
    );
    std::thread::sleep(Duration::from_secs(3));
    guest.plug();
    let back = until_live(&mut viewer, true);
    println!("live {back:.1?} after plugging in");
    assert!(back < Duration::from_secs(2), "{back:?}");
    known(&viewer.next());
}

#[test]
fn a_usb_camera_that_stalls_is_told_and_comes_back() {
    let _alone = alone();
    let (file, _) = pictures();
    let guest = guest::with_usb(file.path())
        .background("setsid uvcsim pictures >/dev/null 2>&1 </dev/null")
        .camera("cam=v4l2:")
        .start();
    let mut viewer = guest.watch(STREAM);
    viewer.until(Part::is_live);
    guest.run("killall -STOP uvcsim");
    let gone = until_live(&mut viewer, false);
    println!("no signal {gone:.1?} after stalling");
    assert!(guest.log().contains("no picture for 5s"), "{}", guest.log());
    guest.run("killall -CONT uvcsim");
    let back = until_live(&mut viewer, true);
    println!("live {back:.1?} after going on");
}

#[test]
fn what_is_plugged_in_is_listed_with_names_formats_and_controls() {
    let _alone = alone();
    let (file, _) = pictures();
    let guest = guest::with_usb(file.path())
        .background("setsid uvcsim pictures >/dev/null 2>&1 </dev/null")
        .camera("cam=v4l2:#controls=brightness=12 sharpness=1")
        .start();
    guest.watch(STREAM).until(Part::is_live);
    let devices = guest.get("/api/v1/devices").value();
    let devices = devices["devices"].as_array().unwrap();
    assert_eq!(
        devices.len(),
        1,
        "the metadata node is no camera: {devices:?}"
    );
    let camera = &devices[0];
    assert_eq!(camera["path"], "/dev/video0");
    assert_eq!(camera["source"], "v4l2:SIM0001");
    assert_eq!(camera["driver"], "uvcvideo");
    let formats = camera["formats"].as_array().unwrap();
    let names: Vec<&str> = formats
        .iter()
        .map(|f| f["format"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["MJPG", "YUYV"]);
    let size = &formats[0]["sizes"][0];
    assert_eq!(
        (&size["size"]["width"], &size["size"]["height"]),
        (&640.into(), &480.into())
    );
    assert_eq!(size["fps"], serde_json::json!([30.0, 15.0]));
    let brightness = &camera["controls"][0];
    assert_eq!(brightness["name"], "brightness");
    let range = [
        &brightness["least"],
        &brightness["most"],
        &brightness["default"],
    ];
    assert_eq!(range, [-64, 64, 0].map(serde_json::Value::from).each_ref());
    assert_eq!(brightness["value"], 12, "as the configuration says");
    let log = guest.log();
    assert!(
        log.contains("sharpness=1 can't be set: its controls are brightness"),
        "{log}"
    );

    let program = server::FRAMECAST;
    let table = guest.run(&format!("{program} cameras"));
    println!("{table}");
    for line in [
        "source    v4l2:SIM0001",
        "640x480 at 30, 15",
        "(-64 to 64, usually 0)",
    ] {
        assert!(table.contains(line), "{line} is not in\n{table}");
    }
    let printed = guest.run(&format!("{program} cameras --json"));
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["devices"][0], *camera);
}

#[test]
fn opening_and_closing_leaves_nothing_behind() {
    let _alone = alone();
    let guest = guest::with_vivid().camera("cam=v4l2:#linger=0s").start();
    let pid = guest.run("pidof framecast");
    let held = || {
        guest.until_state("cam", "idle");
        let held = format!(
            "ls /proc/{pid}/fd | wc -l; grep -c video /proc/{pid}/maps; ls -l /proc/{pid}/fd | grep -c /dev/video"
        );
        guest.run(&held)
    };
    guest.watch(STREAM).until(Part::is_live);
    let before = held();
    for _ in 0..20 {
        guest.watch(STREAM).until(Part::is_live);
        guest.until_state("cam", "idle");
    }
    assert_eq!(held(), before);
    assert!(before.ends_with("0\n0"), "{before}");
}

#[test]
fn a_grabber_follows_its_source() {
    let _alone = alone();
    let guest = guest::with_hdmi().camera("cam=v4l2:").start();
    let mut viewer = guest.watch(STREAM);
    let part = viewer.until(Part::is_live);
    assert_eq!(server::size(&part.jpeg), (1280, 720));
    for (change, size) in [
        (
            "v4l2-ctl -c dv_timings_signal_mode=4; v4l2-ctl -c dv_timings=0",
            (640, 480),
        ),
        ("v4l2-ctl -c dv_timings=4", (720, 576)),
    ] {
        assert_eq!(guest.run(change), "");
        viewer.until(|part| part.is_live() && server::size(&part.jpeg) == size);
    }
    for (mode, why) in [(1, "nothing is plugged into it"), (2, "is not stable")] {
        guest.run(&format!("v4l2-ctl -c dv_timings_signal_mode={mode}"));
        let view = guest.until("cam", |view| {
            let reason = view["state"]["reason"].as_str();
            reason.is_some_and(|reason| reason.contains(why))
        });
        assert_eq!(view["state"]["state"], "no_signal");
        viewer.until(|part| !part.is_live());
    }
    // Longer than a camera may be silent that has a signal.
    std::thread::sleep(Duration::from_secs(6));
    assert!(!viewer.next().is_live());
    assert!(!guest.log().contains("no picture for"), "{}", guest.log());
    guest.run("v4l2-ctl -c dv_timings_signal_mode=4");
    viewer.until(|part| part.is_live() && server::size(&part.jpeg) == (720, 576));
}
