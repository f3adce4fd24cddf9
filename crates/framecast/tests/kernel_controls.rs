//! Brightness and the like of a real kernel's cameras, turned by the API and on the camera's page.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/browser/mod.rs"]
mod browser;
#[path = "support/guest.rs"]
mod guest;
#[path = "support/server.rs"]
mod server;

use std::{
    thread,
    time::{Duration, Instant},
};

use browser::{Browser, Kind, Options};
use framecast_media::{jpeg, picture::TestCard};
use guest::{Guest, STREAM, alone};
use serde_json::{Value, json};
use server::{PATIENCE, Part};

const CONTROLS: &str = "/api/v1/cameras/cam/controls";

fn named(controls: &Value, name: &str) -> Value {
    let controls = controls["controls"].as_array().unwrap();
    let control = controls.iter().find(|control| control["name"] == name);
    control.unwrap_or_else(|| panic!("no {name}")).clone()
}

/// What the kernel says that brightness stands at.
fn kernels_brightness(guest: &Guest) -> String {
    guest.run("v4l2-ctl -d /dev/video0 -C brightness")
}

#[test]
fn controls_are_listed_and_turned_while_the_camera_runs() {
    let _alone = alone();
    let guest = guest::with_vivid()
        .camera("cam=v4l2:")
        .camera("plain=test")
        .start();
    let mut viewer = guest.watch(STREAM);
    viewer.until(Part::is_live);

    let listed = guest.get(CONTROLS).value();
    let brightness = named(&listed, "brightness");
    assert_eq!(brightness["kind"], "number");
    assert_eq!(
        (&brightness["least"], &brightness["most"]),
        (&json!(0), &json!(255))
    );
    let menu = named(&listed, "test_pattern");
    assert_eq!(menu["kind"], "menu");
    assert!(!menu["menu"].as_array().unwrap().is_empty());

    let turned = guest.json(
        "PATCH",
        CONTROLS,
        &json!({ "brightness": 42, "contrast": 7 }),
    );
    assert_eq!(turned.status, 200, "{}", turned.text());
    assert_eq!(named(&turned.value(), "brightness")["value"], 42);
    assert_eq!(kernels_brightness(&guest), "brightness: 42");
    viewer.until(Part::is_live);

    for (wrong, told) in [
        (json!({ "brightness": 256 }), "it takes 0 to 255"),
        (json!({ "brightnes": 1 }), "its controls are"),
    ] {
        let refused = guest.json("PATCH", CONTROLS, &wrong);
        assert_eq!(refused.status, 422);
        assert!(refused.text().contains(told), "{}", refused.text());
    }
    assert_eq!(kernels_brightness(&guest), "brightness: 42");

    let plain = "/api/v1/cameras/plain/controls";
    assert_eq!(guest.get(plain).value(), json!({ "controls": [] }));
    let refused = guest.json("PATCH", plain, &json!({ "brightness": 1 }));
    assert_eq!(refused.status, 422, "{}", refused.text());
}

#[test]
fn what_was_turned_is_turned_again_when_a_camera_is_plugged_back_in() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    let mut card = TestCard::new(640, 480, "usb");
    let picture = jpeg::encode(&card.draw("12:34:56.789", 1, 0.5).pixels(), 75).unwrap();
    std::fs::write(&pictures, picture).unwrap();
    let guest = guest::with_usb(&pictures).camera("cam=v4l2:").start();
    guest.plug();
    let mut viewer = guest.watch(STREAM);
    viewer.until(Part::is_live);
    let before = named(&guest.get(CONTROLS).value(), "brightness");
    let wanted = before["default"].as_i64().unwrap() + 5;
    let turned = guest.json("PATCH", CONTROLS, &json!({ "brightness": wanted }));
    assert_eq!(turned.status, 200, "{}", turned.text());
    let smaller = guest.json(
        "PATCH",
        "/api/v1/cameras/cam",
        &json!({ "size": "320x240" }),
    );
    assert_eq!(smaller.status, 200, "{}", smaller.text());
    viewer.until(|part| part.is_live() && server::size(&part.jpeg) == (320, 240));
    guest.unplug();
    viewer.until(|part| !part.is_live());
    guest.plug();
    viewer.until(Part::is_live);
    let after = named(&guest.get(CONTROLS).value(), "brightness");
    assert_eq!(after["value"], wanted);
}

#[test]
fn sliders_on_the_page_turn_the_camera() {
    let _alone = alone();
    let guest = guest::with_vivid().camera("cam=v4l2:").start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(slide(&guest)).unwrap();
}

async fn slide(guest: &Guest) -> browser::Result<()> {
    let mut browser = Browser::start(Kind::Chromium, Options::default()).await?;
    browser.open(&guest.url("/cameras/cam/")).await?;
    browser
        .until("document.querySelector('#control-brightness')")
        .await?;
    browser
        .eval(
            "const slider = document.querySelector('#control-brightness');
             slider.value = 77;
             slider.dispatchEvent(new Event('input'));",
        )
        .await?;
    wait_for(guest, "brightness: 77");
    browser
        .until("document.querySelector('#control-brightness').closest('.control').querySelector('button').disabled === false")
        .await?;
    browser
        .eval("document.querySelector('#control-brightness').closest('.control').querySelector('button').click()")
        .await?;
    wait_for(guest, "brightness: 128");
    Ok(())
}

fn wait_for(guest: &Guest, wanted: &str) {
    let deadline = Instant::now() + PATIENCE;
    while kernels_brightness(guest) != wanted {
        assert!(Instant::now() < deadline, "{}", kernels_brightness(guest));
        thread::sleep(Duration::from_millis(200));
    }
}
