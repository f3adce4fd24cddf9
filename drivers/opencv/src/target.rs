//! What is to be opened, as a user writes it.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use framecast_camera::{Error, ErrorKind, Result};

/// A device, a file or an address. [`Display`](fmt::Display) hides nothing: what is shown to others is told to
/// [`OpenCv`](crate::OpenCv) apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The number of a camera: 0 is `/dev/video0`.
    Device(i32),
    /// A path: a video file, numbered pictures such as `img_%03d.png`, a device node.
    Path(PathBuf),
    /// What has a `://` in it.
    Address(String),
}

impl From<&str> for Target {
    /// Nothing is the first camera, a number that one; all else is an address or a path.
    fn from(text: &str) -> Self {
        if text.is_empty() {
            return Self::Device(0);
        }
        // `-1` and the like mean several things to OpenCV, and `+1` is more likely a file's name.
        let number = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number_of_it) if number => Self::Device(number_of_it),
            _ if text.contains("://") => Self::Address(text.to_owned()),
            _ => Self::Path(text.into()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(number) => write!(f, "{number}"),
            Self::Path(path) => path.display().fmt(f),
            Self::Address(address) => f.write_str(address),
        }
    }
}

impl Target {
    /// Whether it is a file of a certain length, which has a speed of its own and an end.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::Path(path) if path.is_file())
    }

    /// Whether there is such a path at all, which OpenCV does not tell. `shown` is how the user knows it.
    pub(crate) fn present(&self, shown: &str) -> Result<()> {
        let Self::Path(path) = self else {
            return Ok(());
        };
        // A pattern stands for many files.
        if path.as_os_str().as_encoded_bytes().contains(&b'%') {
            return Ok(());
        }
        // Looked at before it is opened: opening a pipe waits for its writer.
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "{shown} is a folder: name a video file, or its pictures as in {shown}/img_%03d.png"
                ),
            )),
            Ok(meta) if meta.is_file() => readable(path, shown),
            Ok(_) => Ok(()),
            Err(error) => Err(unreadable(shown, error)),
        }
    }

    /// Why OpenCV may have been unable to open it.
    pub(crate) fn refused(&self, shown: &str) -> Error {
        match self {
            Self::Device(number) => device(Path::new(&format!("/dev/video{number}"))),
            Self::Path(path) if path.starts_with("/dev") => device(path),
            Self::Path(_) => Error::new(
                ErrorKind::Invalid,
                format!(
                    "OpenCV can't play {shown}: it is no video, or a codec for it is not installed"
                ),
            ),
            Self::Address(_) => Error::new(
                ErrorKind::Unavailable,
                format!("OpenCV can't open {shown}: it can't be reached, or gives no video"),
            ),
        }
    }
}

fn readable(path: &Path, shown: &str) -> Result<()> {
    match fs::File::open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(unreadable(shown, error)),
    }
}

fn unreadable(shown: &str, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("{shown} can't be read")).with_source(error)
}

/// What is wrong with a device node that OpenCV can't use.
fn device(node: &Path) -> Error {
    let shown = node.display();
    let opened = fs::File::options().read(true).write(true).open(node);
    let (kind, message) = match opened.map_err(|error| error.kind()) {
        Err(io::ErrorKind::PermissionDenied) => (
            ErrorKind::Denied,
            format!(
                "{shown} may not be opened: add the user to the group `video` and log in again"
            ),
        ),
        Err(io::ErrorKind::ResourceBusy) => (
            ErrorKind::Busy,
            format!("{shown} is used by another program"),
        ),
        Err(_) => (
            ErrorKind::Unavailable,
            format!("there is no camera {shown}: `framecast cameras` lists what is plugged in"),
        ),
        Ok(_) => (
            ErrorKind::Busy,
            format!("OpenCV can't use {shown}: another program has it, or it gives no pictures"),
        ),
    };
    Error::new(kind, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_a_device_and_an_address_has_a_scheme() {
        for (text, target) in [
            ("", Target::Device(0)),
            ("0", Target::Device(0)),
            ("12", Target::Device(12)),
            ("-1", Target::Path("-1".into())),
            ("+1", Target::Path("+1".into())),
            ("99999999999", Target::Path("99999999999".into())),
            ("film.mp4", Target::Path("film.mp4".into())),
            ("/dev/video2", Target::Path("/dev/video2".into())),
            (
                "rtsp://cam/live",
                Target::Address("rtsp://cam/live".to_owned()),
            ),
        ] {
            assert_eq!(Target::from(text), target);
        }
    }

    #[test]
    fn what_is_wrong_with_a_path_is_told_by_its_kind() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().display().to_string();
        let kind = |text: &str| match Target::from(text).present("it") {
            Ok(()) => None,
            Err(error) => Some(error.kind()),
        };
        assert_eq!(kind(&folder), Some(ErrorKind::Invalid));
        assert_eq!(kind("/nowhere/film.mp4"), Some(ErrorKind::Unavailable));
        assert_eq!(kind("/nowhere/%d.png"), None);
        assert_eq!(kind("/dev/null"), None);
    }

    #[test]
    fn a_camera_that_is_not_there_is_told_from_one_that_can_t_be_used() {
        let gone = Target::Device(61).refused("61");
        assert_eq!(gone.kind(), ErrorKind::Unavailable);
        assert!(gone.to_string().contains("/dev/video61"), "{gone}");
        let other = Target::from("/dev/null").refused("/dev/null");
        assert_eq!(other.kind(), ErrorKind::Busy);
    }

    proptest! {
        #[test]
        fn any_text_is_a_target_that_reads_as_it_was_written(text in "[^\u{0}]+") {
            let number: Option<u32> = text.parse().ok();
            prop_assume!(number.is_none());
            prop_assert_eq!(Target::from(&*text).to_string(), text);
        }
    }
}
