//! What is in one segment, known without reading its pictures.

use std::{path::Path, time::SystemTime};

use framecast_media::matroska::{self, Cue};

use super::{
    cursor::{Open, Recorded},
    error::Error,
    model::Segment,
    store::Recordings,
};

/// The pictures of one segment: when each was taken and how long it is. The file stays open, so it can be read to its end
/// also when it is deleted meanwhile.
#[derive(Debug)]
pub struct Contents(Open);

impl Contents {
    /// Of a segment of a folder, whoever writes to it; `None` if its file makes no sense.
    ///
    /// # Errors
    /// If the file is gone or can't be read.
    pub fn in_folder(root: &Path, segment: &Segment) -> Result<Option<Self>, Error> {
        let open = Open::at(root.join(&segment.path), segment.clone(), None)?;
        Ok(open.map(Self))
    }

    /// Of a segment of a store; `None` if its file makes no sense.
    ///
    /// # Errors
    /// If the file is gone or can't be read.
    pub fn in_store(recordings: &Recordings, segment: &Segment) -> Result<Option<Self>, Error> {
        Ok(Open::of(recordings, segment.clone())?.map(Self))
    }

    /// Pictures that there are by now.
    pub fn len(&self) -> usize {
        self.0.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of the first picture that was taken at or after a time by the wall clock.
    pub fn at(&self, time: SystemTime) -> usize {
        let since = time.duration_since(self.0.segment.start);
        self.0.table.at(matroska::ticks(since.unwrap_or_default()))
    }

    /// When a picture was taken, in [ticks](matroska::TICK) since the start of the segment, and its bytes.
    pub fn picture(&self, index: usize) -> Option<(u64, u64)> {
        let place = self.0.table.place(index)?;
        Some((place.cue.time, len(&place.cue, place.before)))
    }

    /// Reads a picture; `None` if there is none where the table says.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn read(&self, index: usize) -> Result<Option<Recorded>, Error> {
        match self.0.table.place(index) {
            Some(place) => self.0.read(place, index),
            None => Ok(None),
        }
    }
}

fn len(cue: &Cue, end: u64) -> u64 {
    end.saturating_sub(cue.at).saturating_sub(matroska::LEAD)
}
