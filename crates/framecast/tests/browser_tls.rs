//! A page with many streams in a real browser, over one connection of HTTP/2, with the certificate that the server has made.

#[path = "support/browser/mod.rs"]
mod browser;
#[path = "support/server.rs"]
mod server;
#[path = "support/tls.rs"]
mod tls;

use browser::{Browser, Kind, Options, Result};
use tls::{camera, encrypted};

/// More than a browser opens connections to one server.
const MANY: usize = 9;

#[tokio::test(flavor = "multi_thread")]
async fn many_streams_move_on_one_page_and_the_socket_works() -> Result<()> {
    let server = encrypted().camera("test#size=160x120,fps=5").spawn();
    let mut browser = Browser::start(Kind::Chromium, Options::default()).await?;
    browser.open(&server.url("/")).await?;
    let protocol = "return performance.getEntriesByType('navigation')[0].nextHopProtocol";
    assert_eq!(browser.eval(protocol).await?, "h2");
    // The page's own cameras come by a WebSocket, which is on a connection of HTTP/1.1.
    browser
        .until("document.querySelector('framecast-camera').dataset.mood === 'live'")
        .await?;
    let page = format!(
        "document.body.replaceChildren(...Array.from({{ length: {MANY} }}, (_, number) => {{
             const image = new Image();
             image.src = `/cameras/camera/stream.mjpg?number=${{number}}`;
             return image;
         }}));"
    );
    browser.eval(&page).await?;
    let still = browser
        .eval(
            "const images = [...document.images];
             const print = (image) => {
                 const canvas = document.createElement('canvas');
                 [canvas.width, canvas.height] = [160, 120];
                 const context = canvas.getContext('2d');
                 if (image.naturalWidth > 0) context.drawImage(image, 0, 0);
                 const { data } = context.getImageData(0, 0, 160, 120);
                 return data.reduce((hash, value) => (hash * 31 + value) | 0, 0);
             };
             const empty = print(new Image());
             const seen = images.map(() => new Set());
             const still = () => seen.flatMap((prints, number) => prints.size < 3 ? [number] : []);
             for (const end = Date.now() + 20000; still().length > 0 && Date.now() < end; ) {
                 images.forEach((image, number) => {
                     const shown = print(image);
                     if (shown !== empty) seen[number].add(shown);
                 });
                 await new Promise((done) => setTimeout(done, 100));
             }
             return still();",
        )
        .await?;
    assert_eq!(still, serde_json::json!([]), "these stand still");
    assert_eq!(camera(&server, "camera")["viewers"], MANY);
    Ok(())
}
