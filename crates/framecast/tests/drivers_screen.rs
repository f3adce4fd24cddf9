//! The X11 desktop as a camera, with a real X server (Xvfb) and a client that draws on it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/desktop.rs"]
mod desktop;
#[path = "support/drivers.rs"]
#[expect(dead_code, reason = "every test binary uses a part of it")]
mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use desktop::Desktop;
use framecast_camera::{
    ErrorKind, Format, Frame, Layout, Running, Size,
    conformance::{self, Patience},
};
use support::{camera, end, frame};
use x11rb::{
    connection::Connection as _,
    protocol::{
        randr::ConnectionExt as _,
        xproto::{
            ChangeWindowAttributesAux, ConfigureWindowAux, ConnectionExt as _, CreateGCAux,
            Rectangle,
        },
    },
    wrapper::ConnectionExt as _,
};

const BLACK: [u8; 3] = [0, 0, 0];
const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];

fn size(frame: &Frame) -> (u32, u32) {
    let Size { width, height } = frame.size.unwrap();
    (width, height)
}

fn colour(frame: &Frame, x: u32, y: u32) -> [u8; 3] {
    let Format::Raw {
        layout: Layout::Rgb24,
        stride,
        ..
    } = frame.format
    else {
        panic!("{:?}", frame.format);
    };
    let at = (y * stride + 3 * x) as usize;
    frame.data[at..at + 3].try_into().unwrap()
}

/// The first frame that is as it should be, which must come soon.
async fn until(running: &mut Running, wanted: impl Fn(&Frame) -> bool) -> Frame {
    let started = Instant::now();
    loop {
        let frame = frame(running).await;
        if wanted(&frame) {
            return frame;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{frame:?}");
    }
}

#[tokio::test]
async fn the_desktop_is_a_camera() {
    let desktop = Desktop::new();
    conformance::check(&*desktop.camera(&[]), Patience::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_server_that_dies_is_a_camera_unplugged() {
    let mut desktop = Desktop::new();
    let camera = desktop.camera(&[]);
    conformance::check_unplugging(&*camera, Patience::default(), || desktop.unplug())
        .await
        .unwrap();
}

/// The same picture whichever way it comes and whatever the pixels are like.
#[tokio::test]
async fn its_colours_are_true() {
    for (screen, more, [red, blue]) in [
        ("320x240x24", &[][..], [0xff_0000, 0xff]),
        ("320x240x24", &["-extension", "MIT-SHM"], [0xff_0000, 0xff]),
        ("319x240x16", &[], [0xf800, 0x1f]),
    ] {
        let desktop = Desktop::with(screen, more);
        let client = desktop.client();
        client.window("red", red, (10, 20), (30, 40));
        client.window("blue", blue, (100, 20), (30, 40));
        let mut running = desktop.running(&[]);
        let picture = frame(&mut running).await;
        assert_eq!(size(&picture).1, 240);
        for (x, y, expected) in [
            (9, 20, BLACK),
            (10, 20, RED),
            (39, 59, RED),
            (39, 60, BLACK),
            (100, 20, BLUE),
            (129, 59, BLUE),
        ] {
            assert_eq!(
                colour(&picture, x, y),
                expected,
                "{screen} {more:?} {x} {y}"
            );
        }
        running.close().await;
    }
}

#[tokio::test]
async fn what_moves_is_seen_moving() {
    let desktop = Desktop::new();
    let done = Arc::new(AtomicBool::new(false));
    let mover = {
        let (client, done) = (desktop.client(), Arc::clone(&done));
        thread::spawn(move || {
            let window = client.window("mover", 0xff_0000, (0, 0), (20, 20));
            for x in (0..300).step_by(20).cycle() {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                client.change(window, ConfigureWindowAux::new().x(x));
                thread::sleep(Duration::from_millis(30));
            }
        })
    };
    let mut running = desktop.running(&["fps=20"]);
    let mut places = Vec::new();
    for _ in 0..20 {
        let picture = frame(&mut running).await;
        let row = (0..320).map(|x| colour(&picture, x, 10));
        places.extend(row.enumerate().find(|(_, it)| *it == RED).map(|(x, _)| x));
    }
    places.sort_unstable();
    places.dedup();
    assert!(places.len() >= 5, "{places:?}");
    running.close().await;
    done.store(true, Ordering::Relaxed);
    mover.join().unwrap();
}

#[tokio::test]
async fn it_gives_ten_frames_a_second_or_as_many_as_are_asked_for() {
    let desktop = Desktop::new();
    for (options, interval) in [(&[][..], 0.1), (&["fps=25"], 0.04)] {
        let mut running = desktop.running(options);
        let first = frame(&mut running).await.captured.monotonic;
        let mut last = first;
        for _ in 0..20 {
            last = frame(&mut running).await.captured.monotonic;
        }
        let took = last.duration_since(first).as_secs_f64();
        assert!((took - 20.0 * interval).abs() < 10.0 * interval, "{took}");
        running.close().await;
    }
}

#[tokio::test]
async fn a_region_is_all_that_is_shown() {
    let desktop = Desktop::new();
    let client = desktop.client();
    client.window("green", 0xff00, (100, 50), (64, 48));
    let mut running = desktop.running(&["region=64x48+100+50"]);
    let picture = frame(&mut running).await;
    assert_eq!(size(&picture), (64, 48));
    for (x, y) in [(0, 0), (63, 47)] {
        assert_eq!(colour(&picture, x, y), GREEN);
    }
    running.close().await;
    let mut running = desktop.running(&["region=100x100+300+200"]);
    assert_eq!(size(&frame(&mut running).await), (20, 40));
    running.close().await;
}

#[tokio::test]
async fn a_region_beside_the_screen_shows_nothing_and_says_so_once() {
    let desktop = Desktop::new();
    let mut running = desktop.running(&["region=64x48+1000+0", "fps=50"]);
    let error = running.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSignal);
    assert!(error.to_string().contains("320x240"), "{error}");
    let silence = tokio::time::timeout(Duration::from_millis(300), running.next()).await;
    assert!(silence.is_err());
    running.close().await;
}

#[tokio::test]
async fn a_window_is_found_by_its_title_or_its_number_and_followed() {
    let desktop = Desktop::new();
    let client = desktop.client();
    client.window("Slides (draft)", 0xff, (0, 0), (50, 50));
    let window = client.window("Slides", 0xff_0000, (100, 100), (60, 40));
    for wanted in ["window=Slides", &format!("window=0x{window:x}")] {
        let mut running = desktop.running(&[wanted]);
        let picture = frame(&mut running).await;
        assert_eq!((size(&picture), colour(&picture, 0, 0)), ((60, 40), RED));
        running.close().await;
    }
    let mut running = desktop.running(&["window=DRAFT"]);
    let picture = frame(&mut running).await;
    assert_eq!((size(&picture), colour(&picture, 0, 0)), ((50, 50), BLUE));
    running.close().await;

    let mut running = desktop.running(&["window=Slides"]);
    frame(&mut running).await;
    client.change(
        window,
        ConfigureWindowAux::new().x(200).y(10).width(80).height(70),
    );
    let picture = until(&mut running, |picture| size(picture) == (80, 70)).await;
    assert_eq!(colour(&picture, 79, 69), RED);
    // As much of it as is on the screen.
    client.change(window, ConfigureWindowAux::new().x(-30));
    until(&mut running, |picture| size(picture) == (50, 70)).await;
    running.close().await;
}

#[tokio::test]
async fn a_window_that_is_hidden_is_no_signal_and_one_that_is_closed_is_lost() {
    let desktop = Desktop::new();
    let client = desktop.client();
    let window = client.window("Slides", 0xff_0000, (0, 0), (60, 40));
    let mut running = desktop.running(&["window=Slides"]);
    frame(&mut running).await;
    client.server.unmap_window(window).unwrap();
    client.server.sync().unwrap();
    let error = loop {
        if let Err(error) = running.next().await.unwrap() {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::NoSignal);
    client.server.map_window(window).unwrap();
    client.server.sync().unwrap();
    frame(&mut running).await;
    client.server.destroy_window(window).unwrap();
    client.server.sync().unwrap();
    let error = loop {
        if let Err(error) = running.next().await.unwrap() {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert_eq!(error.to_string(), "the window `Slides` is gone");
    let (kind, message) = end(&*desktop.camera(&["window=Slides"])).await;
    assert_eq!(kind, ErrorKind::Unavailable);
    assert!(message.contains("is called `Slides`"), "{message}");
}

#[tokio::test]
async fn a_screen_that_changes_its_size_is_followed() {
    let desktop = Desktop::new();
    let mut running = desktop.running(&[]);
    assert_eq!(size(&frame(&mut running).await), (320, 240));
    let client = desktop.client();
    let resize = |width, height| {
        let server = &client.server;
        let resources = server.randr_get_screen_resources(client.root).unwrap();
        let crtc = resources.reply().unwrap().crtcs[0];
        server
            .randr_set_crtc_config(
                crtc,
                0,
                0,
                0,
                0,
                0,
                x11rb::protocol::randr::Rotation::ROTATE0,
                &[],
            )
            .unwrap()
            .reply()
            .unwrap();
        let sized = server.randr_set_screen_size(client.root, width, height, 80, 60);
        sized.unwrap().check().unwrap();
    };
    for (width, height) in [(160, 120), (320, 240)] {
        resize(width, height);
        let expected = (u32::from(width), u32::from(height));
        until(&mut running, |picture| size(picture) == expected).await;
    }
    running.close().await;
}

#[tokio::test]
async fn the_pointer_is_there_only_if_it_is_asked_for() {
    let desktop = Desktop::new();
    let client = desktop.client();
    let server = &client.server;
    // A square of green, 16x16, whose hot spot is its left upper corner.
    let square = server.generate_id().unwrap();
    server
        .create_pixmap(1, square, client.root, 16, 16)
        .unwrap();
    let ink = server.generate_id().unwrap();
    server
        .create_gc(ink, square, &CreateGCAux::new().foreground(1))
        .unwrap();
    let whole = Rectangle {
        x: 0,
        y: 0,
        width: 16,
        height: 16,
    };
    server.poly_fill_rectangle(square, ink, &[whole]).unwrap();
    let cursor = server.generate_id().unwrap();
    server
        .create_cursor(cursor, square, square, 0, 0xffff, 0, 0, 0, 0, 0, 0)
        .unwrap();
    let pointed = ChangeWindowAttributesAux::new().cursor(cursor);
    server
        .change_window_attributes(client.root, &pointed)
        .unwrap();
    server
        .warp_pointer(x11rb::NONE, client.root, 0, 0, 0, 0, 50, 60)
        .unwrap();
    server.sync().unwrap();
    for (options, expected) in [(&["cursor=true"][..], GREEN), (&[], BLACK)] {
        let mut running = desktop.running(options);
        let picture = until(&mut running, |picture| colour(picture, 50, 60) == expected).await;
        assert_eq!(colour(&picture, 65, 75), expected);
        assert_eq!(colour(&picture, 66, 75), BLACK);
        assert_eq!(colour(&picture, 49, 60), BLACK);
        running.close().await;
    }
    let mut running = desktop.running(&["cursor=true", "region=100x100+58+68"]);
    until(&mut running, |picture| colour(picture, 7, 7) == GREEN).await;
    running.close().await;
}

#[tokio::test]
async fn what_can_not_be_shown_says_why() {
    for (source, kind, why) in [
        (
            "screen::4711",
            ErrorKind::Unavailable,
            "no X server `:4711`",
        ),
        ("screen:nonsense", ErrorKind::Invalid, "`screen:HOST:1`"),
    ] {
        let ended = end(&*camera(source, &[])).await;
        assert_eq!(ended.0, kind, "{}", ended.1);
        assert!(ended.1.contains(why), "{}", ended.1);
    }
    let desktop = Desktop::with("320x240x8", &[]);
    let (kind, message) = end(&*desktop.camera(&[])).await;
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(message.contains("depth of 24"), "{message}");
    let (kind, message) = end(&*camera(&format!("screen:{}.7", desktop.name), &[])).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(message.contains("no screen of that number"), "{message}");
}

#[tokio::test]
async fn a_desktop_that_asks_for_a_key_refuses_who_has_none() {
    let folder = tempfile::TempDir::new().unwrap();
    let key = folder.path().join("key");
    // An entry of the kind MIT-MAGIC-COOKIE-1 for any address.
    let mut entry = vec![0xff, 0xff, 0, 0, 0, 0, 0, 18];
    entry.extend_from_slice(b"MIT-MAGIC-COOKIE-1");
    entry.extend_from_slice(&[0, 16]);
    entry.extend_from_slice(&[7; 16]);
    std::fs::write(&key, entry).unwrap();
    let desktop = Desktop::with("320x240x24", &["-auth", key.to_str().unwrap()]);
    let (kind, message) = end(&*desktop.camera(&[])).await;
    assert_eq!(kind, ErrorKind::Denied, "{message}");
    assert!(message.contains("XAUTHORITY"), "{message}");
    assert!(!message.contains('\n'), "{message}");
}
