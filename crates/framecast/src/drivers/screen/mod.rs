//! `screen`, `screen::1`: the X11 desktop, or a window or region of it.
//!
//! [`display`] connects and says what is wrong, [`window`] finds a window, [`grab`] fetches its pixels and [`pixels`]
//! makes RGB of them. What does not belong here: making the picture smaller, which is the hub's.

mod display;
mod grab;
mod memory;
mod pixels;
mod window;

use std::time::Instant;

use framecast_camera::{Camera, Error, ErrorKind, Frame, Frames, Result, Stop};

use self::grab::{Area, Grab};
use super::{Request, Scheme, pace::Pace};

const DEFAULT_FPS: f64 = 10.0;

pub(super) fn scheme() -> Scheme {
    Scheme::new(
        "screen",
        "the X11 desktop of this machine or another: screen, screen::1, screen:HOST:1",
        Screen::new,
    )
    .options(&[
        ("cursor", "true: with the mouse pointer"),
        (
            "region",
            "a part of it, WIDTHxHEIGHT+X+Y, as in 640x480+100+50",
        ),
        (
            "window",
            "one window, by its title or its number, as in 0x1a00007",
        ),
    ])
}

#[derive(Clone)]
struct Screen {
    /// As in `:1`; `None` for the one that `DISPLAY` names.
    display: Option<String>,
    window: Option<String>,
    region: Option<Area>,
    cursor: bool,
    fps: f64,
}

impl Screen {
    fn new(request: &Request) -> Result<Self> {
        let region = request.options.get("region");
        Ok(Self {
            display: Some(request.source.rest().to_owned()).filter(|rest| !rest.is_empty()),
            window: request.options.get("window").cloned(),
            region: region.map(|region| area(region)).transpose()?,
            cursor: request.switch("cursor")?,
            fps: request.fps.unwrap_or(DEFAULT_FPS),
        })
    }
}

impl Camera for Screen {
    fn frames(&self) -> Frames {
        let screen = self.clone();
        Frames::blocking(move |stop| {
            let display = display::connect(screen.display.as_deref())?;
            Ok(Show {
                pace: Pace::new(screen.fps, Instant::now()),
                grab: Grab::new(
                    display,
                    screen.window.as_deref(),
                    screen.region,
                    screen.cursor,
                )?,
                hidden: false,
                stop,
            })
        })
    }
}

/// One picture after the other.
struct Show {
    grab: Grab,
    pace: Pace,
    /// Whether it was told that there is nothing to see.
    hidden: bool,
    stop: Stop,
}

impl Iterator for Show {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.pace.wait(&self.stop)?;
            let told = self.hidden;
            let frame = self.grab.frame();
            self.hidden = matches!(&frame, Err(error) if error.kind() == ErrorKind::NoSignal);
            match frame {
                Err(_) if self.hidden && told => {}
                // The desktop changed in between: the next time is as good.
                Ok(None) => {}
                frame => return frame.transpose(),
            }
        }
    }
}

/// Reads X11's way to write an area: `640x480+100+50`.
fn area(text: &str) -> Result<Area> {
    let read = || {
        let mut parts = text.split('+');
        let size: framecast_camera::Size = parts.next()?.parse().ok()?;
        let mut place = || {
            parts
                .next()
                .map_or(Some(0), |digits| digits.parse::<u16>().ok())
        };
        let (x, y) = (place()?, place()?);
        parts.next().is_none().then_some(Area {
            x: x.into(),
            y: y.into(),
            width: size.width as i32,
            height: size.height as i32,
        })
    };
    read().ok_or_else(|| {
        Error::new(
            ErrorKind::Invalid,
            format!("`{text}` is no region: write WIDTHxHEIGHT+X+Y, as in 640x480+100+50"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_written_as_x11_does() {
        let expected = Area {
            x: 100,
            y: 50,
            width: 640,
            height: 480,
        };
        assert_eq!(area("640x480+100+50").unwrap(), expected);
        assert_eq!(area("640x480").unwrap().x, 0);
        for text in [
            "",
            "640",
            "640x480-1-1",
            "640x480+1+2+3",
            "0x480+0+0",
            "640x480+a+b",
        ] {
            let error = area(text).unwrap_err();
            assert!(error.to_string().contains("640x480+100+50"), "{error}");
        }
    }
}
