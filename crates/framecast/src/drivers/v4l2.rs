//! `v4l2:DEVICE`: a USB or built-in camera, by the crate `framecast-v4l2`.

use framecast_camera::{Error, ErrorKind, Result};
use framecast_v4l2::{V4l2, Wish};

use super::{Request, Scheme};

pub(super) fn scheme() -> Scheme {
    Scheme::new(
        "v4l2",
        "a USB or built-in camera: v4l2: for the first, or v4l2:/dev/video0, v4l2:SERIAL, v4l2:NAME of /dev/v4l/by-id",
        |request| {
            let wish = Wish {
                size: request.size,
                fps: request.fps,
                format: option(request, "format")?,
            };
            let input = option(request, "input")?;
            Ok(V4l2::with_input(request.source.rest(), wish, input))
        },
    )
    .options(&[
        ("format", "this pixel format and no other, as in MJPG or YUYV"),
        ("input", "the number of the input of a grabber with several"),
    ])
}

/// The value of an option, if it is there.
fn option<T>(request: &Request, name: &str) -> Result<Option<T>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let Some(text) = request.options.get(name) else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|error| Error::new(ErrorKind::Invalid, format!("`{name}={text}`: {error}")))
}
