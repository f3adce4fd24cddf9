//! Kinds of camera that are known by name but have no driver in this version, so that asking for one gets a straight answer.

use std::sync::Arc;

use framecast_camera::{Error, ErrorKind};

use super::Scheme;

/// Each with its one line, and what serves instead.
const ABSENT: [(&str, &str, &str); 3] = [
    (
        "opencv",
        "a camera that OpenCV opens (no driver yet)",
        "run a Python script that writes JPEGs with `exec:`",
    ),
    (
        "pi",
        "a Raspberry Pi camera (no driver yet)",
        "use `exec:rpicam-vid --codec mjpeg -t 0 -n -o -`",
    ),
    (
        "screen",
        "this machine's screen (no driver yet)",
        "use `exec:ffmpeg -f x11grab -i :0 -c:v mjpeg -f mpjpeg -`",
    ),
];

pub(super) fn schemes() -> impl Iterator<Item = Scheme> {
    ABSENT.into_iter().map(|(name, about, instead)| Scheme {
        name,
        about,
        options: &[],
        remote: false,
        encodes: false,
        make: Arc::new(move |_| {
            Err(Error::new(
                ErrorKind::Unsupported,
                format!("this version has no `{name}` driver yet: {instead}"),
            ))
        }),
    })
}
