//! `images:FOLDER`: the JPEG files of a folder, over and over.
//!
//! The folder is read again at each round, so files may come and go while the camera runs.

use std::{
    cmp::Ordering,
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
    vec,
};

use framecast_camera::{Camera, Error, ErrorKind, Frame, Frames, Result, Stop};

use super::{Scheme, pace::Pace, redact::shown};

const DEFAULT_FPS: f64 = 1.0;

pub(super) fn scheme() -> Scheme {
    Scheme::new(
        "images",
        "the JPEG files of a folder, in order, over and over: images:FOLDER",
        |request| {
            Ok(Images {
                folder: request.operand("FOLDER")?.into(),
                fps: request.fps.unwrap_or(DEFAULT_FPS),
            })
        },
    )
}

struct Images {
    folder: PathBuf,
    fps: f64,
}

impl Camera for Images {
    fn frames(&self) -> Frames {
        let (folder, fps) = (self.folder.clone(), self.fps);
        Frames::blocking(move |stop| {
            Ok(Show {
                round: listed(&folder)?.into_iter(),
                folder,
                pace: Pace::new(fps, Instant::now()),
                stop,
            })
        })
    }
}

/// One picture after the other.
struct Show {
    folder: PathBuf,
    round: vec::IntoIter<PathBuf>,
    pace: Pace,
    stop: Stop,
}

impl Iterator for Show {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pace.wait(&self.stop)?;
        // What is left of this round may all have vanished; a fresh one in which nothing is readable is the end.
        let rest = self.round.by_ref().find_map(|path| readable(&path));
        Some(rest.map_or_else(|| self.again(), Ok).map(Frame::jpeg))
    }
}

impl Show {
    /// The first picture of the next round.
    fn again(&mut self) -> Result<Vec<u8>> {
        self.round = listed(&self.folder)?.into_iter();
        self.round
            .by_ref()
            .find_map(|path| readable(&path))
            .ok_or_else(|| missing(&self.folder, "none of its JPEG files can be read"))
    }
}

fn readable(path: &Path) -> Option<Vec<u8>> {
    match fs::read(path) {
        // Somebody is only just writing it.
        Ok(bytes) if bytes.is_empty() => None,
        Ok(bytes) => Some(bytes),
        Err(error) => {
            tracing::debug!("{} is skipped: {error}", shown(path));
            None
        }
    }
}

/// The folder's JPEG files in natural order; at least one.
fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            io::ErrorKind::NotADirectory => ErrorKind::Invalid,
            _ => ErrorKind::Unavailable,
        };
        let shown = shown(folder);
        Error::new(kind, format!("the folder {shown} can't be read")).with_source(error)
    })?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_jpeg(path))
        .collect();
    if files.is_empty() {
        return Err(missing(folder, "no JPEG file is in it"));
    }
    files.sort_by(|a, b| natural(&name(a), &name(b)));
    Ok(files)
}

fn missing(folder: &Path, why: &str) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "the folder {} has nothing to show: {why} (it must end in .jpg or .jpeg)",
            shown(folder)
        ),
    )
}

fn is_jpeg(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("jpg") || extension.eq_ignore_ascii_case("jpeg")
    })
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// As a person sorts names: numbers by their value, `img2` before `img10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while let (Some(l), Some(r)) = (left.chars().next(), right.chars().next()) {
        let order = if l.is_ascii_digit() && r.is_ascii_digit() {
            let (x, y) = (take_number(&mut left), take_number(&mut right));
            // Without leading zeros the longer number is the larger.
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            left = &left[l.len_utf8()..];
            right = &right[r.len_utf8()..];
            l.cmp(&r)
        };
        if order.is_ne() {
            return order;
        }
    }
    // `7` and `07` are worth the same; any fixed order will do.
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Takes the digits that `text` starts with, and returns them without leading zeros.
fn take_number<'a>(text: &mut &'a str) -> &'a str {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    digits.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_in_names_sort_by_their_value() {
        let mut names = ["img10", "img2", "img02", "img", "a9b10", "a9b9", "img1x"];
        names.sort_by(|a, b| natural(a, b));
        let sorted = ["a9b9", "a9b10", "img", "img1x", "img02", "img2", "img10"];
        assert_eq!(names, sorted);
    }

    proptest! {
        #[test]
        fn the_order_of_names_is_an_order(a in "[a0-2é]{0,6}", b in "[a0-2é]{0,6}", c in "[a0-2é]{0,6}") {
            prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            prop_assert_eq!(natural(&a, &b).is_eq(), a == b);
            if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
                prop_assert!(natural(&a, &c).is_le());
            }
        }
    }
}
