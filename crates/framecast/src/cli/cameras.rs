//! `framecast cameras`: what is plugged in, as a table.

use std::fmt;

use crate::web::api::{
    ControlKindView, ControlView, DeviceFormatView, DeviceSizeView, DevicesView, ModuleView,
};

/// Shows the devices to a person.
pub(super) struct Table<'a>(pub(super) &'a DevicesView);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (devices, modules) = (&self.0.devices, &self.0.modules);
        if devices.is_empty() && modules.is_empty() {
            writeln!(f, "no camera is plugged in")?;
        }
        if let Some(error) = &self.0.modules_error {
            writeln!(f, "camera modules can't be listed: {error}")?;
        }
        for (number, module) in modules.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            listed(f, module)?;
        }
        for (number, device) in devices.iter().enumerate() {
            if number + modules.len() > 0 {
                writeln!(f)?;
            }
            if let Some(error) = &device.error {
                writeln!(f, "{}\n  {error}", device.path)?;
                continue;
            }
            writeln!(f, "{}  {}", device.path, device.card)?;
            writeln!(f, "  source    {}", device.source)?;
            for (label, name) in [
                ("by id", &device.by_id),
                ("by path", &device.by_path),
                ("serial", &device.serial),
            ] {
                if let Some(name) = name {
                    writeln!(f, "  {label:<8}  {name}")?;
                }
            }
            writeln!(f, "  driver    {} at {}", device.driver, device.bus)?;
            let (usable, other): (Vec<_>, Vec<_>) = device.formats.iter().partition(|f| f.usable);
            for format in usable {
                show(f, format)?;
            }
            if !other.is_empty() {
                let names: Vec<&str> = other.iter().map(|o| o.format.as_str()).collect();
                writeln!(f, "  unusable  {}", names.join(" "))?;
            }
            for control in &device.controls {
                turned(f, control)?;
            }
        }
        Ok(())
    }
}

/// A camera module, with the ways in which its sensor can be read.
fn listed(f: &mut fmt::Formatter<'_>, module: &ModuleView) -> fmt::Result {
    write!(f, "{}  {}", module.source, module.model)?;
    if let Some(size) = module.size {
        write!(f, " {}x{}", size.width, size.height)?;
    }
    writeln!(
        f,
        "\n  source    {}\n  at        {}",
        module.source, module.id
    )?;
    for mode in &module.modes {
        write!(
            f,
            "  {:<15} {}x{}",
            mode.format, mode.size.width, mode.size.height
        )?;
        match mode.fps {
            Some(fps) => writeln!(f, " at up to {fps}")?,
            None => writeln!(f)?,
        }
    }
    Ok(())
}

fn show(f: &mut fmt::Formatter<'_>, format: &DeviceFormatView) -> fmt::Result {
    writeln!(f, "  {:<8}  {}", format.format, format.about)?;
    for size in &format.sizes {
        writeln!(f, "            {}", sized(size))?;
    }
    Ok(())
}

/// As in `640x480 at 15, 30`.
fn sized(size: &DeviceSizeView) -> String {
    let mut text = format!("{}x{}", size.size.width, size.size.height);
    if let Some(most) = size.up_to {
        text += &format!(" to {}x{}", most.width, most.height);
    }
    let rates: Vec<String> = size.fps.iter().map(f64::to_string).collect();
    if !rates.is_empty() {
        let between = if size.any_fps_between { " to " } else { ", " };
        text += &format!(" at {}", rates.join(between));
    }
    text
}

/// As in `brightness  128  (0 to 255, usually 128)`.
fn turned(f: &mut fmt::Formatter<'_>, control: &ControlView) -> fmt::Result {
    let value = control.value.map_or_else(String::new, |v| v.to_string());
    write!(f, "  control   {:<32} {value:>6}", control.name)?;
    let (least, most, default) = (control.least, control.most, control.default);
    match control.kind {
        ControlKindView::Button => write!(f, "  (a button)")?,
        ControlKindView::Menu => {
            let items = control.menu.iter();
            let items: Vec<String> = items.map(|i| format!("{} {}", i.value, i.about)).collect();
            write!(f, "  ({}; usually {default})", items.join(", "))?;
        }
        _ => write!(f, "  ({least} to {most}, usually {default})")?,
    }
    if control.read_only {
        write!(f, " read only")?;
    }
    if control.inactive {
        write!(f, " without effect now")?;
    }
    writeln!(f)
}
