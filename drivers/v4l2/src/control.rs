//! Controls: brightness, exposure, focus and whatever else a device lets one turn.
//!
//! Source: <https://docs.kernel.org/userspace-api/media/v4l/control.html>

use std::os::fd::AsFd;

use framecast_camera::{Control, ControlKind, Error, ErrorKind, Result, Setting};

use crate::{
    device::Device,
    kernel::{Plain, abi, call, text},
    trouble,
};

/// No driver has more than that; one that never stops listing must not hold us up.
const MOST_LISTED: usize = 1000;

impl Device {
    /// The controls that it has, in the kernel's order. Those whose value is no number are left out.
    pub(crate) fn controls(&self) -> Vec<Control> {
        let numbered = self.numbered_controls().into_iter();
        numbered.map(|(_number, control)| control).collect()
    }

    /// The same, each with the kernel's number for it.
    fn numbered_controls(&self) -> Vec<(u32, Control)> {
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
            controls.extend(self.control(&query).map(|control| (query.id, control)));
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
            name: name(&about),
            about,
            kind,
            least: query.minimum,
            most: query.maximum,
            step: query.step,
            default: query.default_value,
            value: readable.then_some(match kind {
                // All 32 of them, the highest included.
                ControlKind::Bits => i64::from(value.value.cast_unsigned()),
                _ => i64::from(value.value),
            }),
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
        let controls = self.numbered_controls();
        let Some((number, control)) = controls.iter().find(|(_, c)| c.name == setting.name) else {
            let names: Vec<&str> = controls.iter().map(|(_, c)| c.name.as_str()).collect();
            return Err(fault(format!("its controls are {}", names.join(", "))));
        };
        if control.read_only {
            return Err(fault("it can only be read".to_owned()));
        }
        let range = control.least..=control.most;
        let value = match i32::try_from(setting.value).ok() {
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
        let mut wanted = abi::ControlValue { id: *number, value };
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
}
