//! Real browsers for tests: Chromium and WebKitGTK by WebDriver, Firefox by WebDriver BiDi, which it speaks itself.
//!
//! Each has its own ports, profile and processes, and all of them end when it is dropped. What does not belong here:
//! anything about framecast.

#![allow(dead_code, reason = "every test binary uses a part of it")]
#![allow(clippy::print_stdout, reason = "a test may say what it left out")]

mod bidi;
mod process;
mod webdriver;

use std::fmt;

use serde_json::Value;

use bidi::Bidi;
use webdriver::WebDriver;

/// What goes wrong in a test of a browser ends the test, so a text is enough.
pub(crate) type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Which browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Chromium,
    WebKit,
    Firefox,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Chromium, Self::WebKit, Self::Firefox];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chromium => "Chromium",
            Self::WebKit => "WebKit",
            Self::Firefox => "Firefox",
        })
    }
}

/// How a browser starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Whether pages may run scripts. Chromium only.
    pub(crate) javascript: bool,
    /// The size of the page in CSS pixels.
    pub(crate) size: (u32, u32),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            javascript: true,
            size: (1280, 800),
        }
    }
}

/// A browser with one window.
#[derive(Debug)]
pub(crate) struct Browser {
    kind: Kind,
    driver: Driver,
}

#[derive(Debug)]
enum Driver {
    Classic(WebDriver),
    Bidi(Box<Bidi>),
}

impl Browser {
    /// Starts a browser with an empty profile.
    pub(crate) async fn start(kind: Kind, options: Options) -> Result<Self> {
        let driver = match kind {
            Kind::Chromium => Driver::Classic(WebDriver::chromium(options).await?),
            Kind::WebKit => Driver::Classic(WebDriver::webkit(options).await?),
            Kind::Firefox => Driver::Bidi(Box::new(Bidi::firefox(options).await?)),
        };
        Ok(Self { kind, driver })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Opens a page and returns once its elements are there; pictures may still be on their way.
    pub(crate) async fn open(&mut self, url: &str) -> Result<()> {
        match &mut self.driver {
            Driver::Classic(driver) => driver.open(url).await,
            Driver::Bidi(driver) => driver.open(url).await,
        }
    }

    /// Runs the body of an async function in the page and returns what it returns.
    pub(crate) async fn eval(&mut self, body: &str) -> Result<Value> {
        let text = match &mut self.driver {
            Driver::Classic(driver) => driver.eval(body).await?,
            Driver::Bidi(driver) => driver.eval(body).await?,
        };
        Ok(serde_json::from_str(&text)?)
    }

    /// Waits until an expression is true in the page.
    pub(crate) async fn until(&mut self, expression: &str) -> Result<()> {
        let body = format!(
            "for (const end = Date.now() + 15000; Date.now() < end; await new Promise((done) => setTimeout(done, 50)))
                 if ({expression}) return true;
             return false;"
        );
        match self.eval(&body).await? {
            Value::Bool(true) => Ok(()),
            _ => Err(format!("{}: never came true: {expression}", self.kind).into()),
        }
    }

    /// What the window shows, as PNG.
    pub(crate) async fn screenshot(&mut self) -> Result<Vec<u8>> {
        match &mut self.driver {
            Driver::Classic(driver) => driver.screenshot().await,
            Driver::Bidi(driver) => driver.screenshot(None).await,
        }
    }

    /// The red, green and blue that the window shows at a place.
    pub(crate) async fn pixel(&mut self, x: u32, y: u32) -> Result<[u8; 3]> {
        match &mut self.driver {
            Driver::Classic(driver) => pixel(&driver.screenshot().await?, x, y),
            Driver::Bidi(driver) => {
                let clip = driver.screenshot(Some((x, y, 1, 1))).await?;
                pixel(&clip, 0, 0)
            }
        }
    }

    /// Saves what is downloaded in a folder. Chromium only.
    pub(crate) async fn save_to(&mut self, folder: &std::path::Path) -> Result<()> {
        match &mut self.driver {
            Driver::Classic(driver) if self.kind == Kind::Chromium => driver.save_to(folder).await,
            _ => Err("only Chromium is told where to save".into()),
        }
    }

    /// Puts another tab before the page, which is hidden from then on.
    pub(crate) async fn cover(&mut self) -> Result<()> {
        match &mut self.driver {
            Driver::Classic(driver) => driver.cover().await,
            Driver::Bidi(driver) => driver.cover().await,
        }
    }

    /// Closes that tab.
    pub(crate) async fn uncover(&mut self) -> Result<()> {
        match &mut self.driver {
            Driver::Classic(driver) => driver.uncover().await,
            Driver::Bidi(driver) => driver.uncover().await,
        }
    }
}

/// Reads one pixel of a PNG.
pub(crate) fn pixel(png: &[u8], x: u32, y: u32) -> Result<[u8; 3]> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info()?;
    let size = reader.output_buffer_size().ok_or("a huge picture")?;
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels)?;
    let at = y as usize * info.line_size + x as usize * info.color_type.samples();
    let pixel = pixels.get(at..at + 3).ok_or("outside the picture")?;
    Ok([pixel[0], pixel[1], pixel[2]])
}

/// An async function that returns the JSON of what `body` returns.
fn returning_json(body: &str) -> String {
    format!("(async () => JSON.stringify((await (async () => {{ {body} }})()) ?? null))()")
}
