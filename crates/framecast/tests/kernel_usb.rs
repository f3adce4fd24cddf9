//! A USB camera at a real kernel, booted for the purpose: its driver `uvcvideo` can't tell it from one of glass.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/guest.rs"]
mod guest;
#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    time::{Duration, Instant},
};

use framecast_media::{jpeg, picture::TestCard};
use guest::{STREAM, alone};
use server::{Part, Viewer};

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

    let said = guest.snapshot("v4l2:/dev/video1");
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
