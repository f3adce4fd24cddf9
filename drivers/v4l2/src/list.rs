//! What is plugged in, and what it can do.

use std::path::PathBuf;

use framecast_camera::{Control, Error, Result, Size};

use crate::{
    device::{Device, Rates},
    find::{Names, System},
    format::{FourCc, Sizes},
};

/// A device that pictures come from.
#[derive(Debug)]
pub struct Listed {
    /// Its node, as in `/dev/video0`: may be another tomorrow.
    pub path: PathBuf,
    /// Its names that last.
    pub names: Names,
    /// What the driver calls the hardware.
    pub card: String,
    /// The kernel's driver, as in `uvcvideo`.
    pub driver: String,
    /// Where it is plugged in, as in `usb-0000:00:14.0-1`.
    pub bus: String,
    /// Its pixel formats in the driver's order, usable or not.
    pub formats: Vec<ListedFormat>,
    /// What can be turned on it.
    pub controls: Vec<Control>,
}

/// A pixel format of a device.
#[derive(Debug)]
pub struct ListedFormat {
    /// Its name.
    pub code: FourCc,
    /// The driver's words for it.
    pub about: String,
    /// Whether framecast can use it.
    pub usable: bool,
    /// The sizes it comes in; empty if the driver doesn't say.
    pub sizes: Vec<ListedSize>,
}

/// A size of a pixel format, or a range of sizes.
#[derive(Debug)]
pub struct ListedSize {
    /// The size; the smallest of a range.
    pub size: Size,
    /// The largest of a range; the same for a single size.
    pub most: Size,
    /// The rates at that size; at the largest of a range.
    pub rates: Rates,
}

/// All cameras that are plugged in, in the order of their nodes: each with what it can do, or why it can't be asked.
/// Nodes that give no pictures are left out.
pub fn devices() -> Vec<(PathBuf, Result<Listed>)> {
    let system = System::default();
    let nodes = system.nodes().into_iter();
    nodes
        .filter_map(|path| match Device::open(&path) {
            Ok(device) => Some((path, Ok(listed(&system, &device)))),
            Err(error) if is_no_camera(&error) => None,
            Err(error) => Some((path, Err(error))),
        })
        .collect()
}

fn is_no_camera(error: &Error) -> bool {
    error.kind() == framecast_camera::ErrorKind::Invalid
}

fn listed(system: &System, device: &Device) -> Listed {
    let formats = device.formats().into_iter();
    Listed {
        path: device.path().to_owned(),
        names: system.names(device.path()),
        card: device.card.clone(),
        driver: device.driver.clone(),
        bus: device.bus.clone(),
        formats: formats
            .map(|(code, about)| ListedFormat {
                code,
                about,
                usable: code.is_known(),
                sizes: sizes(device, code),
            })
            .collect(),
        controls: device.controls(),
    }
}

fn sizes(device: &Device, code: FourCc) -> Vec<ListedSize> {
    match device.sizes(code) {
        None => Vec::new(),
        Some(Sizes::Range { least, most, .. }) => vec![ListedSize {
            size: least,
            most,
            rates: device.rates(code, most),
        }],
        Some(Sizes::Each(sizes)) => sizes
            .into_iter()
            .map(|size| ListedSize {
                size,
                most: size,
                rates: device.rates(code, size),
            })
            .collect(),
    }
}
