//! Controls: brightness, exposure, focus and whatever else a device lets one turn.
//!
//! Source: <https://docs.kernel.org/userspace-api/media/v4l/control.html>

use std::{fmt, os::fd::AsFd, path::Path, str::FromStr};

use framecast_camera::{Error, ErrorKind, Result};

use crate::{
    device::Device,
    kernel::{Plain, abi, call, text},
    trouble,
};

/// No driver has more than that; one that never stops listing must not hold us up.
const MOST_LISTED: usize = 1000;

/// Something that can be turned, and how it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// The kernel's number for it.
    pub(crate) id: u32,
    /// Its name for settings, as in `focus_absolute`.
    pub name: String,
    /// The driver's words for it, as in `Focus, Absolute`.
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

/// Turns a control of the device at `path`, which may be in use meanwhile.
///
/// # Errors
/// Those of opening the device; [`ErrorKind::Invalid`] for a name or a value that it doesn't have.
pub fn set(path: &Path, setting: &Setting) -> Result<()> {
    Device::open(path)?.set(setting)
}

impl Device {
    /// The controls that it has, in the kernel's order. Those whose value is no number are left out.
    pub(crate) fn controls(&self) -> Vec<Control> {
        let mut controls = Vec::new();
        let mut last = 0;
        while controls.len() < MOST_LISTED {
            let mut query = abi::ControlQuery {
                id: last | abi::CTRL_FLAG_NEXT,
                ..abi::ControlQuery::zero()
            };
            // A driver that doesn't count up would be asked for ever.
            if call::query_control(self.as_fd(), &mut query).is_err() || query.id <= last {
                break;
            }
            last = query.id;
            controls.extend(self.control(&query));
        }
        controls
    }

    fn control(&self, query: &abi::ControlQuery) -> Option<Control> {
        let kind = match query.kind {
            abi::CTRL_INTEGER => ControlKind::Number,
            abi::CTRL_BOOLEAN => ControlKind::Switch,
            abi::CTRL_MENU | abi::CTRL_INTEGER_MENU => ControlKind::Menu,
            abi::CTRL_BUTTON => ControlKind::Button,
            abi::CTRL_BITMASK => ControlKind::Bits,
            _ => return None,
        };
        if query.flags & abi::CTRL_FLAG_DISABLED != 0 {
            return None;
        }
        let about = text(&query.name);
        let mut value = abi::ControlValue {
            id: query.id,
            value: 0,
        };
        let readable =
            kind != ControlKind::Button && call::control(self.as_fd(), &mut value).is_ok();
        Some(Control {
            id: query.id,
            name: name(&about),
            about,
            kind,
            least: query.minimum,
            most: query.maximum,
            step: query.step,
            default: query.default_value,
            value: readable.then_some(i64::from(value.value)),
            menu: match kind {
                ControlKind::Menu => self.menu(query),
                _ => Vec::new(),
            },
            read_only: query.flags & abi::CTRL_FLAG_READ_ONLY != 0,
            inactive: query.flags & abi::CTRL_FLAG_INACTIVE != 0,
        })
    }

    /// The choices of a menu; those that the hardware lacks are left out.
    fn menu(&self, query: &abi::ControlQuery) -> Vec<(i64, String)> {
        let indices = query.minimum.max(0)..=query.maximum.min(MOST_LISTED as i64);
        indices
            .filter_map(|index| {
                let mut item = abi::MenuItem {
                    id: query.id,
                    index: u32::try_from(index).ok()?,
                    ..abi::MenuItem::zero()
                };
                call::query_menu(self.as_fd(), &mut item).ok()?;
                let label = item.name;
                let label = if query.kind == abi::CTRL_INTEGER_MENU {
                    let number = label.first_chunk().copied().unwrap_or_default();
                    i64::from_ne_bytes(number).to_string()
                } else {
                    text(&label)
                };
                Some((index, label))
            })
            .collect()
    }

    /// Turns a control.
    pub(crate) fn set(&self, setting: &Setting) -> Result<()> {
        let fault = |why: String| {
            let path = self.path().display();
            Error::new(
                ErrorKind::Invalid,
                format!("{path}: {setting} can't be set: {why}"),
            )
        };
        let controls = self.controls();
        let Some(control) = controls.iter().find(|c| c.name == setting.name) else {
            let names: Vec<&str> = controls.iter().map(|c| c.name.as_str()).collect();
            return Err(fault(format!("its controls are {}", names.join(", "))));
        };
        if control.read_only {
            return Err(fault("it can only be read".to_owned()));
        }
        let range = control.least..=control.most;
        let number = i32::try_from(setting.value).ok();
        let value = match number {
            Some(value)
                if control.kind == ControlKind::Button || range.contains(&setting.value) =>
            {
                value
            }
            _ => {
                let (least, most) = (control.least, control.most);
                return Err(fault(format!("it takes {least} to {most}")));
            }
        };
        let mut wanted = abi::ControlValue {
            id: control.id,
            value,
        };
        call::set_control(self.as_fd(), &mut wanted)
            .map_err(|error| trouble::starting(self.path(), &format!("set {setting}"), error))
    }
}

/// A name for settings: lower case, words joined by `_`, as `v4l2-ctl` has them.
fn name(about: &str) -> String {
    let mut name = String::new();
    for c in about.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.ends_with('_') && !name.is_empty() {
            name.push('_');
        }
    }
    name.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_is_named_as_v4l2_ctl_names_it() {
        assert_eq!(name("Brightness"), "brightness");
        assert_eq!(name("Focus, Absolute"), "focus_absolute");
        assert_eq!(name("White Balance (Auto)"), "white_balance_auto");
    }

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
