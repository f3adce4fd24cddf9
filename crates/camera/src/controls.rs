//! Controls: brightness, exposure, focus and whatever else a camera lets one turn while it runs.

use std::{fmt, str::FromStr};

use crate::Result;

/// What can be turned on a camera, whether it is open or not.
///
/// Both calls may block for as long as the device takes to answer. What was set stays set: a camera that is unplugged and
/// comes back is set again when it is opened.
pub trait Controls: Send + Sync {
    /// All controls with their present values.
    ///
    /// # Errors
    /// If the device can't be asked.
    fn list(&self) -> Result<Vec<Control>>;

    /// Turns one.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a name or a value that the camera doesn't have; else why the
    /// device could not be reached.
    fn set(&self, setting: &Setting) -> Result<()>;
}

/// Something that can be turned, and how it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// Its name for settings, as in `focus_absolute`.
    pub name: String,
    /// The device's words for it, as in `Focus, Absolute`.
    pub about: String,
    /// What values it takes.
    pub kind: ControlKind,
    /// The lowest value.
    pub least: i64,
    /// The highest value.
    pub most: i64,
    /// What two neighbouring values differ by.
    pub step: u64,
    /// Where it stands unless someone turns it.
    pub default: i64,
    /// Where it stands now; `None` for a button and where it can't be read.
    pub value: Option<i64>,
    /// The choices of a menu: each value and its words.
    pub menu: Vec<(i64, String)>,
    /// It can be read only.
    pub read_only: bool,
    /// It has no effect just now, as the manual exposure while the automatic one is on.
    pub inactive: bool,
}

/// What values a control takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlKind {
    /// A number from a range.
    Number,
    /// 0 or 1.
    Switch,
    /// One of some choices.
    Menu,
    /// Does something when any value is set.
    Button,
    /// Several bits.
    Bits,
}

/// A control and the value that it is to get, as in `brightness=10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The control's [name](Control::name).
    pub name: String,
    /// The value.
    pub value: i64,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("`{text}` sets no control: write NAME=NUMBER, as in brightness=10");
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let value = match value {
            "on" | "true" | "yes" => 1,
            "off" | "false" | "no" => 0,
            number => number.parse().map_err(|_error| wrong())?,
        };
        if name.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            name: name.to_owned(),
            value,
        })
    }
}

/// As in `brightness=10`.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_name_and_a_number() {
        let setting: Setting = "pan_absolute=-3600".parse().unwrap();
        assert_eq!(setting.to_string(), "pan_absolute=-3600");
        assert_eq!("autofocus=off".parse::<Setting>().unwrap().value, 0);
        for wrong in ["", "brightness", "brightness=", "=1", "a=b"] {
            assert!(wrong.parse::<Setting>().is_err(), "{wrong}");
        }
    }
}
