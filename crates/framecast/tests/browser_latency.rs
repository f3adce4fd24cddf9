//! How late an `<img>` shows a frame of a slow stream, in three real browsers.
//!
//! A browser paints a part of a multipart stream only once it knows that the part is over. The framing decides whether
//! it knows at once or with the next frame, which at one frame a second is a second later.

#![allow(clippy::print_stdout, reason = "the figures are worth reading")]

#[path = "support/browser/mod.rs"]
mod browser;
#[path = "support/colours.rs"]
mod colours;
#[path = "support/program.rs"]
mod program;

use std::time::Duration;

use browser::{Browser, Kind, Options, Result};
use colours::{Framing, Source, now};
use program::Program;
use tokio::sync::Mutex;

/// What a viewer does not notice.
const BAR: Duration = Duration::from_millis(60);
const WATCHED: Duration = Duration::from_millis(7_500);

/// Browsers that start while another is measured would be measured with it.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Opens a stream of the source's colours in an `<img>` and returns the median time from the sending of a frame until
/// its colour can be seen.
async fn latency(browser: &mut Browser, source: &Source, stream: &str) -> Result<Duration> {
    let page = url::Url::parse(stream)?.join("/")?;
    browser.open(page.as_str()).await?;
    let seen = match browser.kind() {
        Kind::Chromium | Kind::WebKit => drawn(browser, &show(stream)).await?,
        // There drawImage goes on drawing the first frame.
        Kind::Firefox => photographed(browser, stream).await?,
    };
    median(browser.kind(), source, &seen)
}

/// The median time from the sending of a colour until it was seen.
fn median(kind: Kind, source: &Source, seen: &[([u8; 3], u64)]) -> Result<Duration> {
    let mut late: Vec<u64> = seen
        .iter()
        .filter_map(|&(colour, at)| Some(at - source.sent(colour, at)?))
        // The first is there as soon as the stream is, whatever its age.
        .skip(1)
        .collect();
    late.sort_unstable();
    match late.get(late.len() / 2) {
        Some(&median) if late.len() >= 4 => Ok(Duration::from_millis(median)),
        _ => Err(format!("{}: hardly a frame was seen: {seen:?}", kind).into()),
    }
}

/// An `<img>` that fills the page.
fn show(stream: &str) -> String {
    format!(
        "const picture = new Image();
         picture.src = '{stream}';
         Object.assign(picture.style, {{ position: 'fixed', inset: 0, width: '100%', height: '100%' }});
         document.body.replaceChildren(picture);"
    )
}

/// Draws what `setup` calls `picture` again and again and notes when its colour changes.
async fn drawn(browser: &mut Browser, setup: &str) -> Result<Vec<([u8; 3], u64)>> {
    let watch = format!(
        "{setup}
         const canvas = document.createElement('canvas');
         canvas.width = canvas.height = 1;
         const context = canvas.getContext('2d', {{ willReadFrequently: true }});
         const seen = [];
         let before = '';
         for (const end = Date.now() + {}; Date.now() < end; await new Promise((done) => setTimeout(done, 2))) {{
             context.drawImage(picture, 0, 0, 1, 1);
             const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
             const colour = [red, green, blue].map((value) => value < 128 ? 0 : 255);
             if (alpha === 0 || colour.join() === before) continue;
             before = colour.join();
             seen.push([colour, Date.now()]);
         }}
         return seen;",
        WATCHED.as_millis()
    );
    Ok(serde_json::from_value(browser.eval(&watch).await?)?)
}

/// Photographs the window again and again and notes when its colour has changed.
async fn photographed(browser: &mut Browser, stream: &str) -> Result<Vec<([u8; 3], u64)>> {
    browser.eval(&show(stream)).await?;
    let mut seen: Vec<([u8; 3], u64)> = Vec::new();
    let end = now() + WATCHED.as_millis() as u64;
    while now() < end {
        let pixel = browser.pixel(40, 40).await?;
        let colour = pixel.map(|value| if value < 128 { 0 } else { 255 });
        if seen.last().is_none_or(|(before, _)| *before != colour) {
            seen.push((colour, now()));
        }
    }
    Ok(seen)
}

async fn framing_decides(kind: Kind) -> Result<()> {
    let _alone = ALONE.lock().await;
    let mut browser = Browser::start(kind, Options::default()).await?;
    let source = Source::start(Duration::from_secs(1)).await?;
    let early = latency(
        &mut browser,
        &source,
        &source.stream(Framing::HeadersInAdvance),
    )
    .await?;
    let late = latency(&mut browser, &source, &source.stream(Framing::HeadersFirst)).await?;
    println!("{kind}: {early:?} with the next headers in advance, {late:?} without");
    assert!(early <= BAR, "{kind}: {early:?}");
    assert!(
        late > Duration::from_millis(500),
        "{kind}: {late:?}: this test would not notice a late stream"
    );
    Ok(())
}

/// The whole way: a network camera, the program, a browser.
async fn program_is_no_slower(kind: Kind) -> Result<()> {
    let _alone = ALONE.lock().await;
    let mut browser = Browser::start(kind, Options::default()).await?;
    let source = Source::start(Duration::from_secs(1)).await?;
    let camera = source.stream(Framing::HeadersInAdvance);
    let program = Program::start(&[format!("door={camera}")]).await?;
    let stream = program.url("cameras/door/stream.mjpg");
    let late = latency(&mut browser, &source, &stream).await?;
    println!("{kind}: {late:?} through the program");
    assert!(late <= BAR, "{kind}: {late:?}");

    browser.open(&program.url("")).await?;
    let canvas = "const picture = document.querySelector('framecast-camera').shadowRoot.querySelector('canvas');";
    let seen = drawn(&mut browser, canvas).await?;
    let late = median(kind, &source, &seen)?;
    println!("{kind}: {late:?} through the program onto its page");
    assert!(late <= BAR, "{kind}: {late:?} on the page");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn program_is_no_slower_in_chromium() -> Result<()> {
    program_is_no_slower(Kind::Chromium).await
}

#[tokio::test(flavor = "multi_thread")]
async fn program_is_no_slower_in_webkit() -> Result<()> {
    program_is_no_slower(Kind::WebKit).await
}

#[tokio::test(flavor = "multi_thread")]
async fn program_is_no_slower_in_firefox() -> Result<()> {
    program_is_no_slower(Kind::Firefox).await
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_shows_a_frame_at_once() -> Result<()> {
    framing_decides(Kind::Chromium).await
}

#[tokio::test(flavor = "multi_thread")]
async fn webkit_shows_a_frame_at_once() -> Result<()> {
    framing_decides(Kind::WebKit).await
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_shows_a_frame_at_once() -> Result<()> {
    framing_decides(Kind::Firefox).await
}
