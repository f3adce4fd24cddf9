//! The addresses of other camera servers: programs made for those find the same things here, of the right camera.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use server::{Answer, Server, Viewer, serve, size};

/// Two cameras that can be told apart by their size.
fn cameras() -> Server {
    serve(&["front=test#size=320x240", "back=test#size=160x120"])
}

const FRONT: (u32, u32) = (320, 240);
const BACK: (u32, u32) = (160, 120);

#[track_caller]
fn streams(server: &Server, method: &str, path: &str, wanted: (u32, u32)) {
    let open = server.open(method, path, &[], b"");
    assert_eq!(open.head.status, 200, "{method} {path}");
    let kind = open.header("content-type").unwrap();
    assert!(kind.starts_with("multipart/x-mixed-replace"), "{path}");
    let mut viewer = Viewer::of(open);
    let part = viewer.until(server::Part::is_live);
    assert_eq!(size(&part.jpeg), wanted, "{method} {path}");
    viewer.next();
}

#[track_caller]
fn shows(server: &Server, path: &str, wanted: (u32, u32)) {
    let answer = server.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("image/jpeg"), "{path}");
    assert_eq!(answer.size(), wanted, "{path}");
}

#[track_caller]
fn refuses(server: &Server, path: &str, status: u16, why: &str) -> Answer {
    let answer = server.get(path);
    assert_eq!(answer.status, status, "{path}: {}", answer.text());
    assert_eq!(answer.text(), format!("{why}\n"), "{path}");
    answer
}

#[test]
fn mjpg_streamer_s_addresses_answer() {
    let server = cameras();
    streams(&server, "GET", "/?action=stream", FRONT);
    streams(&server, "GET", "/?action=stream_0", FRONT);
    streams(&server, "GET", "/?action=stream_1", BACK);
    // OctoPrint and others append something against caches.
    streams(&server, "GET", "/?action=stream&1700000000", FRONT);
    streams(&server, "POST", "/stream", FRONT);
    shows(&server, "/?action=snapshot", FRONT);
    shows(&server, "/?action=snapshot_1", BACK);
    refuses(
        &server,
        "/?action=stream_2",
        404,
        "there is no camera number 2",
    );
    refuses(
        &server,
        "/?action=fly",
        400,
        "`action=fly` is neither `stream` nor `snapshot`",
    );
    refuses(
        &server,
        "/?action=stream_x",
        400,
        "`action=stream_x` has no number at its end",
    );
}

#[test]
fn the_addresses_of_printer_images_answer() {
    let server = cameras();
    streams(&server, "GET", "/webcam/?action=stream", FRONT);
    streams(&server, "GET", "/webcam2/?action=stream", BACK);
    shows(&server, "/webcam/?action=snapshot", FRONT);
    shows(&server, "/webcam1/?action=snapshot", FRONT);
    shows(&server, "/webcam2/?action=snapshot", BACK);
    assert_eq!(server.get("/webcam3/?action=snapshot").status, 404);
    assert_eq!(server.get("/elsewhere/").status, 404);
}

#[test]
fn ustreamer_s_addresses_answer() {
    let server = cameras();
    streams(&server, "GET", "/stream", FRONT);
    streams(
        &server,
        "GET",
        "/stream?key=x&extra_headers=1&dual_final_frames=1",
        FRONT,
    );
    shows(&server, "/snapshot", FRONT);
    shows(&server, "/snapshot?camera=back", BACK);
    let mut viewer = server.watch("/stream");
    viewer.until(server::Part::is_live);
    let state = server.get("/state");
    assert_eq!(state.status, 200);
    let state = state.value();
    assert_eq!(state["ok"], true);
    let result = &state["result"];
    assert_eq!(result["source"]["online"], true);
    assert_eq!(result["source"]["resolution"]["width"], 320);
    assert_eq!(result["source"]["resolution"]["height"], 240);
    assert!(result["source"]["desired_fps"].is_number());
    assert!(result["source"]["captured_fps"].is_number());
    assert!(result["stream"]["queued_fps"].is_number());
    assert_eq!(result["stream"]["clients"], 1);
    assert!(result["stream"]["clients_stat"].is_object());
    assert!(result["encoder"]["type"].is_string());
    assert!(result["encoder"]["quality"].is_number());
    assert!(result["instance_id"].is_string());
}

#[test]
fn camera_streamer_s_addresses_answer() {
    let server = cameras();
    streams(&server, "GET", "/stream.mjpg", FRONT);
    shows(&server, "/snapshot.jpg", FRONT);
    let status = server.get("/status").value();
    assert_eq!(status["outputs"]["stream"]["width"], 320);
    assert_eq!(status["endpoints"]["snapshot"]["uri"], "/snapshot");
}

#[test]
fn go2rtc_s_addresses_answer() {
    let server = cameras();
    streams(&server, "GET", "/api/stream.mjpeg?src=back", BACK);
    shows(&server, "/api/frame.jpeg?src=back", BACK);
    shows(&server, "/api/frame.jpeg?src=front&w=160", BACK);
    refuses(
        &server,
        "/api/frame.jpeg",
        400,
        "`src` is missing: the camera's name",
    );
    refuses(
        &server,
        "/api/stream.mjpeg?src=other",
        404,
        "no camera is called `other`",
    );
}

#[test]
fn motion_s_addresses_answer() {
    let server = cameras();
    streams(&server, "GET", "/1/mjpg/stream", FRONT);
    streams(&server, "GET", "/2/mjpg/stream", BACK);
    streams(&server, "GET", "/back/mjpg/stream", BACK);
    shows(&server, "/2/static/stream", BACK);
    assert_eq!(server.get("/3/mjpg/stream").status, 404);
    assert_eq!(server.get("/0/mjpg/stream").status, 404);
}

#[test]
fn frigate_s_addresses_answer() {
    let server = cameras();
    streams(&server, "GET", "/api/back", BACK);
    streams(&server, "GET", "/api/front?fps=5&h=120", BACK);
    shows(&server, "/api/back/latest.jpg", BACK);
    shows(&server, "/api/front/latest.jpg?h=120", BACK);
}

#[test]
fn the_address_of_the_flask_articles_answers() {
    let server = cameras();
    streams(&server, "GET", "/video_feed", FRONT);
    streams(&server, "GET", "/video_feed?camera=back", BACK);
    refuses(
        &server,
        "/video_feed?camera=other",
        404,
        "no camera is called `other`",
    );
}

#[test]
fn a_server_without_cameras_says_so() {
    let server = server::framecast().config("").spawn();
    // A file without cameras still means the test picture that is there without any file.
    let names = server.get("/api/v1/cameras").value();
    for camera in names["cameras"].as_array().unwrap() {
        let name = camera["name"].as_str().unwrap();
        let path = format!("/api/v1/cameras/{name}");
        assert_eq!(server.ask("DELETE", &path, &[], b"").status, 204);
    }
    for path in ["/video_feed", "/snapshot", "/state"] {
        refuses(&server, path, 404, "this server has no cameras");
    }
    assert_eq!(server.get("/").status, 200);
}
