//! WebDriver over HTTP, as chromedriver and WebKitWebDriver speak it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::{Session, eventually, free_port, home};
use super::{Options, Result, returning_json};

#[derive(Debug)]
pub(super) struct WebDriver {
    client: reqwest::Client,
    session: String,
    /// The window of the page while another tab covers it.
    covered: Option<String>,
    // Dropped in this order: the browser, its display, its profile.
    _processes: Vec<Session>,
    _profile: TempDir,
}

impl WebDriver {
    pub(super) async fn chromium(options: Options) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let port = free_port()?;
        let driver = Session::start(
            "chromedriver",
            &[format!("--port={port}")],
            &home(profile.path()),
            Stdio::null(),
        )?;
        let (width, height) = options.size;
        let javascript = if options.javascript { 1 } else { 2 };
        let capabilities = json!({
            "pageLoadStrategy": "eager",
            // As somebody who was warned of a certificate and went on.
            "acceptInsecureCerts": true,
            "timeouts": { "script": 60_000, "pageLoad": 30_000 },
            "goog:chromeOptions": {
                "args": [
                    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                    "--disable-background-networking", "--disable-component-update", "--disable-sync",
                    "--disable-crash-reporter", "--disable-dev-shm-usage", "--hide-scrollbars",
                    format!("--user-data-dir={}", profile.path().join("profile").display()),
                    format!("--window-size={width},{height}"),
                ],
                "prefs": { "profile.managed_default_content_settings.javascript": javascript },
            },
        });
        let driver = Self::connect(port, &capabilities, vec![driver], profile).await?;
        // A headless window may still count a title bar that is not there, and is never narrower than 500 pixels.
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics });
        driver.post("goog/cdp/execute", &command).await?;
        Ok(driver)
    }

    pub(super) async fn save_to(&mut self, folder: &std::path::Path) -> Result<()> {
        let params = json!({ "behavior": "allow", "downloadPath": folder });
        let command = json!({ "cmd": "Page.setDownloadBehavior", "params": params });
        self.post("goog/cdp/execute", &command).await?;
        Ok(())
    }

    pub(super) async fn webkit(options: Options) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let port = free_port()?;
        let (width, height) = options.size;
        let screen = format!("{}x{}x24", width + 200, height + 200);
        let arguments = [
            "-displayfd",
            "1",
            "-screen",
            "0",
            &screen,
            "-nolisten",
            "tcp",
        ];
        let mut display =
            Session::start("Xvfb", &arguments.map(str::to_owned), &[], Stdio::piped())?;
        let number = first_line(&mut display).await?;
        let mut environment = home(profile.path()).to_vec();
        environment.push(("DISPLAY", format!(":{number}")));
        environment.push(("LIBGL_ALWAYS_SOFTWARE", "1".to_owned()));
        environment.push(("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1".to_owned()));
        let driver = Session::start(
            "dbus-run-session",
            &["--", "WebKitWebDriver", &format!("--port={port}")].map(str::to_owned),
            &environment,
            Stdio::null(),
        )?;
        let capabilities = json!({
            "pageLoadStrategy": "eager",
            "timeouts": { "script": 60_000, "pageLoad": 30_000 },
            "webkitgtk:browserOptions": {
                "binary": mini_browser()?,
                "args": ["--automation", format!("--geometry={width}x{height}")],
            },
        });
        let mut driver = Self::connect(port, &capabilities, vec![driver, display], profile).await?;
        // The window has bars of its own around the page.
        for _ in 0..2 {
            let inner = driver.eval("return [innerWidth, innerHeight]").await?;
            let inner: (u32, u32) = serde_json::from_str(&inner)?;
            let rect = driver.get("window/rect").await?;
            let outer = |key: &str| rect[key].as_u64().unwrap_or(0) as u32;
            let rect = json!({
                "x": 0, "y": 0,
                "width": (outer("width") + width).saturating_sub(inner.0),
                "height": (outer("height") + height).saturating_sub(inner.1),
            });
            driver.post("window/rect", &rect).await?;
        }
        Ok(driver)
    }

    async fn connect(
        port: u16,
        capabilities: &Value,
        processes: Vec<Session>,
        profile: TempDir,
    ) -> Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(90))
            .build()?;
        let server = format!("http://127.0.0.1:{port}");
        eventually(async || {
            client.get(format!("{server}/status")).send().await?;
            Ok(())
        })
        .await?;
        let request = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let started = send(client.post(format!("{server}/session")), Some(&request)).await?;
        let id = started["sessionId"].as_str().ok_or("no session")?;
        Ok(Self {
            session: format!("{server}/session/{id}"),
            client,
            covered: None,
            _processes: processes,
            _profile: profile,
        })
    }

    pub(super) async fn open(&mut self, url: &str) -> Result<()> {
        self.post("url", &json!({ "url": url })).await?;
        Ok(())
    }

    pub(super) async fn eval(&mut self, body: &str) -> Result<String> {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             {}.then((json) => done({{ json }}), (error) => done({{ thrown: `${{error}}` }}));",
            returning_json(body)
        );
        let outcome = self
            .post("execute/async", &json!({ "script": script, "args": [] }))
            .await?;
        match &outcome["json"] {
            Value::String(json) => Ok(json.clone()),
            _ => Err(format!("{}: {body}", outcome["thrown"]).into()),
        }
    }

    pub(super) async fn screenshot(&mut self) -> Result<Vec<u8>> {
        let png = self.get("screenshot").await?;
        Ok(BASE64_STANDARD.decode(png.as_str().ok_or("no screenshot")?)?)
    }

    pub(super) async fn cover(&mut self) -> Result<()> {
        let page = self.get("window").await?;
        let tab = self.post("window/new", &json!({ "type": "tab" })).await?;
        self.post("window", &json!({ "handle": tab["handle"] }))
            .await?;
        self.covered = page.as_str().map(str::to_owned);
        Ok(())
    }

    pub(super) async fn uncover(&mut self) -> Result<()> {
        let page = self.covered.take().ok_or("nothing covers the page")?;
        send(self.client.delete(format!("{}/window", self.session)), None).await?;
        self.post("window", &json!({ "handle": page })).await?;
        Ok(())
    }

    async fn get(&self, command: &str) -> Result<Value> {
        send(self.client.get(format!("{}/{command}", self.session)), None).await
    }

    async fn post(&self, command: &str, parameters: &Value) -> Result<Value> {
        let request = self.client.post(format!("{}/{command}", self.session));
        send(request, Some(parameters)).await
    }
}

async fn send(request: reqwest::RequestBuilder, parameters: Option<&Value>) -> Result<Value> {
    let request = match parameters {
        Some(parameters) => request.body(parameters.to_string()),
        None => request,
    };
    let response = request.send().await?;
    let failed = !response.status().is_success();
    let mut answer: Value = serde_json::from_str(&response.text().await?)?;
    let value = answer["value"].take();
    if failed {
        return Err(format!("{}: {}", value["error"], value["message"]).into());
    }
    Ok(value)
}

async fn first_line(session: &mut Session) -> Result<String> {
    let stdout = session.child.stdout.take().ok_or("no output")?;
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map(|_| line)
    });
    Ok(line.await??.trim().to_owned())
}

/// Debian keeps it beside the library, under the name of the machine's architecture.
fn mini_browser() -> Result<String> {
    for architecture in std::fs::read_dir("/usr/lib")? {
        for version in ["webkitgtk-6.0", "webkit2gtk-4.1", "webkit2gtk-4.0"] {
            let path = architecture.as_ref().map_err(ToString::to_string)?.path();
            let path = path.join(version).join("MiniBrowser");
            if path.exists() {
                return Ok(path.display().to_string());
            }
        }
    }
    Err("no MiniBrowser of WebKitGTK".into())
}
