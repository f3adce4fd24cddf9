//! Other sizes of a camera.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_variant_is_smaller_and_encoded_once_for_all() {
    let camera = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&camera);
    let mut small: Vec<_> = (0..10)
        .map(|_| feed.subscribe_to(width(32)).unwrap())
        .collect();
    let mut pictures = Vec::new();
    for viewer in &mut small {
        pictures.push(next_live(viewer).await.frame);
    }
    assert_eq!(pictures[0].size.width, 32);
    assert_eq!(pictures[0].size.height, 24);
    let same = pictures.iter().filter(|p| p.seq == pictures[0].seq);
    assert!(
        same.into_iter()
            .all(|p| p.jpeg.as_ptr() == pictures[0].jpeg.as_ptr())
    );
    assert_eq!(feed.variants(), 1);
    assert_eq!(camera.opened(), 1);
    let stats = feed.stats();
    assert_eq!(stats.opened.load(SeqCst), 1);
    // The camera may be one frame ahead of its variant, which counts for nothing.
    let last = feed.newest().unwrap().seq;
    assert!(stats.frames.load(SeqCst) <= last);
    assert_eq!(feed.stats().viewers.load(SeqCst), 10);
}

#[tokio::test(start_paused = true)]
async fn the_camera_closes_when_the_last_viewer_of_a_variant_has_gone() {
    let camera = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&camera);
    next_live(&mut feed.subscribe_to(width(32)).unwrap()).await;
    sleep(Duration::from_secs(12)).await;
    assert!(!camera.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_variant_shows_the_loss_and_the_return_of_its_camera() {
    let camera = Scripted::new(&[&[Picture, Wait(100), Fail(ErrorKind::Lost)], STEADY]);
    let (_hub, feed) = hub(&camera);
    let mut small = feed.subscribe_to(width(32)).unwrap();
    assert!(next(&mut small).await.frame.is_live());
    let stand_in = next(&mut small).await.frame;
    assert_eq!(stand_in.no_signal.as_deref(), Some("it went away"));
    assert_eq!(stand_in.size.width, 32);
    next_live(&mut small).await;
}

#[tokio::test(start_paused = true)]
async fn strangers_cannot_make_any_number_of_variants() {
    let camera = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&camera);
    let most = variant::MOST as u32;
    let mut watched: Vec<_> = (0..most)
        .map(|n| feed.subscribe_to(width(8 + n)).unwrap())
        .collect();
    assert_eq!(feed.subscribe_to(width(60)).unwrap_err(), TooMany);
    watched.pop();
    let mut newcomer = feed.subscribe_to(width(60)).unwrap();
    next_live(&mut newcomer).await;
    assert_eq!(feed.variants(), variant::MOST);
}
