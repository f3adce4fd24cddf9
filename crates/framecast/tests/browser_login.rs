//! Logging in, watching and logging out with a browser.

#[path = "support/browser/mod.rs"]
mod browser;
#[path = "support/program.rs"]
mod program;

use std::time::Duration;

use browser::{Browser, Kind, Options, Result};
use program::Program;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

/// Two browsers at once are too slow for each other's patience on a small machine.
static ALONE: Mutex<()> = Mutex::const_new(());

const FIRST: &str = "document.querySelector('framecast-camera')";
const PASSWORD: &str = "correct horse";

async fn program() -> Result<Program> {
    let cameras = ["door", "yard"].map(|name| format!("{name}=test#size=320x240,fps=5"));
    Program::start(&cameras).await
}

/// Waits until something is true in whatever page is there: one that is being left takes its promises with it.
async fn arrives(browser: &mut Browser, expression: &str) -> Result<()> {
    let asked = format!("return Boolean({expression})");
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        if let Ok(Ok(Value::Bool(true))) =
            timeout(Duration::from_secs(2), browser.eval(&asked)).await
        {
            return Ok(());
        }
        sleep(Duration::from_millis(50)).await;
    }
    Err(format!("{}: never came true: {expression}", browser.kind()).into())
}

/// Fills the form of the login page in and sends it.
async fn log_in(browser: &mut Browser, name: &str, password: &str) -> Result<()> {
    arrives(browser, "document.querySelector('form.login')").await?;
    let script = format!(
        "const form = document.querySelector('form.login');
         form.elements.name.value = '{name}';
         form.elements.password.value = '{password}';
         setTimeout(() => form.requestSubmit());"
    );
    browser.eval(&script).await?;
    Ok(())
}

async fn logs_in_watches_and_logs_out(kind: Kind) -> Result<()> {
    let _alone = ALONE.lock().await;
    let mut browser = Browser::start(kind, Options::default()).await?;
    let program = program().await?;
    program
        .user("anna", PASSWORD, &["--role", "control", "--camera", "door"])
        .await?;
    browser.open(&program.url("cameras/door/?n=1")).await?;
    log_in(&mut browser, "anna", "wrong horse").await?;
    arrives(
        &mut browser,
        "document.querySelector('.fault')?.textContent.includes('wrong')",
    )
    .await?;
    log_in(&mut browser, "anna", PASSWORD).await?;
    // Back where one wanted to go, and the picture moves.
    arrives(
        &mut browser,
        "location.pathname + location.search === '/cameras/door/?n=1'",
    )
    .await?;
    arrives(&mut browser, &format!("{FIRST}?.dataset.mood === 'live'")).await?;
    let shown = browser
        .eval("return document.querySelector('.user span').textContent")
        .await?;
    assert_eq!(shown, "anna", "{kind}");
    // The cookie is none of a script's business.
    assert_eq!(browser.eval("return document.cookie").await?, "", "{kind}");
    browser.open(&program.url("")).await?;
    let cameras = "return [...document.querySelectorAll('framecast-camera')].map((it) => it.getAttribute('name'))";
    assert_eq!(
        browser.eval(cameras).await?,
        serde_json::json!(["door"]),
        "{kind}"
    );
    browser.open(&program.url("cameras/yard/")).await?;
    let text = browser
        .eval("return document.querySelector('main').innerText")
        .await?;
    assert!(
        text.as_str().unwrap_or("").contains("No camera is called"),
        "{kind}: {text}"
    );
    browser.open(&program.url("")).await?;
    browser
        .eval("setTimeout(() => document.querySelector('form.user').requestSubmit())")
        .await?;
    arrives(&mut browser, "location.pathname === '/login'").await?;
    browser.open(&program.url("")).await?;
    arrives(&mut browser, "location.pathname === '/login'").await
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_in_watches_and_logs_out_in_chromium() -> Result<()> {
    logs_in_watches_and_logs_out(Kind::Chromium).await
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_in_watches_and_logs_out_in_firefox() -> Result<()> {
    logs_in_watches_and_logs_out(Kind::Firefox).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_user_is_gone_asks_to_log_in() -> Result<()> {
    let _alone = ALONE.lock().await;
    let mut browser = Browser::start(Kind::Chromium, Options::default()).await?;
    let program = program().await?;
    program.user("anna", PASSWORD, &[]).await?;
    program.user("ben", PASSWORD, &[]).await?;
    browser.open(&program.url("cameras/door/")).await?;
    log_in(&mut browser, "anna", PASSWORD).await?;
    arrives(&mut browser, &format!("{FIRST}?.dataset.mood === 'live'")).await?;
    program.tell(&["user", "remove", "anna"], "")?;
    let way = format!("{FIRST}.shadowRoot.querySelector('p a')");
    arrives(&mut browser, &way).await?;
    let href = browser.eval(&format!("return {way}.href")).await?;
    assert_eq!(href, program.url("login?next=cameras%2Fdoor%2F"));
    browser.open(href.as_str().unwrap_or("")).await?;
    log_in(&mut browser, "ben", PASSWORD).await?;
    arrives(&mut browser, &format!("{FIRST}?.dataset.mood === 'live'")).await
}

/// A web site of one empty page, under a name that makes it another site than the server.
async fn other_site() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _head = timeout(Duration::from_secs(5), socket.read(&mut request)).await;
            let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\nConnection: close\r\n\r\n<!doctype html>";
            let _sent = socket.write_all(answer.as_bytes()).await;
        }
    });
    Ok(format!("http://localhost:{port}/"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_on_another_site_needs_a_signed_address() -> Result<()> {
    let _alone = ALONE.lock().await;
    let mut browser = Browser::start(Kind::Chromium, Options::default()).await?;
    let program = program().await?;
    program.user("anna", PASSWORD, &[]).await?;
    // Logged in or not: the cookie does not go with an image of another site.
    browser.open(&program.url("cameras/door/")).await?;
    log_in(&mut browser, "anna", PASSWORD).await?;
    arrives(&mut browser, &format!("{FIRST}?.dataset.mood === 'live'")).await?;
    let signed = program.url(&program.tell(&["sign", "door"], "")?);
    let bare = program.url("cameras/door/stream.mjpg");
    browser.open(&other_site().await?).await?;
    let images = format!(
        "document.body.innerHTML = '<img id=signed><img id=bare>';
         const bare = document.querySelector('#bare');
         bare.onerror = () => bare.className = 'broken';
         bare.src = '{bare}';
         document.querySelector('#signed').src = '{signed}';"
    );
    browser.eval(&images).await?;
    arrives(
        &mut browser,
        "document.querySelector('#signed').naturalWidth === 320",
    )
    .await?;
    arrives(
        &mut browser,
        "document.querySelector('#bare').className === 'broken'",
    )
    .await
}
