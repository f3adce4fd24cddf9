//! A registry of schemes that never open anything.

use std::sync::Arc;

use framecast::drivers::{Registry, Scheme};
use framecast_camera::{Camera, Error, ErrorKind, Frames};

struct Nothing;

impl Camera for Nothing {
    fn frames(&self) -> Frames {
        Frames::blocking(|_stop| Ok(std::iter::empty()))
    }
}

/// `test`, `http`, `images`, and `file` with the option `once`; `file:` without a path is invalid.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::default();
    for (name, about) in [
        ("test", "a test picture with a clock"),
        ("http", "a network camera"),
        ("images", "the pictures of a folder"),
        ("file", "a video file"),
    ] {
        registry.register(Scheme {
            name,
            about,
            options: match name {
                "file" => &[("once", "whether it ends in place of starting again")],
                _ => &[],
            },
            remote: name == "http",
            make: Arc::new(|request| {
                if request.source.expose() == "file:" {
                    return Err(Error::new(
                        ErrorKind::Invalid,
                        "there is no path behind `file:`",
                    ));
                }
                Ok(Arc::new(Nothing))
            }),
        });
    }
    registry
}
