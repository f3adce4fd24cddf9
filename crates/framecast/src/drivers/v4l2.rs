//! `v4l2:DEVICE`: a USB or built-in camera, by the crate `framecast-v4l2`.

use framecast_camera::{Result, Setting};
use framecast_v4l2::{Setup, V4l2, Wish};

pub(crate) use framecast_v4l2::{Listed, ListedSize, Rates, devices};

use super::{Request, Scheme, request::parse};

pub(super) fn scheme() -> Scheme {
    Scheme::new(
        "v4l2",
        "a USB or built-in camera: v4l2: for the first, or v4l2:/dev/video0, v4l2:SERIAL, v4l2:NAME of /dev/v4l/by-id",
        |request| {
            let wish = Wish {
                size: request.size,
                fps: request.fps,
                format: request.option("format")?,
            };
            let setup = Setup {
                input: request.option("input")?,
                controls: controls(request)?,
            };
            Ok(V4l2::with(request.source.rest(), wish, setup))
        },
    )
    .options(&[
        (
            "controls",
            "set these at each opening, as in `brightness=10 focus_auto=off`; `framecast cameras` has the names",
        ),
        ("format", "this pixel format and no other, as in MJPG or YUYV"),
        ("input", "the number of the input of a grabber with several"),
    ])
}

/// The settings, separated by spaces.
fn controls(request: &Request) -> Result<Vec<Setting>> {
    let text = request.options.get("controls");
    let words = text.into_iter().flat_map(|text| text.split_whitespace());
    words.map(|word| parse("controls", word)).collect()
}
