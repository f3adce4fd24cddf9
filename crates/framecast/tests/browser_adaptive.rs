//! Pictures that change their size in the middle of a stream, in the `<img>` of a real browser.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/browser/mod.rs"]
mod browser;
#[path = "support/link.rs"]
mod link;
#[path = "support/program.rs"]
mod program;

use browser::{Browser, Kind, Options, Result};
use link::Link;
use program::Program;

/// The width of the picture as it is drawn, and something that changes with every picture.
const LOOK: &str = "
    const canvas = document.createElement('canvas');
    canvas.width = 64;
    canvas.height = 36;
    const context = canvas.getContext('2d');
    window.look = () => {
        context.drawImage(picture, 0, 0, 64, 36);
        return context.getImageData(0, 0, 64, 36).data.join();
    };";

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_becomes_smaller_and_large_again_while_it_goes_on() -> Result<()> {
    let program =
        Program::start(&["camera=test#size=1280x720,fps=15,quality=90".to_owned()]).await?;
    let link = Link::to(([127, 0, 0, 1], program.port).into(), 125_000);
    let mut browser = Browser::start(Kind::Chromium, Options::default()).await?;
    let base = format!("http://{}", link.address());
    browser.open(&format!("{base}/healthz")).await?;
    let show = format!(
        "window.picture = new Image();
         picture.src = '{base}/cameras/camera/stream.mjpg?adaptive=1';
         document.body.replaceChildren(picture);
         {LOOK}"
    );
    browser.eval(&show).await?;
    browser.until("picture.naturalWidth === 1280").await?;
    let changes = "look() !== window.before";
    for expected in ["< 1280", "=== 1280"] {
        browser
            .until(&format!("picture.naturalWidth {expected}"))
            .await?;
        // It is drawn, and goes on.
        for _ in 0..3 {
            browser.eval("window.before = look();").await?;
            browser.until(changes).await?;
        }
        link.set(50_000_000);
    }
    Ok(())
}
