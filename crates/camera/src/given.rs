use std::fmt;

use crate::Size;

/// What a device really gives, which may be something else than it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// Its pixel format, by the device's own name for it, as in `MJPG`.
    pub format: String,
    /// Width and height, before the hub makes them smaller.
    pub size: Size,
    /// Frames a second; `None` if the device doesn't say.
    pub fps: Option<f64>,
}

/// As in `MJPG 640x480 at 30 frames a second`.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.format, self.size)?;
        match self.fps {
            Some(fps) => write!(f, " at {} frames a second", (fps * 100.0).round() / 100.0),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_told_in_a_line() {
        let given = |fps| Given {
            format: "YUYV".to_owned(),
            size: Size::new(640, 480),
            fps,
        };
        assert_eq!(given(None).to_string(), "YUYV 640x480");
        let rate = given(Some(30000.0 / 1001.0)).to_string();
        assert_eq!(rate, "YUYV 640x480 at 29.97 frames a second");
    }
}
