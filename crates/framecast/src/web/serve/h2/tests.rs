use std::sync::Arc;

use axum::{body::Body, routing::get};
use futures_util::stream;
use h2::client::{Builder as Client, SendRequest};
use hyper::body::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::Semaphore,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{super::Lanes, *};

fn door(places: usize) -> Door {
    let endless = || async {
        let piece = Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1000]));
        let ticks = stream::unfold((), move |()| {
            let piece = piece.clone();
            async move {
                sleep(Duration::from_millis(100)).await;
                Some((piece, ()))
            }
        });
        Body::from_stream(ticks)
    };
    let tasks = TaskTracker::new();
    Door {
        router: Router::new()
            .route("/", get(async || "hello"))
            .route("/endless", get(endless)),
        places: Arc::new(Semaphore::new(places)),
        shutdown: CancellationToken::new(),
        lanes: Lanes::new(tasks.clone()),
        tasks,
    }
}

/// The far end of a connection, and when it was let go.
fn connection(places: usize) -> (DuplexStream, JoinHandle<Duration>) {
    let (near, far) = duplex(10_000);
    let begun = Instant::now();
    let serving = tokio::spawn(async move {
        let door = door(places);
        let place = door.place().unwrap();
        let peer = Peer {
            address: None,
            tls: true,
        };
        serve(&door, near, peer, place).await;
        begun.elapsed()
    });
    (far, serving)
}

async fn client(builder: &mut Client, far: DuplexStream) -> SendRequest<Bytes> {
    let (client, connection) = builder.handshake::<_, Bytes>(far).await.unwrap();
    tokio::spawn(connection);
    client.ready().await.unwrap()
}

/// Asks for a path; the answer's body is still coming.
async fn ask(client: &mut SendRequest<Bytes>, path: &str) -> Response<h2::RecvStream> {
    let request = Request::get(format!("https://localhost{path}"));
    let request = request.body(()).unwrap();
    let (answer, _) = client.send_request(request, true).unwrap();
    answer.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_nothing_is_let_go() {
    let (far, serving) = connection(10);
    let silent = serving.await.unwrap();
    assert!(silent >= HEAD_TIME && silent < 2 * HEAD_TIME, "{silent:?}");
    drop(far);

    let (far, serving) = connection(10);
    let mut client = client(&mut Client::new(), far).await;
    sleep(HEAD_TIME / 2).await;
    let mut answer = ask(&mut client, "/").await.into_body();
    assert_eq!(answer.data().await.unwrap().unwrap(), "hello");
    drop(answer);
    let idle = serving.await.unwrap();
    assert!(idle >= IDLE && idle < 2 * IDLE, "{idle:?}");
}

#[tokio::test(start_paused = true)]
async fn who_watches_may_stay() {
    let (far, serving) = connection(10);
    let mut client = client(&mut Client::new(), far).await;
    let mut body = ask(&mut client, "/endless").await.into_body();
    let begun = Instant::now();
    while begun.elapsed() < 3 * IDLE {
        let bytes = body.data().await.unwrap().unwrap();
        body.flow_control().release_capacity(bytes.len()).unwrap();
    }
    assert!(!serving.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_read_is_reset_and_others_go_on() {
    for window in [0, 500, 1500] {
        let (far, serving) = connection(10);
        let mut client = client(Client::new().initial_window_size(window), far).await;
        let mut stuck = ask(&mut client, "/endless").await.into_body();
        let begun = Instant::now();
        let reset = loop {
            // Nothing is released: it is as if nobody read it.
            if let Err(error) = stuck.data().await.unwrap() {
                break error;
            }
        };
        assert_eq!(reset.reason(), Some(h2::Reason::CANCEL));
        let took = begun.elapsed();
        assert!(took >= DEAD_AFTER && took < 3 * DEAD_AFTER, "{took:?}");
        let answer = ask(&mut client, "/").await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(!serving.is_finished());
    }
}

#[tokio::test(start_paused = true)]
async fn who_reads_nothing_at_all_is_let_go() {
    let (mut far, serving) = connection(10);
    // The preface, empty settings, and GET https://localhost/endless by the static table.
    far.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    let head = b"\x82\x87\x41\x09localhost\x04\x08/endless";
    far.write_all(&[0, 0, head.len() as u8, 1, 5, 0, 0, 0, 1])
        .await
        .unwrap();
    far.write_all(head).await.unwrap();
    let let_go = serving.await.unwrap();
    assert!(let_go < 2 * IDLE + 3 * DEAD_AFTER, "{let_go:?}");
    let mut told = Vec::new();
    let _ended = far.read_to_end(&mut told).await;
    // It was a request, and it was answered.
    assert!(told.windows(100).any(|it| it == [b'x'; 100]));
}

#[tokio::test(start_paused = true)]
async fn each_request_beyond_the_first_takes_a_place() {
    let (far, _serving) = connection(3);
    let mut client = client(&mut Client::new(), far).await;
    let watched = [
        ask(&mut client, "/endless").await,
        ask(&mut client, "/endless").await,
        ask(&mut client, "/endless").await,
    ];
    for answer in &watched {
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let answer = ask(&mut client, "/").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[header::RETRY_AFTER], "5");
    drop(watched);
    let freed = async {
        while ask(&mut client, "/").await.status() != StatusCode::OK {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(1), freed).await.unwrap();
}
