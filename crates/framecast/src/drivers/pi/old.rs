//! The camera module by the driver `bcm2835-v4l2`, of systems that have no program for it.
//!
//! Source: the controls of <https://github.com/raspberrypi/linux/blob/rpi-6.1.y/drivers/staging/vc04_services/bcm2835-camera/controls.c>

use std::path::Path;

use framecast_camera::Setting;
use framecast_v4l2::{Setup, V4l2, Wish};

use super::{DEFAULT_FPS, DEFAULT_QUALITY, DEFAULT_SIZE};
use crate::drivers::Request;

/// The camera at this node, as it is asked for.
pub(super) fn camera(node: &Path, request: &Request) -> V4l2 {
    let (controls, unknown) = controls(request);
    if !unknown.is_empty() {
        let options = unknown.join(", ");
        tracing::warn!(
            camera = %request.name,
            "the old camera driver knows no {options}: turn what it has on the camera's page"
        );
    }
    let wish = Wish {
        size: Some(request.size.unwrap_or(DEFAULT_SIZE)),
        fps: Some(request.fps.unwrap_or(DEFAULT_FPS)),
        format: None,
    };
    let setup = Setup {
        input: None,
        controls,
    };
    V4l2::with(node.to_string_lossy(), wish, setup)
}

/// What is asked for as the driver's controls, and the options that it has none for.
fn controls(request: &Request) -> (Vec<Setting>, Vec<&str>) {
    let setting = |name: &str, value| Setting {
        name: name.to_owned(),
        value,
    };
    let quality = request.quality.unwrap_or(DEFAULT_QUALITY);
    let mut controls = vec![setting("compression_quality", i64::from(quality))];
    let mut unknown = Vec::new();
    for (option, value) in &request.options {
        let on = || i64::from(request.switch(option).unwrap_or_default());
        match option.as_str() {
            "hflip" => controls.push(setting("horizontal_flip", on())),
            "vflip" => controls.push(setting("vertical_flip", on())),
            "rotation" => controls.push(setting("rotate", value.parse().unwrap_or_default())),
            other => unknown.push(other),
        }
    }
    (controls, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_controls_where_the_old_driver_has_them() {
        let mut request = Request::new("cam".to_owned(), "pi".parse().unwrap());
        for (option, value) in [("hflip", "true"), ("rotation", "180"), ("awb", "cloudy")] {
            request.options.insert(option.to_owned(), value.to_owned());
        }
        let (controls, unknown) = controls(&request);
        let controls: Vec<String> = controls.iter().map(ToString::to_string).collect();
        assert_eq!(
            controls,
            ["compression_quality=80", "horizontal_flip=1", "rotate=180"]
        );
        assert_eq!(unknown, ["awb"]);
    }
}
