//! `/api/v1/devices`: what is plugged in.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use framecast_camera::Size;
use serde::Serialize;
use utoipa::ToSchema;

use super::{controls::ControlView, types::SizeView};
use crate::drivers::v4l2::{Listed, ListedSize, Rates, devices};

/// All cameras that are plugged into this machine.
#[derive(Debug, Serialize, ToSchema)]
pub struct DevicesView {
    /// In the order of their device nodes.
    pub devices: Vec<DeviceView>,
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
        Self {
            devices: devices().into_iter().map(view).collect(),
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
        let view = |size: Size| SizeView {
            width: size.width,
            height: size.height,
        };
        let (fps, any_fps_between) = match listed.rates {
            Rates::Each(rates) => (rates, false),
            Rates::Range { least, most } => (vec![least, most], true),
        };
        let rounded = |fps: f64| (fps * 1000.0).round() / 1000.0;
        Self {
            size: view(listed.size),
            up_to: (listed.most != listed.size).then(|| view(listed.most)),
            fps: fps.into_iter().map(rounded).collect(),
            any_fps_between,
        }
    }
}
