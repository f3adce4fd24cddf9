//! Many cameras on one WebSocket: the protocol `framecast.v1`, as the pages speak it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use server::{Server, framecast, serve, size};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// A picture with what its header says.
struct Picture {
    live: bool,
    watch: u16,
    age: u32,
    seq: u64,
    jpeg: Vec<u8>,
}

enum Said {
    Picture(Picture),
    Text(Value),
    Closed,
}

async fn connect(server: &Server, headers: &[(&'static str, &str)]) -> Result<Client, Error> {
    let mut request = format!("ws://{}/ws", server.address).into_client_request()?;
    let own = [("Sec-WebSocket-Protocol", "framecast.v1")];
    for (name, value) in own.iter().chain(headers) {
        request
            .headers_mut()
            .insert(*name, HeaderValue::from_str(value).unwrap());
    }
    let (socket, answer) = tokio_tungstenite::connect_async(request).await?;
    assert_eq!(answer.headers()["sec-websocket-protocol"], "framecast.v1");
    Ok(Client(socket))
}

impl Client {
    async fn say(&mut self, command: Value) {
        self.0
            .send(Message::text(command.to_string()))
            .await
            .unwrap();
    }

    async fn watch(&mut self, id: u16, camera: &str) {
        self.say(json!({ "watch": { "id": id, "camera": camera } }))
            .await;
    }

    async fn ack(&mut self, picture: &Picture) {
        let (id, seq) = (picture.watch, picture.seq);
        self.say(json!({ "ack": { "id": id, "seq": seq } })).await;
    }

    async fn hear(&mut self) -> Said {
        loop {
            let message = timeout(server::PATIENCE, self.0.next())
                .await
                .expect("silence");
            return match message {
                Some(Ok(Message::Binary(bytes))) => {
                    assert_eq!(bytes[0], 1, "the version");
                    assert_eq!(bytes[1] & !1, 0, "flags of the future");
                    Said::Picture(Picture {
                        live: bytes[1] & 1 == 1,
                        watch: u16::from_be_bytes(bytes[2..4].try_into().unwrap()),
                        age: u32::from_be_bytes(bytes[4..8].try_into().unwrap()),
                        seq: u64::from_be_bytes(bytes[8..16].try_into().unwrap()),
                        jpeg: bytes[16..].to_vec(),
                    })
                }
                Some(Ok(Message::Text(text))) => Said::Text(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => Said::Closed,
                Some(Ok(_)) => continue,
            };
        }
    }

    async fn picture(&mut self) -> Picture {
        loop {
            match self.hear().await {
                Said::Picture(picture) => return picture,
                Said::Text(_) => {}
                Said::Closed => panic!("closed"),
            }
        }
    }

    /// The next text of that kind.
    async fn text(&mut self, kind: &str) -> Value {
        loop {
            match self.hear().await {
                Said::Text(text) if text[kind].is_object() => return text[kind].clone(),
                Said::Text(_) => {}
                Said::Picture(picture) => self.ack(&picture).await,
                Said::Closed => panic!("closed"),
            }
        }
    }

    async fn is_closed(&mut self) {
        loop {
            if let Said::Closed = self.hear().await {
                return;
            }
        }
    }
}

#[tokio::test]
async fn several_cameras_come_on_one_connection() {
    let server = serve(&[
        "a=test#size=160x120",
        "b=test#size=320x240",
        "c=test#size=320x240",
    ]);
    let mut client = connect(&server, &[]).await.unwrap();
    client.watch(7, "a").await;
    client.watch(40_000, "b").await;
    let small =
        json!({ "watch": { "id": 9, "camera": "c", "width": 64, "fps": 5, "quality": 50 } });
    client.say(small).await;
    let mut counts = [0; 3];
    let mut last = [0; 3];
    while counts.iter().any(|count| *count < 10) {
        let picture = client.picture().await;
        client.ack(&picture).await;
        let (index, wanted) = match picture.watch {
            7 => (0, (160, 120)),
            40_000 => (1, (320, 240)),
            9 => (2, (64, 48)),
            other => panic!("nobody watches {other}"),
        };
        assert!(picture.seq > last[index]);
        last[index] = picture.seq;
        if picture.live {
            assert_eq!(size(&picture.jpeg), wanted);
            assert!(picture.age < 5_000, "{} ms", picture.age);
            counts[index] += 1;
        }
    }
    assert!(counts[2] < counts[0], "fewer were asked for: {counts:?}");
    let state = client.text("state").await;
    assert!(["a", "b", "c"].contains(&state["camera"].as_str().unwrap()));
    for key in ["id", "viewers", "fps"] {
        assert!(state[key].is_number(), "{key}: {state}");
    }
    assert_eq!(server.camera("a")["counters"]["opened"], 1);
}

#[tokio::test]
async fn what_is_not_acknowledged_holds_up_the_flow_and_the_next_is_the_newest() {
    let server = serve(&["test#fps=25"]);
    let mut client = connect(&server, &[]).await.unwrap();
    client.watch(1, "camera").await;
    let mut held = Vec::new();
    let silence = async {
        loop {
            held.push(client.picture().await);
        }
    };
    assert!(timeout(Duration::from_secs(3), silence).await.is_err());
    assert_eq!(held.len(), 4, "so many may be on their way");
    let last = held.last().unwrap();
    assert!(held.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    // One acknowledgement covers all before it.
    client.ack(last).await;
    let next = client.picture().await;
    assert!(next.seq > last.seq + 10, "{} after {}", next.seq, last.seq);
    assert!(next.age < 1_000, "{} ms", next.age);
    for _ in 0..3 {
        client.picture().await;
    }
    let more = timeout(Duration::from_millis(500), client.picture()).await;
    assert!(more.is_err());
    // A frame that was never sent counts for nothing more than those that were.
    client
        .say(json!({ "ack": { "id": 1, "seq": u64::MAX } }))
        .await;
    client.picture().await;
    client.say(json!({ "ack": { "id": 99, "seq": 1 } })).await;
    client.picture().await;
}

#[tokio::test]
async fn who_stops_watching_gets_no_more_and_the_camera_closes() {
    let server = serve(&["a=test#linger=0s", "b=test"]);
    let mut client = connect(&server, &[]).await.unwrap();
    client.watch(1, "a").await;
    client.watch(2, "b").await;
    while client.picture().await.watch != 1 {}
    client.say(json!({ "unwatch": { "id": 1 } })).await;
    let end = tokio::time::Instant::now() + Duration::from_secs(1);
    while tokio::time::Instant::now() < end {
        // What was under way still comes.
        let picture = client.picture().await;
        client.ack(&picture).await;
    }
    for _ in 0..10 {
        let picture = client.picture().await;
        client.ack(&picture).await;
        assert_eq!(picture.watch, 2);
    }
    server.until_state("a", "idle");
    // The number is free for another camera.
    client.watch(1, "b").await;
    while client.picture().await.watch != 1 {}
    client.0.close(None).await.unwrap();
    server.until("b", |view| view["viewers"] == 0);
}

#[tokio::test]
async fn a_camera_that_is_unknown_or_goes_is_told_and_the_others_go_on() {
    let server = serve(&["a=test", "b=test"]);
    let mut client = connect(&server, &[]).await.unwrap();
    client.watch(5, "other").await;
    let error = client.text("error").await;
    assert_eq!(
        error,
        json!({ "id": 5, "reason": "no camera is called other" })
    );
    let wrong = json!({ "watch": { "id": 6, "camera": "a", "quality": 101 } });
    client.say(wrong).await;
    assert_eq!(client.text("error").await["id"], 6);
    client.watch(1, "a").await;
    client.watch(2, "b").await;
    while client.picture().await.watch != 1 {}
    assert_eq!(
        server.ask("DELETE", "/api/v1/cameras/a", &[], b"").status,
        204
    );
    let error = client.text("error").await;
    assert_eq!(
        error,
        json!({ "id": 1, "reason": "the camera was removed" })
    );
    let picture = client.picture().await;
    client.ack(&picture).await;
    loop {
        let picture = client.picture().await;
        client.ack(&picture).await;
        if picture.watch == 2 {
            break;
        }
    }
}

#[tokio::test]
async fn a_camera_without_a_picture_says_why_and_shows_it() {
    let server = serve(&["a=push"]);
    let mut client = connect(&server, &[]).await.unwrap();
    client.watch(1, "a").await;
    loop {
        let state = client.text("state").await;
        if state["state"] == "no_signal" {
            assert!(
                state["reason"]
                    .as_str()
                    .unwrap()
                    .contains("waiting for a sender")
            );
            break;
        }
    }
    let picture = client.picture().await;
    assert!(!picture.live);
    size(&picture.jpeg);
    server.ask(
        "POST",
        "/cameras/a/push",
        &[],
        &server::jpeg(64, 48, [9, 9, 200]),
    );
    loop {
        let picture = client.picture().await;
        client.ack(&picture).await;
        if picture.live {
            assert_eq!(size(&picture.jpeg), (64, 48));
            return;
        }
    }
}

#[tokio::test]
async fn a_client_that_talks_nonsense_is_let_go() {
    let server = serve(&["test"]);
    for nonsense in [
        "",
        "{",
        "{}",
        "[]",
        "{\"watch\":{\"id\":70000,\"camera\":\"x\"}}",
        "{\"fly\":{}}",
    ] {
        let mut client = connect(&server, &[]).await.unwrap();
        client.0.send(Message::text(nonsense)).await.unwrap();
        client.is_closed().await;
    }
    let mut client = connect(&server, &[]).await.unwrap();
    client
        .0
        .send(Message::text("x".repeat(100_000)))
        .await
        .unwrap();
    client.is_closed().await;
    // What nobody has defined yet is passed over.
    let mut client = connect(&server, &[]).await.unwrap();
    client.0.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    client.watch(1, "camera").await;
    client.picture().await;
    server.until("camera", |view| view["viewers"] == 1);
}

#[tokio::test]
async fn a_page_of_another_site_gets_no_socket_unless_it_is_allowed() {
    let server = framecast()
        .camera("test")
        .arg("--allow-origin")
        .arg("https://friend.example")
        .spawn();
    for origin in [
        "http://evil.example",
        "null",
        "http://friend.example",
        "https://friend.example.evil.example",
    ] {
        match connect(&server, &[("Origin", origin)]).await {
            Err(Error::Http(answer)) => assert_eq!(answer.status(), 403, "{origin}"),
            Err(error) => panic!("{origin}: {error}"),
            Ok(_) => panic!("{origin} was let in"),
        }
    }
    for origin in [server.url(""), "https://friend.example".to_owned()] {
        let mut client = connect(&server, &[("Origin", &origin)]).await.unwrap();
        client.watch(1, "camera").await;
        client.picture().await;
    }
}

#[tokio::test]
async fn the_end_of_the_server_ends_the_socket() {
    let mut server = serve(&["test"]);
    let mut client = connect(&server, &[]).await.unwrap();
    client.watch(1, "camera").await;
    client.picture().await;
    server.signal(rustix::process::Signal::TERM);
    client.is_closed().await;
    let (status, time) = server.wait();
    assert!(status.success(), "{status}");
    assert!(time < Duration::from_secs(3), "{time:?}");
}
