//! The pages as people see them: the program itself, watched by real browsers.

#[path = "support/browser/mod.rs"]
mod browser;
#[path = "support/colours.rs"]
mod colours;
#[path = "support/program.rs"]
mod program;
#[path = "support/proxy.rs"]
mod proxy;

use std::time::Duration;

use browser::{Browser, Kind, Options, Result};
use colours::{Framing, Source};
use program::Program;
use proxy::Proxy;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{sleep, timeout};

/// Two browsers at once are too slow for each other's patience on a small machine.
static ALONE: Mutex<()> = Mutex::const_new(());

/// The cameras of the page.
const CAMERAS: &str = "[...document.querySelectorAll('framecast-camera')]";
const FIRST: &str = "document.querySelector('framecast-camera')";

async fn browser(kind: Kind, options: Options) -> Result<(MutexGuard<'static, ()>, Browser)> {
    let alone = ALONE.lock().await;
    Ok((alone, Browser::start(kind, options).await?))
}

fn is_live(camera: &str) -> String {
    format!("{camera}.dataset.mood === 'live'")
}

fn test_cameras(count: usize) -> Vec<String> {
    (1..=count)
        .map(|number| format!("camera{number}=test#size=320x240,fps=5"))
        .collect()
}

async fn sixteen_cameras_move_over_one_connection(kind: Kind) -> Result<()> {
    let (_alone, mut browser) = browser(kind, Options::default()).await?;
    let program = Program::start(&test_cameras(16)).await?;
    let proxy = Proxy::start(program.port).await?;
    browser.open(&proxy.url).await?;
    browser
        .until(&format!(
            "{CAMERAS}.length === 16 && {CAMERAS}.every((camera) => {})",
            is_live("camera")
        ))
        .await?;
    let still = browser
        .eval(&format!(
            "const print = (camera) => {{
                 const canvas = camera.shadowRoot.querySelector('canvas');
                 const {{ data }} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                 return data.reduce((hash, value) => (hash * 31 + value) | 0, 0);
             }};
             const before = {CAMERAS}.map(print);
             let still = before.map((_, number) => number);
             for (const end = Date.now() + 15000; still.length > 0 && Date.now() < end; ) {{
                 await new Promise((done) => setTimeout(done, 500));
                 const after = {CAMERAS}.map(print);
                 still = still.filter((number) => after[number] === before[number]);
             }}
             return still;"
        ))
        .await?;
    assert_eq!(
        still,
        serde_json::json!([]),
        "{kind}: these cameras stand still"
    );
    assert_eq!(proxy.opened(), 1, "{kind}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_cameras_move_over_one_connection_in_chromium() -> Result<()> {
    sixteen_cameras_move_over_one_connection(Kind::Chromium).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_cameras_move_over_one_connection_in_firefox() -> Result<()> {
    sixteen_cameras_move_over_one_connection(Kind::Firefox).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_cameras_move_over_one_connection_in_webkit() -> Result<()> {
    sixteen_cameras_move_over_one_connection(Kind::WebKit).await
}

// MiniBrowser never calls a page hidden, so WebKit is left out.
async fn hidden_tab_stops_the_stream(kind: Kind) -> Result<()> {
    let (_alone, mut browser) = browser(kind, Options::default()).await?;
    let program = Program::start(&test_cameras(1)).await?;
    let proxy = Proxy::start(program.port).await?;
    browser.open(&proxy.url).await?;
    browser.until(&is_live(FIRST)).await?;
    assert_eq!(program.viewers().await?, 1);

    browser.cover().await?;
    program.until_viewers(0).await?;
    let closed = async {
        while proxy.open() > 0 {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(15), closed).await?;

    browser.uncover().await?;
    browser.until(&is_live(FIRST)).await?;
    assert_eq!(program.viewers().await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_tab_stops_the_stream_in_chromium() -> Result<()> {
    hidden_tab_stops_the_stream(Kind::Chromium).await
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_tab_stops_the_stream_in_firefox() -> Result<()> {
    hidden_tab_stops_the_stream(Kind::Firefox).await
}

#[tokio::test(flavor = "multi_thread")]
async fn camera_out_of_sight_is_not_watched() -> Result<()> {
    let (_alone, mut browser) = browser(Kind::Chromium, Options::default()).await?;
    let program = Program::start(&test_cameras(1)).await?;
    browser.open(&program.url("")).await?;
    browser.until(&is_live(FIRST)).await?;
    let scroll = "document.body.style.paddingBottom = '5000px'; scrollTo(0, 5000)";
    browser.eval(scroll).await?;
    program.until_viewers(0).await?;
    browser.eval("scrollTo(0, 0)").await?;
    browser.until(&is_live(FIRST)).await?;
    browser.eval(&format!("{FIRST}.remove()")).await?;
    program.until_viewers(0).await
}

#[tokio::test(flavor = "multi_thread")]
async fn page_without_scripts_shows_the_picture() -> Result<()> {
    let options = Options {
        javascript: false,
        ..Options::default()
    };
    let (_alone, mut browser) = browser(Kind::Chromium, options).await?;
    let source = Source::start(Duration::from_millis(300)).await?;
    let camera = format!("door={}", source.stream(Framing::HeadersInAdvance));
    let program = Program::start(&[camera]).await?;
    for page in ["", "cameras/door/"] {
        browser.open(&program.url(page)).await?;
        let mut seen = Vec::new();
        for _ in 0..100 {
            let pixel = browser.pixel(400, 300).await?;
            let is_colour = pixel.iter().all(|value| !(60..195).contains(value))
                && pixel.iter().any(|value| *value < 60)
                && pixel.iter().any(|value| *value > 195);
            let colour = pixel.map(|value| value > 127);
            if is_colour && !seen.contains(&colour) {
                seen.push(colour);
            }
            if seen.len() > 1 {
                break;
            }
        }
        assert!(
            seen.len() > 1,
            "{page}: the picture does not move: {seen:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_camera_is_greyed_and_says_why_until_it_is_back() -> Result<()> {
    let (_alone, mut browser) = browser(Kind::Chromium, Options::default()).await?;
    let mut source = Source::start(Duration::from_millis(100)).await?;
    let camera = format!("door={}", source.stream(Framing::HeadersInAdvance));
    let program = Program::start(&[camera]).await?;
    browser.open(&program.url("cameras/door/")).await?;
    browser.until(&is_live(FIRST)).await?;

    source.stop();
    let overlay = format!("{FIRST}.shadowRoot.querySelector('p')");
    browser
        .until(&format!(
            "{FIRST}.dataset.mood === 'stale' && !{overlay}.hidden && {overlay}.textContent !== ''"
        ))
        .await?;
    let look = format!(
        "return getComputedStyle({FIRST}.shadowRoot.querySelector('canvas')).filter.includes('grayscale')"
    );
    assert_eq!(browser.eval(&look).await?, true);
    let details = "return document.querySelector('[data-detail=state]').textContent";
    assert_ne!(browser.eval(details).await?, "live");

    source.start_again().await?;
    browser.until(&is_live(FIRST)).await
}

async fn page_comes_back_after_a_restart(kind: Kind) -> Result<()> {
    let (_alone, mut browser) = browser(kind, Options::default()).await?;
    let mut program = Program::start(&test_cameras(2)).await?;
    browser.open(&program.url("")).await?;
    let all_live = format!("{CAMERAS}.every((camera) => {})", is_live("camera"));
    browser.until(&all_live).await?;
    program.kill();
    let none_live = format!("{CAMERAS}.every((camera) => camera.dataset.mood === 'stale')");
    browser.until(&none_live).await?;
    program.start_again().await?;
    browser.until(&all_live).await
}

#[tokio::test(flavor = "multi_thread")]
async fn page_comes_back_after_a_restart_in_chromium() -> Result<()> {
    page_comes_back_after_a_restart(Kind::Chromium).await
}

#[tokio::test(flavor = "multi_thread")]
async fn page_comes_back_after_a_restart_in_firefox() -> Result<()> {
    page_comes_back_after_a_restart(Kind::Firefox).await
}

#[tokio::test(flavor = "multi_thread")]
async fn page_comes_back_after_a_restart_in_webkit() -> Result<()> {
    page_comes_back_after_a_restart(Kind::WebKit).await
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_stream_takes_the_place_of_a_blocked_websocket() -> Result<()> {
    let (_alone, mut browser) = browser(Kind::Chromium, Options::default()).await?;
    let program = Program::start(&test_cameras(1)).await?;
    let proxy = Proxy::start(program.port).await?;
    proxy.refuse_websockets();
    browser.open(&proxy.url).await?;
    let picture = format!("{FIRST}.shadowRoot.querySelector('img')");
    browser
        .until(&format!(
            "{FIRST}.dataset.mood === 'unknown' && {picture}.naturalWidth === 320"
        ))
        .await?;
    let says = format!("return {FIRST}.getAttribute('aria-label')");
    assert_eq!(browser.eval(&says).await?, "camera1: age unknown");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_camera_has_a_page_that_leads_back() -> Result<()> {
    let (_alone, mut browser) = browser(Kind::Chromium, Options::default()).await?;
    let program = Program::start(&test_cameras(1)).await?;
    browser.open(&program.url("cameras/nowhere/")).await?;
    let text = browser
        .eval("return document.querySelector('main').innerText")
        .await?;
    assert!(text.as_str().unwrap_or("").contains("“nowhere”"), "{text}");
    let back = browser
        .eval("return document.querySelector('main a').href")
        .await?;
    browser.open(back.as_str().unwrap_or("")).await?;
    browser
        .until(&format!("{FIRST} && {}", is_live(FIRST)))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_work_behind_a_path() -> Result<()> {
    let (_alone, mut browser) = browser(Kind::Chromium, Options::default()).await?;
    let program = Program::start_with(&test_cameras(2), &["--base-path", "/behind/proxy"]).await?;
    for page in ["behind/proxy/", "behind/proxy/cameras/camera2/"] {
        browser.open(&program.url(page)).await?;
        browser.until(&is_live(FIRST)).await?;
        let styled = "return getComputedStyle(document.querySelector('header')).display";
        assert_eq!(browser.eval(styled).await?, "flex", "{page}");
    }
    Ok(())
}

async fn camera_shows_on_a_page_of_another_site(kind: Kind) -> Result<()> {
    let (_alone, mut browser) = browser(kind, Options::default()).await?;
    let site = Source::start(Duration::from_secs(1)).await?;
    let origin = site.url();
    let program = Program::start_with(&test_cameras(1), &["--allow-origin", &origin]).await?;
    browser.open(&origin).await?;
    browser
        .eval(&format!(
            "const script = document.createElement('script');
             script.type = 'module';
             script.src = '{}';
             document.head.append(script);
             document.body.innerHTML = '<framecast-camera name=camera1></framecast-camera>';",
            program.url("assets/framecast.js")
        ))
        .await?;
    browser.until(&is_live(FIRST)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn camera_shows_on_a_page_of_another_site_in_chromium() -> Result<()> {
    camera_shows_on_a_page_of_another_site(Kind::Chromium).await
}

#[tokio::test(flavor = "multi_thread")]
async fn camera_shows_on_a_page_of_another_site_in_firefox() -> Result<()> {
    camera_shows_on_a_page_of_another_site(Kind::Firefox).await
}
