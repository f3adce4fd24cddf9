//! What the tests of the drivers have in common.

use std::{sync::Arc, time::Duration};

use framecast::drivers::{Registry, Request, push::Ports};
use framecast_camera::{Camera, Error, ErrorKind, Frame, Running};
use framecast_media::picture::TestCard;

/// A request for a camera called `door`, with options as in `once=true`.
pub(crate) fn request(source: &str, options: &[&str]) -> Request {
    let Ok(source) = source.parse();
    let mut request = Request::new("door", source);
    for option in options {
        let (name, value) = option.split_once('=').unwrap();
        match name {
            "size" => request.size = Some(value.parse().unwrap()),
            "fps" => request.fps = Some(value.parse().unwrap()),
            "quality" => request.quality = Some(value.parse().unwrap()),
            _ => {
                request.options.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    request
}

pub(crate) fn camera(source: &str, options: &[&str]) -> Arc<dyn Camera> {
    Registry::bundled(&Ports::default())
        .make(&request(source, options))
        .unwrap()
}

/// The next frame, which must come in reasonable time.
pub(crate) async fn frame(running: &mut Running) -> Frame {
    match next(running).await {
        Some(Ok(frame)) => frame,
        other => panic!("no frame but {other:?}"),
    }
}

/// The error that the camera ends with, its frames passed over: what kind, and what it says.
pub(crate) async fn end(camera: &dyn Camera) -> (ErrorKind, String) {
    let mut running = camera.frames().start();
    loop {
        match next(&mut running).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return (error.kind(), error.to_string()),
            None => panic!("the frames ended without an error"),
        }
    }
}

async fn next(running: &mut Running) -> Option<Result<Frame, Error>> {
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, running.next())
        .await
        .expect("neither a frame nor an error in time")
}

/// A small JPEG that differs from those of other numbers.
pub(crate) fn jpeg(number: u64) -> Vec<u8> {
    let mut card = TestCard::new(64, 48, "door");
    let picture = card.draw("12:34", number, number as f64 / 100.0);
    framecast_media::jpeg::encode(&picture.pixels(), 70).unwrap()
}
