//! Going back in time on a stream, as viewers and programs do it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    io::{ErrorKind, Read},
    thread,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use server::{Part, Server, Viewer, eventually, framecast, run, size};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest, http::HeaderValue};

const STREAM: &str = "/cameras/door/stream.mjpg";
const PLAYBACK: &str = "/api/v1/cameras/door/playback";

/// A server that records its camera from the start.
fn recording() -> Server {
    let start = framecast();
    let path = start.path("recordings");
    let config = format!(
        r#"
[recordings]
path = "{}"
min_free = 0

[cameras.door]
source = "test"
size = "160x120"
fps = 10
record = "always"

[cameras.yard]
source = "test"
size = "160x120"
"#,
        path.display()
    );
    start.config(&config).spawn()
}

/// What a live viewer gets meanwhile, which is what is recorded.
fn live(server: &Server, time: Duration) -> Vec<Part> {
    let mut viewer = server.watch(STREAM);
    let end = Instant::now() + time;
    let mut parts = Vec::new();
    while Instant::now() < end {
        let part = viewer.next();
        if part.is_live() {
            parts.push(part);
        }
    }
    parts
}

/// The place of a picture among others, which holds for the same bytes only.
#[track_caller]
fn place(part: &Part, among: &[Part]) -> usize {
    let found = among.iter().position(|other| other.jpeg == part.jpeg);
    found.unwrap_or_else(|| panic!("this was never live: {:?}", part.headers))
}

#[track_caller]
fn begin(server: &Server, body: &Value) -> String {
    let answer = server.json("POST", PLAYBACK, body);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let session = answer.value()["session"].as_str().unwrap().to_owned();
    let location = format!("playback/{session}");
    assert_eq!(answer.header("location"), Some(&*location));
    session
}

#[track_caller]
fn change(server: &Server, session: &str, body: &Value) -> Value {
    let answer = server.json("PATCH", &format!("{PLAYBACK}/{session}"), body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.value()
}

/// How much of the recording goes by in a second.
fn pace(parts: &[Part]) -> f64 {
    let (first, last) = (&parts[0], &parts[parts.len() - 1]);
    (last.taken() - first.taken()) / (last.came - first.came)
}

fn parts(viewer: &mut Viewer, count: usize) -> Vec<Part> {
    (0..count).map(|_| viewer.next()).collect()
}

/// Nothing is on the wire for so long, and the connection stays.
#[track_caller]
fn is_silent(viewer: &Viewer, time: Duration) {
    let mut socket = viewer.socket();
    socket.set_read_timeout(Some(time)).unwrap();
    let mut byte = [0];
    match socket.read(&mut byte) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        other => panic!("not silent: {other:?}"),
    }
    socket.set_read_timeout(Some(server::PATIENCE)).unwrap();
}

#[test]
fn what_was_live_comes_again_in_order_and_at_its_pace_forwards_and_backwards() {
    let server = recording();
    let seen = live(&server, Duration::from_secs(9));

    let mut viewer = server.watch(&format!("{STREAM}?at=-6s"));
    let again = parts(&mut viewer, 25);
    assert!((5.0..8.0).contains(&again[0].age()), "{}", again[0].age());
    let first = place(&again[0], &seen);
    let places: Vec<_> = again.iter().map(|part| place(part, &seen)).collect();
    let all: Vec<_> = (first..first + 25).collect();
    assert_eq!(places, all, "every picture, in order");
    assert!((0.7..1.4).contains(&pace(&again)), "{}", pace(&again));

    let mut viewer = server.watch(&format!("{STREAM}?at=-4s&speed=-2"));
    let back = parts(&mut viewer, 20);
    assert!(
        back.windows(2)
            .all(|pair| pair[1].taken() < pair[0].taken())
    );
    assert!((-3.0..-1.4).contains(&pace(&back)), "{}", pace(&back));

    let mut viewer = server.watch(&format!("{STREAM}?at=-8s&speed=4"));
    let fast = parts(&mut viewer, 20);
    assert!(
        fast.windows(2)
            .all(|pair| pair[1].taken() > pair[0].taken())
    );
    assert!((2.6..6.0).contains(&pace(&fast)), "{}", pace(&fast));
    // It catches up, and is live from then on, on the same connection.
    viewer.until(|part| part.age() < 0.5);
    let now = parts(&mut viewer, 10);
    assert!((0.7..1.4).contains(&pace(&now)), "{}", pace(&now));
    let small = server.watch(&format!("{STREAM}?at=-5s&width=80")).next();
    assert_eq!(size(&small.jpeg), (80, 60));
}

#[test]
fn a_session_is_paused_stepped_moved_and_made_live_for_all_its_viewers() {
    let server = recording();
    let seen = live(&server, Duration::from_secs(8));
    let session = begin(&server, &json!({ "at": "-6s" }));
    let path = format!("{STREAM}?session={session}");
    let (mut one, mut other) = (server.watch(&path), server.watch(&path));
    let (first, also) = (parts(&mut one, 5), parts(&mut other, 4));
    for part in &also {
        let same = first.iter().any(|it| it.jpeg == part.jpeg);
        assert!(same || part.taken() > first[4].taken());
    }

    let paused = change(&server, &session, &json!({ "paused": true }));
    assert_eq!(paused["viewers"], 2);
    assert_eq!(
        (&paused["paused"], &paused["live"]),
        (&json!(true), &json!(false))
    );
    let stands = paused["behind_seconds"].as_f64().unwrap();
    // What was under way when it was paused.
    let mut shown = drain(&mut one);
    drain(&mut other);
    is_silent(&one, Duration::from_secs(2));
    let later = server.get(&format!("{PLAYBACK}/{session}")).value();
    assert_eq!(later["position"], paused["position"]);
    assert!(later["behind_seconds"].as_f64().unwrap() > stands + 1.5);

    // Who comes now sees at once what the others see.
    let late = server.watch(&path).next();
    let at = shown
        .take()
        .map_or_else(|| place(&late, &seen), |part| place(&part, &seen));
    assert_eq!(place(&late, &seen), at);

    change(&server, &session, &json!({ "step": 1 }));
    assert_eq!(place(&one.next(), &seen), at + 1);
    assert_eq!(place(&other.next(), &seen), at + 1);
    change(&server, &session, &json!({ "step": -2 }));
    assert_eq!(place(&one.next(), &seen), at - 1);
    is_silent(&one, Duration::from_millis(500));

    let moved = change(&server, &session, &json!({ "move": "2s", "paused": false }));
    assert_eq!(moved["paused"], false);
    let there = place(&one.next(), &seen);
    assert!((at + 15..at + 24).contains(&there), "{there} from {at}");

    let now = change(&server, &session, &json!({ "live": true }));
    assert_eq!((&now["live"], &now["speed"]), (&json!(true), &json!(1.0)));
    one.until(|part| part.age() < 0.5);
    other.until(|part| part.age() < 0.5);

    let ended = server.ask("DELETE", &format!("{PLAYBACK}/{session}"), &[], b"");
    assert_eq!(ended.status, 204);
    eventually("the end of the stream", || match one.part() {
        Ok(_) => Err("it goes on".to_owned()),
        Err(_) => Ok(()),
    });
    let gone = server.get(&format!("{PLAYBACK}/{session}"));
    assert_eq!(gone.status, 404);
    assert!(gone.text().contains("has no session"), "{}", gone.text());
}

/// Reads what is on the wire until nothing comes for a while: the last picture.
fn drain(viewer: &mut Viewer) -> Option<Part> {
    let mut last = None;
    let wait = Duration::from_millis(700);
    viewer.socket().set_read_timeout(Some(wait)).unwrap();
    while let Ok(part) = viewer.part() {
        last = Some(part);
    }
    viewer
        .socket()
        .set_read_timeout(Some(server::PATIENCE))
        .unwrap();
    last
}

#[test]
fn a_hundred_who_look_back_leave_the_live_picture_alone() {
    let server = recording();
    live(&server, Duration::from_secs(6));
    let viewers: Vec<_> = (0..100)
        .map(|number| {
            let ago = 2 + number % 4;
            let mut viewer = server.watch(&format!("{STREAM}?at=-{ago}s"));
            thread::spawn(move || {
                let mut count = 0;
                // Until the server is gone.
                while viewer.part().is_ok() {
                    count += 1;
                }
                count
            })
        })
        .collect();
    let metrics = server.get("/metrics").text();
    let line = "framecast_playback_sessions{camera=\"door\"} 100.0";
    assert!(metrics.contains(line), "{metrics}");
    let watched = live(&server, Duration::from_secs(6));
    let (first, last) = (&watched[0], &watched[watched.len() - 1]);
    let rate = (last.seq() - first.seq()) as f64 / (last.taken() - first.taken());
    assert!((9.0..11.0).contains(&rate), "{rate} frames a second");
    let missed = last.seq() - first.seq() + 1 - watched.len() as u64;
    assert!(missed <= 3, "{missed} of {} were missed", watched.len());
    drop(server);
    let counts: Vec<u32> = viewers.into_iter().map(|it| it.join().unwrap()).collect();
    assert!(counts.iter().all(|count| *count > 30), "{counts:?}");
}

#[test]
fn one_picture_of_a_moment_is_a_snapshot() {
    let server = recording();
    let seen = live(&server, Duration::from_secs(4));
    let wanted = &seen[seen.len() / 2];
    // The address says less than a picture's time does.
    let answer = server.get(&format!(
        "/cameras/door/snapshot.jpg?at={:.3}",
        wanted.taken() + 0.005
    ));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.body, wanted.jpeg);
    let taken: f64 = answer.header("x-timestamp").unwrap().parse().unwrap();
    assert!((taken - wanted.taken()).abs() < 0.002);
    let small = server.get("/cameras/door/snapshot.jpg?at=-2s&width=40");
    assert_eq!(small.size(), (40, 30));
    let missing = server.get("/cameras/door/snapshot.jpg?at=-1h");
    assert_eq!(missing.status, 404);
    let text = missing.text();
    assert!(text.contains("nothing of `door` was recorded at"), "{text}");
    assert!(text.contains("the nearest picture is of"), "{text}");
    assert_eq!(server.get("/cameras/yard/snapshot.jpg?at=-2s").status, 404);
}

#[test]
fn what_can_not_be_played_is_refused_in_plain_words() {
    let server = recording();
    live(&server, Duration::from_secs(2));
    for (query, told) in [
        ("at=soon", "write how long ago"),
        ("at=-1s&speed=0", "is no speed"),
        ("at=-1s&speed=17", "is no speed"),
        ("session=short", "8 to 64"),
        ("session=..%2f..%2fetc", "8 to 64"),
        ("speed=2", "needs `at`"),
    ] {
        let answer = server.get(&format!("{STREAM}?{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert!(answer.text().contains(told), "{query}: {}", answer.text());
    }
    let answer = server.get("/cameras/yard/stream.mjpg?at=-5s");
    assert_eq!(answer.status, 404);
    assert_eq!(answer.text().trim(), "nothing is recorded of `yard`");
    assert_eq!(
        server
            .json("POST", "/api/v1/cameras/none/playback", &json!({}))
            .status,
        404
    );
    let session = begin(
        &server,
        &json!({ "at": "-1s", "paused": true, "speed": -0.5 }),
    );
    let path = format!("{PLAYBACK}/{session}");
    for body in [
        json!({ "speed": 99 }),
        json!({ "at": "soon" }),
        json!({ "at": -1 }),
        json!({ "move": "far" }),
        json!({ "step": 0 }),
        json!({ "step": 1, "live": true }),
        json!({ "live": true, "paused": true }),
        json!({ "live": false }),
        json!({ "step": 1, "paused": false }),
        json!({ "volume": 11 }),
    ] {
        let answer = server.json("PATCH", &path, &body);
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        assert!(answer.value()["error"].is_string());
    }
    assert_eq!(server.get(&path).value()["speed"], json!(-0.5));
    // Nobody began it: the stream does, and the API finds it.
    let _viewer = server.watch(&format!("{STREAM}?session=my-own_name&at=-1s"));
    let own = server.get(&format!("{PLAYBACK}/my-own_name"));
    assert_eq!((own.status, &own.value()["viewers"]), (200, &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_goes_back_in_time_too() {
    let server = recording();
    live(&server, Duration::from_secs(4));
    let url = format!("ws://{}/ws", server.address);
    let mut request = url.into_client_request().unwrap();
    let protocol = HeaderValue::from_static("framecast.v1");
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", protocol);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let watch = json!({ "watch": { "id": 7, "camera": "door", "session": "socket-test" } });
    socket.send(Message::text(watch.to_string())).await.unwrap();
    let (mut live_age, mut told) = (None, None);
    let deadline = Instant::now() + server::PATIENCE;
    let mut paused = false;
    let mut old = 0;
    while old < 5 {
        assert!(Instant::now() < deadline, "{live_age:?} {told:?}");
        match socket.next().await.unwrap().unwrap() {
            Message::Binary(bytes) => {
                let age = u32::from_be_bytes(bytes[4..8].try_into().unwrap());
                let seq = u64::from_be_bytes(bytes[8..16].try_into().unwrap());
                let ack = json!({ "ack": { "id": 7, "seq": seq } });
                socket.send(Message::text(ack.to_string())).await.unwrap();
                if !paused {
                    live_age = Some(age);
                    change(&server, "socket-test", &json!({ "at": "-3s" }));
                    paused = true;
                } else if (2_500..5_500).contains(&age) {
                    old += 1;
                }
            }
            Message::Text(text) => {
                let text: Value = serde_json::from_str(&text).unwrap();
                told = Some(text["state"]["playback"]["session"].clone());
            }
            _ => {}
        }
    }
    assert!(live_age.unwrap() < 1_000, "{live_age:?}");
    assert_eq!(told, Some(json!("socket-test")));
}

#[test]
fn ffmpeg_reads_a_stream_of_the_past() {
    let server = recording();
    live(&server, Duration::from_secs(4));
    let url = server.url(&format!("{STREAM}?at=-3s&speed=2"));
    let args = [
        "-v",
        "error",
        "-xerror",
        "-err_detect",
        "explode",
        "-i",
        &url,
    ];
    let output = ["-frames:v", "15", "-f", "framemd5", "-"];
    let output = run("ffmpeg", &[&args[..], &output[..]].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let frames = text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(frames.count(), 15, "{text}");
}
