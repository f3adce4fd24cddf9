//! Recordings as files to take away: any time of a camera as MP4 or as a ZIP archive of JPEGs, with the pictures as they were
//! recorded.
//!
//! A [`Selection`] says which pictures, without reading one: the tables of the segments have their times and lengths. An
//! [`Export`] is a selection in a form. Its length is known before its first byte, and any range of its bytes can be
//! written: all that is not in the range is counted and not made (`cut`). `mp4` and `zip` lay the bytes out.
//!
//! What is in memory does not grow with the pictures: a record for each segment, one picture, and checksums of up to a
//! million pictures of an archive; the rest are made again from the pictures.
//!
//! Everything here blocks for the disk.
//!
//! What does not belong here: HTTP and the command line, and what the bytes of a format mean (`framecast_media`).

mod cut;
mod mp4;
mod selection;
mod zip;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io,
    ops::Range,
    str::FromStr,
    time::SystemTime,
};

use bytes::Bytes;

use crate::recordings;
use cut::Cut;
pub use selection::{Archive, Selection, Wish};

/// Why something can't be exported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such picture.
    #[error("nothing of `{0}` was recorded in that time")]
    Nothing(String),
    /// It is more than one file should hold.
    #[error("that is too much for one file ({0}): export it in parts")]
    TooMuch(&'static str),
    /// A file is gone or another since the export began.
    #[error("the recording changed while it was exported: {0}")]
    Changed(String),
    /// The recordings can't be read.
    #[error(transparent)]
    Archive(#[from] recordings::Error),
    /// It can't be handed on.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Pictures a second of a video, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate(u32);

impl Default for Rate {
    /// 30 a second.
    fn default() -> Self {
        Self(30_000)
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rate = text.parse::<f64>().ok();
        match rate.filter(|rate| (0.1..=240.0).contains(rate)) {
            Some(rate) => Ok(Self((rate * 1000.0).round() as u32)),
            None => Err(format!(
                "`{text}` is no rate: write a number from 0.1 to 240"
            )),
        }
    }
}

/// What an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A video with the times at which the pictures were taken. Gaps are kept: the picture before stays for as long.
    Mp4,
    /// A video with a constant rate, whenever the pictures were taken.
    Lapse(Rate),
    /// An archive of JPEGs, each with the time in its name.
    Zip,
}

impl Form {
    /// What the name of a file of this form ends in, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp4 | Self::Lapse(_) => "mp4",
            Self::Zip => "zip",
        }
    }
}

/// A selection in a form.
#[derive(Clone, Debug)]
pub struct Export {
    selection: Selection,
    form: Form,
    len: u64,
}

impl Export {
    /// Lays it out.
    ///
    /// # Errors
    /// If it is too much for the form, or the recordings can't be read.
    pub fn new(selection: Selection, form: Form) -> Result<Self, Error> {
        let mut export = Self {
            selection,
            form,
            len: 0,
        };
        // Of an empty range everything is counted and nothing made.
        export.len = export.write_from(0..0, &mut |_| Ok(()))?;
        Ok(export)
    }

    /// Its bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none; never.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Pictures in it.
    pub fn pictures(&self) -> u64 {
        self.selection.pictures()
    }

    /// When its first picture was taken.
    pub fn start(&self) -> SystemTime {
        self.selection.start()
    }

    /// What no other export has that differs in a byte.
    pub fn tag(&self) -> String {
        let mut hash = DefaultHasher::new();
        (env!("CARGO_PKG_VERSION"), self.form, self.len).hash(&mut hash);
        self.selection.mark(&mut hash);
        format!("{:016x}", hash.finish())
    }

    /// Writes a range of its bytes, piece by piece.
    ///
    /// # Errors
    /// If the recordings can't be read or are not as they were, and what `out` says.
    pub fn write(
        &self,
        range: Range<u64>,
        out: &mut dyn FnMut(Bytes) -> io::Result<()>,
    ) -> Result<(), Error> {
        self.write_from(range, out)?;
        Ok(())
    }

    fn write_from(
        &self,
        range: Range<u64>,
        out: &mut dyn FnMut(Bytes) -> io::Result<()>,
    ) -> Result<u64, Error> {
        let mut cut = Cut::new(range, out);
        match self.form {
            Form::Mp4 => mp4::write(&self.selection, None, &mut cut)?,
            Form::Lapse(rate) => mp4::write(&self.selection, Some(rate.0), &mut cut)?,
            Form::Zip => zip::write(&self.selection, &mut cut)?,
        }
        cut.finish()
    }
}
