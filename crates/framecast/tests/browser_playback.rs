//! A plain image in a page goes back in time.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/browser/mod.rs"]
mod browser;
#[path = "support/server.rs"]
mod server;

use browser::{Browser, Kind, Options, Result};
use serde_json::Value;
use server::{Server, eventually, framecast};

fn recording() -> Server {
    let start = framecast();
    let path = start.path("recordings");
    let config = format!(
        "[recordings]\npath = \"{}\"\nmin_free = 0\n[cameras.door]\nsource = \"test\"\nsize = \"160x120\"\nfps = 10\n\
         record = \"always\"\n",
        path.display()
    );
    start.config(&config).spawn()
}

/// The pictures that the image shows in some seconds, looked at ten times a second: how many there are.
async fn shown(browser: &mut Browser, seconds: u32) -> Result<u64> {
    let body = format!(
        "const image = document.querySelector('img');
         const canvas = document.createElement('canvas');
         canvas.width = 160; canvas.height = 120;
         const context = canvas.getContext('2d', {{ willReadFrequently: true }});
         const prints = new Set();
         for (let look = 0; look < {seconds} * 10; look++) {{
             context.drawImage(image, 0, 0);
             const {{ data }} = context.getImageData(0, 0, 160, 120);
             prints.add(data.reduce((hash, value) => (hash * 31 + value) | 0, 0));
             await new Promise((done) => setTimeout(done, 100));
         }}
         return prints.size;"
    );
    let count = browser.eval(&body).await?;
    Ok(count.as_u64().unwrap_or_default())
}

async fn change(browser: &mut Browser, body: &str) -> Result<Value> {
    let script = format!(
        "const answer = await fetch('/api/v1/cameras/door/playback/in-a-page', {{
             method: 'PATCH', headers: {{ 'Content-Type': 'application/json' }}, body: '{body}' }});
         return {{ status: answer.status, state: await answer.json() }};"
    );
    let answer = browser.eval(&script).await?;
    assert_eq!(answer["status"], 200, "{answer}");
    Ok(answer["state"].clone())
}

fn step_soon(server: &Server) -> std::thread::JoinHandle<()> {
    let address = server.address;
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        std::thread::sleep(std::time::Duration::from_secs(1));
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        let body = r#"{"step":1}"#;
        let head = format!(
            "PATCH /api/v1/cameras/door/playback/in-a-page HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        socket
            .write_all(format!("{head}{body}").as_bytes())
            .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_the_past_moves_stops_and_steps() -> Result<()> {
    let server = recording();
    let mut browser = Browser::start(Kind::Chromium, Options::default()).await?;
    eventually("ten seconds of recording", || {
        match server.get("/cameras/door/snapshot.jpg?at=-10s").status {
            200 => Ok(()),
            status => Err(status.to_string()),
        }
    });
    browser.open(&server.url("/healthz")).await?;
    let source = "/cameras/door/stream.mjpg?at=-10s&session=in-a-page";
    browser
        .eval(&format!(
            "document.body.innerHTML = '<img src=\"{source}\">'; return true;"
        ))
        .await?;
    browser
        .until("document.querySelector('img').naturalWidth === 160")
        .await?;
    let moving = shown(&mut browser, 3).await?;
    assert!(moving > 8, "{moving} pictures in three seconds");

    let state = change(&mut browser, r#"{"paused":true}"#).await?;
    assert!(state["behind_seconds"].as_f64().unwrap() > 8.0, "{state}");
    // What was under way is painted by then.
    shown(&mut browser, 1).await?;
    assert_eq!(shown(&mut browser, 2).await?, 1);
    // Looked at while it is stepped: the picture before and the one behind.
    let (stepped, seen) = (step_soon(&server), shown(&mut browser, 3).await?);
    stepped.join().unwrap();
    assert_eq!(seen, 2);
    change(&mut browser, r#"{"speed":-1,"paused":false}"#).await?;
    let back = shown(&mut browser, 2).await?;
    assert!(back > 5, "{back} pictures in two seconds");
    change(&mut browser, r#"{"live":true}"#).await?;
    let live = shown(&mut browser, 2).await?;
    assert!(live > 5, "{live} pictures in two seconds");
    Ok(())
}
