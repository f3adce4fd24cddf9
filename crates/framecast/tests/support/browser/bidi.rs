//! WebDriver BiDi over a WebSocket, as Firefox speaks it without a driver.

use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::process::{Session, eventually, free_port, home};
use super::{Options, Result, returning_json};

/// No visits home, no first-run pages.
const PREFERENCES: &str = r#"
user_pref("app.normandy.enabled", false);
user_pref("app.update.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.newtabpage.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("browser.startup.page", 0);
user_pref("browser.tabs.remote.separatePrivilegedContentProcess", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("dom.push.connection.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.dns.disablePrefetch", true);
user_pref("network.prefetch-next", false);
user_pref("services.settings.server", "data:,");
user_pref("toolkit.telemetry.enabled", false);
user_pref("toolkit.telemetry.server", "data:,");
"#;

#[derive(Debug)]
pub(super) struct Bidi {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    sent: u64,
    context: String,
    /// The tab that covers the page.
    cover: Option<String>,
    // Dropped in this order: the browser, its profile.
    _process: Session,
    _profile: TempDir,
}

impl Bidi {
    pub(super) async fn firefox(options: Options) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        std::fs::write(profile.path().join("user.js"), PREFERENCES)?;
        let path = profile.path().display().to_string();
        let port = free_port()?;
        let arguments = [
            "--headless",
            "--no-remote",
            "--remote-debugging-port",
            &port.to_string(),
            "--profile",
            &path,
            "about:blank",
        ];
        let process = Session::start(
            "firefox-esr",
            &arguments.map(str::to_owned),
            &home(profile.path()),
            Stdio::null(),
        )?;
        let address = format!("ws://127.0.0.1:{port}/session");
        let (socket, _) = eventually(async || Ok(connect_async(&address).await?)).await?;
        let mut driver = Self {
            socket,
            sent: 0,
            context: String::new(),
            cover: None,
            _process: process,
            _profile: profile,
        };
        driver
            .command("session.new", json!({ "capabilities": {} }))
            .await?;
        let tree = driver.command("browsingContext.getTree", json!({})).await?;
        let context = tree["contexts"][0]["context"].as_str();
        driver.context = context.ok_or("no tab")?.to_owned();
        let (width, height) = options.size;
        let viewport = json!({ "width": width, "height": height });
        let parameters = json!({ "context": driver.context, "viewport": viewport });
        driver
            .command("browsingContext.setViewport", parameters)
            .await?;
        Ok(driver)
    }

    pub(super) async fn open(&mut self, url: &str) -> Result<()> {
        let parameters = json!({ "context": self.context, "url": url, "wait": "interactive" });
        self.command("browsingContext.navigate", parameters).await?;
        Ok(())
    }

    pub(super) async fn eval(&mut self, body: &str) -> Result<String> {
        let parameters = json!({
            "expression": returning_json(body),
            "target": { "context": self.context },
            "awaitPromise": true,
        });
        let outcome = self.command("script.evaluate", parameters).await?;
        match &outcome["result"]["value"] {
            Value::String(json) => Ok(json.clone()),
            _ => Err(format!("{}: {body}", outcome["exceptionDetails"]["text"]).into()),
        }
    }

    pub(super) async fn screenshot(
        &mut self,
        clip: Option<(u32, u32, u32, u32)>,
    ) -> Result<Vec<u8>> {
        let mut parameters = json!({ "context": self.context });
        if let Some((x, y, width, height)) = clip {
            parameters["clip"] =
                json!({ "type": "box", "x": x, "y": y, "width": width, "height": height });
        }
        let shot = self
            .command("browsingContext.captureScreenshot", parameters)
            .await?;
        let data = shot["data"].as_str().ok_or("no screenshot")?;
        Ok(BASE64_STANDARD.decode(data)?)
    }

    pub(super) async fn cover(&mut self) -> Result<()> {
        let tab = self
            .command("browsingContext.create", json!({ "type": "tab" }))
            .await?;
        let context = tab["context"].as_str().ok_or("no tab")?.to_owned();
        self.command("browsingContext.activate", json!({ "context": context }))
            .await?;
        self.cover = Some(context);
        Ok(())
    }

    pub(super) async fn uncover(&mut self) -> Result<()> {
        let tab = self.cover.take().ok_or("nothing covers the page")?;
        self.command("browsingContext.close", json!({ "context": tab }))
            .await?;
        let page = json!({ "context": self.context });
        self.command("browsingContext.activate", page).await?;
        Ok(())
    }

    async fn command(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.sent += 1;
        let request = json!({ "id": self.sent, "method": method, "params": parameters });
        self.socket.send(Message::text(request.to_string())).await?;
        while let Some(message) = self.socket.next().await {
            let Message::Text(text) = message? else {
                continue;
            };
            let mut answer: Value = serde_json::from_str(&text)?;
            if answer["id"] != self.sent {
                continue;
            }
            if answer["type"] == "error" {
                return Err(format!("{method}: {}: {}", answer["error"], answer["message"]).into());
            }
            return Ok(answer["result"].take());
        }
        Err("the browser has hung up".into())
    }
}
