//! Kinds of camera that are known by name but have no driver in this version, so that asking for one gets a straight answer.

use std::sync::Arc;

use framecast_camera::{Error, ErrorKind};

use super::Scheme;

/// Each with its one line, and what serves instead.
const ABSENT: [(&str, &str, &str); 1] = [(
    "opencv",
    "a camera that OpenCV opens (no driver yet)",
    "run a Python script that writes JPEGs with `exec:`",
)];

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
