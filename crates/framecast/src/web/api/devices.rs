//! `/api/v1/devices`: what is plugged in.

use std::sync::Mutex;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use framecast_camera::{Error, ErrorKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::{controls::ControlView, types::SizeView};
use crate::drivers::{
    pi,
    v4l2::{Listed, ListedSize, Rates, devices},
};

/// All cameras that are plugged into this machine.
#[derive(Debug, Serialize, ToSchema)]
pub struct DevicesView {
    /// In the order of their device nodes.
    pub devices: Vec<DeviceView>,
    /// Camera modules of a Raspberry Pi; empty where no program for them is installed.
    pub modules: Vec<ModuleView>,
    /// Why the camera modules can't be listed, if so.
    pub modules_error: Option<String>,
}

/// A camera module at a Raspberry Pi's camera connector.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModuleView {
    /// The source to write for it.
    pub source: String,
    /// What sensor it is, as in `imx708`.
    pub model: String,
    /// All its pixels.
    pub size: Option<SizeView>,
    /// Where it is connected, by libcamera's name for that.
    pub id: String,
    /// In what ways the sensor can be read; pictures of any smaller size are made of that.
    pub modes: Vec<ModeView>,
}

/// A way in which a sensor can be read.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModeView {
    /// Its pixels, by libcamera's name for the format.
    pub format: String,
    /// The size.
    pub size: SizeView,
    /// The most frames a second, where the program tells.
    pub fps: Option<f64>,
}

/// A camera that is plugged in, whether it is shown or not.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceView {
    /// Its device node, which may be another after the next start.
    pub path: String,
    /// The source to write for it: by a name that lasts, where it has one.
    pub source: String,
    /// Its link by maker, model and serial number.
    pub by_id: Option<String>,
    /// Its link by the port that it is plugged into.
    pub by_path: Option<String>,
    /// Its USB serial number.
    pub serial: Option<String>,
    /// What its driver calls it.
    pub card: String,
    /// The kernel's driver.
    pub driver: String,
    /// Where it is plugged in.
    pub bus: String,
    /// Why it can't be asked, if so; all that follows is empty then.
    pub error: Option<String>,
    /// Its pixel formats.
    pub formats: Vec<DeviceFormatView>,
    /// What can be turned on it.
    pub controls: Vec<ControlView>,
}

/// A pixel format of a camera.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceFormatView {
    /// Its name of four characters.
    pub format: String,
    /// The driver's words for it.
    pub about: String,
    /// Whether framecast can use it.
    pub usable: bool,
    /// Its sizes; empty if the driver doesn't say.
    pub sizes: Vec<DeviceSizeView>,
}

/// A size of a pixel format.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceSizeView {
    /// The size; the smallest, where there is a range.
    pub size: SizeView,
    /// The largest size of a range.
    pub up_to: Option<SizeView>,
    /// Frames a second; the least and the most, where there is a range.
    pub fps: Vec<f64>,
    /// Whether all rates between those two can be had.
    pub any_fps_between: bool,
}

/// The cameras that are plugged into this machine, each with its names, formats, sizes, rates and controls.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices",
    responses((status = 200, description = "What is plugged in", body = DevicesView)))]
pub(super) async fn list() -> Response {
    // Opening a device may take a while.
    match tokio::task::spawn_blocking(DevicesView::now).await {
        Ok(devices) => Json(devices).into_response(),
        Err(_panicked) => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl DevicesView {
    /// What is plugged in at the moment. Waits for the devices to answer.
    pub fn now() -> Self {
        let view = |(path, listed): (std::path::PathBuf, framecast_camera::Result<Listed>)| {
            let path = path.display().to_string();
            match listed {
                Ok(listed) => DeviceView::of(path, listed),
                Err(error) => DeviceView::closed(path, error.to_string()),
            }
        };
        let (modules, modules_error) = match sensors() {
            Ok(sensors) => (sensors.into_iter().map(ModuleView::of).collect(), None),
            // No program for them: most machines are no Raspberry Pi.
            Err(error) if error.kind() == ErrorKind::Unsupported => (Vec::new(), None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        Self {
            devices: devices().into_iter().map(view).collect(),
            modules,
            modules_error,
        }
    }
}

/// The camera modules. A program has to be run for that, so it is asked once, and not by several at a time, however often
/// the list is wanted: modules come and go only while the machine is off.
fn sensors() -> framecast_camera::Result<Vec<pi::Sensor>> {
    static KNOWN: Mutex<Option<Vec<pi::Sensor>>> = Mutex::new(None);
    let Ok(mut known) = KNOWN.try_lock() else {
        let message = "they are being listed already: ask again in a moment";
        return Err(Error::new(ErrorKind::Busy, message));
    };
    match &*known {
        Some(sensors) => Ok(sensors.clone()),
        None => Ok(known.insert(pi::sensors(&pi::System::this())?).clone()),
    }
}

impl ModuleView {
    fn of(sensor: pi::Sensor) -> Self {
        let modes = sensor.modes.into_iter().map(|mode| ModeView {
            format: mode.format,
            size: SizeView::of(mode.size),
            fps: mode.fps,
        });
        Self {
            source: format!("pi:{}", sensor.index),
            model: sensor.model,
            size: sensor.size.map(SizeView::of),
            id: sensor.id,
            modes: modes.collect(),
        }
    }
}

impl DeviceView {
    fn of(path: String, listed: Listed) -> Self {
        let link = |path: Option<std::path::PathBuf>| path.map(|path| path.display().to_string());
        let (by_id, by_path) = (link(listed.names.by_id), link(listed.names.by_path));
        let lasting = by_id.as_ref().or(listed.names.serial.as_ref());
        let source = format!("v4l2:{}", lasting.or(by_path.as_ref()).unwrap_or(&path));
        let formats = listed.formats.into_iter().map(|format| DeviceFormatView {
            format: format.code.to_string(),
            about: format.about,
            usable: format.usable,
            sizes: format.sizes.into_iter().map(DeviceSizeView::of).collect(),
        });
        Self {
            path,
            source,
            by_id,
            by_path,
            serial: listed.names.serial,
            card: listed.card,
            driver: listed.driver,
            bus: listed.bus,
            error: None,
            formats: formats.collect(),
            controls: listed.controls.into_iter().map(ControlView::of).collect(),
        }
    }

    fn closed(path: String, error: String) -> Self {
        Self {
            source: format!("v4l2:{path}"),
            path,
            by_id: None,
            by_path: None,
            serial: None,
            card: String::new(),
            driver: String::new(),
            bus: String::new(),
            error: Some(error),
            formats: Vec::new(),
            controls: Vec::new(),
        }
    }
}

impl DeviceSizeView {
    fn of(listed: ListedSize) -> Self {
        let (fps, any_fps_between) = match listed.rates {
            Rates::Each(rates) => (rates, false),
            Rates::Range { least, most } => (vec![least, most], true),
        };
        let rounded = |fps: f64| (fps * 1000.0).round() / 1000.0;
        Self {
            size: SizeView::of(listed.size),
            up_to: (listed.most != listed.size).then(|| SizeView::of(listed.most)),
            fps: fps.into_iter().map(rounded).collect(),
            any_fps_between,
        }
    }
}
