//! Cameras of a real kernel, booted for the purpose: raw pictures, faults and a grabber by its driver `vivid`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/guest.rs"]
mod guest;
#[path = "support/server.rs"]
mod server;

use std::time::{Duration, Instant};

use framecast_media::jpeg;
use guest::{STREAM, alone};
use server::Part;

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
    let given = serde_json::json!({
        "format": "YUYV", "size": { "width": 640, "height": 480 }, "fps": 25.0,
    });
    assert_eq!(guest.camera("cam")["device"], given);
    let page = guest.get("/cameras/cam/").text();
    assert!(
        page.contains("YUYV 640x480 at 25 frames a second"),
        "{page}"
    );
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
    let dropped = &guest.camera("cam")["counters"]["dropped"];
    println!("{dropped}");
    // Half of two seconds' pictures, and one with its flag.
    assert!(dropped["device_missed"].as_u64() > Some(5), "{dropped}");
    assert!(dropped["device_damaged"].as_u64() >= Some(1), "{dropped}");
}

#[test]
fn pictures_of_either_range_are_as_dark_and_as_bright() {
    let _alone = alone();
    let formats = ["YUYV", "NV12"];
    let boot = formats.iter().fold(guest::with_vivid(), |boot, format| {
        boot.camera(&format!("{format}=v4l2:#format={format},linger=0s"))
    });
    let guest = boot.start();
    let full_bars = "v4l2-ctl -c test_pattern=1";
    assert_eq!(guest.run(full_bars), "");
    for (quantization, said) in [(1, "Full Range"), (2, "Limited Range")] {
        assert_eq!(
            guest.run(&format!("v4l2-ctl -c quantization={quantization}")),
            ""
        );
        for format in formats {
            let mut viewer = guest.watch(&format!("/cameras/{format}/stream.mjpg"));
            let part = viewer.until(Part::is_live);
            let set = guest.run("v4l2-ctl -V");
            assert!(set.contains(said), "{set}");
            let image = jpeg::decode(&part.jpeg).unwrap();
            let row = image.height as usize * 5 / 6 * image.width as usize;
            let at = |bar: usize| image.rgb[(row + (2 * bar + 1) * 40) * 3 + 1];
            let (white, black) = (at(0), at(7));
            println!("{format}, {said}: white is {white}, black {black}");
            assert!(
                white > 250 && black < 5,
                "{format}, {said}: {white}, {black}"
            );
            drop(viewer);
            guest.until_state(format, "idle");
        }
    }
}

#[test]
fn a_camera_module_of_an_old_system_is_read_by_the_kernel() {
    let _alone = alone();
    let guest = guest::with_vivid()
        .camera("cam=pi#size=640x480,fps=25,hflip=true")
        .start();
    let name = "/sys/class/video4linux/video0/name";
    let renamed =
        format!("echo 'mmal service 16.1' >/tmp/name; mount --bind /tmp/name {name}; cat {name}");
    assert_eq!(guest.run(&renamed), "mmal service 16.1");
    let part = guest.watch(STREAM).until(Part::is_live);
    assert_eq!(server::size(&part.jpeg), (640, 480));
    assert_eq!(guest.camera("cam")["device"]["format"], "YUYV");
    let flipped = guest.run("v4l2-ctl -C horizontal_flip");
    assert_eq!(flipped, "horizontal_flip: 1");
    let controls = guest.get("/api/v1/cameras/cam/controls").value();
    assert!(!controls["controls"].as_array().unwrap().is_empty());
}

#[test]
fn a_second_program_is_told_who_has_the_camera() {
    let _alone = alone();
    let guest = guest::with_vivid().camera("cam=v4l2:").start();
    guest.watch(STREAM).until(Part::is_live);
    let said = guest.snapshot("v4l2:");
    assert!(
        said.contains("/dev/video0 is being used by framecast (process "),
        "{said}"
    );
    let pid = guest.run("pidof framecast");
    let open = || guest.run(&format!("ls -l /proc/{pid}/fd | grep -c /dev/video"));
    assert_eq!(open(), "1");
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
