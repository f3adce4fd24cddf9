//! One segment's file while it is written.
//!
//! What does not belong here: when one ends and another begins (`writer`).

use std::{
    fs::{self, File, OpenOptions},
    io::{self, IoSlice, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use framecast_media::matroska::{self, Codec, Head, Muxer, Patch, Track};

use super::{
    clock,
    error::Error,
    model::{Picture, Segment},
    table::Table,
};

/// The names under which a file says of itself what the index knows, so that the index can be made anew from the files.
pub(super) mod tag {
    pub(in super::super) const CAMERA: &str = "FRAMECAST_CAMERA";
    pub(in super::super) const SEGMENT: &str = "FRAMECAST_SEGMENT";
    pub(in super::super) const RUN: &str = "FRAMECAST_RUN";
    pub(in super::super) const PART: &str = "FRAMECAST_PART";
    pub(in super::super) const BOOT: &str = "FRAMECAST_BOOT";
    pub(in super::super) const MONOTONIC: &str = "FRAMECAST_MONOTONIC";
}

/// The one track there is.
const TRACK: u8 = 1;

/// What writes files: itself and its version.
const APP: &str = concat!("framecast ", env!("CARGO_PKG_VERSION"));

/// A file that grows.
#[derive(Debug)]
pub(super) struct Growing {
    file: File,
    path: PathBuf,
    muxer: Muxer,
    segment: Segment,
    table: Arc<Table>,
    dirty: bool,
}

impl Growing {
    /// Begins the file of a segment below `root`. The segment's path is chosen here.
    pub(super) fn create(root: &Path, mut segment: Segment) -> Result<Self, Error> {
        let (day, name) = clock::names(segment.start);
        let below = format!("{}/{day}", segment.camera);
        let folder = root.join(&below);
        fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        // A clock that was set back leads to names that are taken.
        let mut number = 1;
        let (file, path) = loop {
            let name = match number {
                1 => format!("{name}.mkv"),
                _ => format!("{name}-{number}.mkv"),
            };
            let path = folder.join(&name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    segment.path = format!("{below}/{name}");
                    break (file, path);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => {
                    number += 1;
                }
                Err(error) => return Err(Error::file(path)(error)),
            }
        };
        let (muxer, bytes) = Muxer::new(&head(&segment));
        let growing = Self {
            file,
            path,
            muxer,
            segment,
            table: Arc::new(Table::growing()),
            dirty: true,
        };
        growing.begin(&bytes, &folder).inspect_err(|_| {
            // Nothing is lost with it, and on a full disk it would be in the way.
            let _gone = fs::remove_file(&growing.path);
        })?;
        Ok(growing)
    }

    fn begin(&self, head: &[u8], folder: &Path) -> Result<(), Error> {
        (&self.file)
            .write_all(head)
            .map_err(Error::file(&self.path))?;
        // The names of the file and of its folder must survive a power cut too.
        let named = [Some(folder), folder.parent()];
        for folder in named.into_iter().flatten() {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(Error::file(folder))?;
        }
        Ok(())
    }

    /// Writes one more picture, `time` after the first.
    pub(super) fn write(&mut self, picture: &Picture, time: Duration) -> Result<(), Error> {
        let len = u32::try_from(picture.jpeg.len())
            .map_err(|_| Error::file(&self.path)(io::ErrorKind::FileTooLarge.into()))?;
        // Two pictures at the same tick would be one to a player.
        let earliest = match self.segment.frames {
            0 => 0,
            _ => self.table.last() + 1,
        };
        let ticks = matroska::ticks(time).max(earliest);
        let lead = self.muxer.frame(TRACK, ticks, true, len);
        self.dirty = true;
        let written = write_both(&mut self.file, &lead.bytes, &picture.jpeg).and_then(|()| {
            match &lead.patch {
                Some(patch) => self.file.write_all_at(&patch.bytes, patch.at),
                None => Ok(()),
            }
        });
        written.map_err(Error::file(&self.path))?;
        self.segment.frames += 1;
        self.segment.bytes = self.muxer.len();
        self.segment.length = matroska::time(ticks);
        self.table.push(lead.cue, self.muxer.len());
        Ok(())
    }

    /// Sees to it that what was written survives a power cut.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.dirty) {
            self.file.sync_data().map_err(Error::file(&self.path))?;
        }
        Ok(())
    }

    /// Makes a complete file of it.
    pub(super) fn finish(mut self) -> Result<Segment, Error> {
        let cues = self.table.cues();
        let duration = duration(self.table.last(), self.segment.frames);
        self.segment.bytes = complete(&self.file, &self.muxer.finish(&cues, duration))
            .map_err(Error::file(&self.path))?;
        self.segment.finished = true;
        self.table.close();
        Ok(self.segment)
    }

    /// Gives it up where it stands: what is whole of it is found by `repair`.
    pub(super) fn abandon(self) -> Segment {
        self.table.close();
        self.segment
    }

    pub(super) fn segment(&self) -> &Segment {
        &self.segment
    }

    pub(super) fn table(&self) -> &Arc<Table> {
        &self.table
    }
}

/// Writes what makes a file complete, and says how long it is then.
pub(super) fn complete(file: &File, patches: &[Patch]) -> io::Result<u64> {
    for patch in patches {
        file.write_all_at(&patch.bytes, patch.at)?;
    }
    file.sync_data()?;
    Ok(file.metadata()?.len())
}

/// How long a segment is in ticks: its last picture is shown for as long as the others.
pub(super) fn duration(last: u64, frames: u64) -> u64 {
    last + last / frames.saturating_sub(1).max(1)
}

/// One call for both, as long as the system takes them whole.
fn write_both(file: &mut File, lead: &[u8], jpeg: &[u8]) -> io::Result<()> {
    let mut written = loop {
        match file.write_vectored(&[IoSlice::new(lead), IoSlice::new(jpeg)]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => break written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    };
    for part in [lead, jpeg] {
        let skip = written.min(part.len());
        written -= skip;
        file.write_all(&part[skip..])?;
    }
    Ok(())
}

fn head(segment: &Segment) -> Head {
    let tags = [
        (tag::CAMERA, segment.camera.to_string()),
        (tag::SEGMENT, segment.id.to_string()),
        (tag::RUN, segment.run.to_string()),
        (tag::PART, segment.part.to_string()),
        (tag::BOOT, segment.boot.clone()),
        (tag::MONOTONIC, segment.monotonic.as_nanos().to_string()),
    ];
    Head {
        uuid: uuid(segment),
        start: clock::nanos(segment.start),
        title: segment.camera.to_string(),
        app: APP.to_owned(),
        tracks: vec![Track {
            number: TRACK,
            codec: Codec::Mjpeg,
            width: segment.size.width,
            height: segment.size.height,
        }],
        tags: tags
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    }
}

/// What no other segment has, of this machine or another: the moment of its start on two clocks, and its number.
fn uuid(segment: &Segment) -> [u8; 16] {
    let mut uuid = [0; 16];
    let moment = clock::nanos(segment.start).cast_unsigned();
    let other = segment.monotonic.as_nanos() as u64 ^ segment.id.rotate_left(48);
    uuid[..8].copy_from_slice(&moment.to_be_bytes());
    uuid[8..].copy_from_slice(&other.to_be_bytes());
    uuid
}

/// What a file says of itself; `None` if it is no recording of ours.
pub(super) fn of_head(head: &Head, path: &str) -> Option<Segment> {
    let number = |name| head.tag(name)?.parse::<u64>().ok();
    let track = head.tracks.first()?;
    let is_plain = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        text.chars().all(plain)
    };
    // A file lies where its camera's files lie, and what it says goes into lists.
    let camera = head.tag(tag::CAMERA).filter(|camera| is_plain(camera))?;
    if path.split('/').next() != Some(camera) || !path.split('/').all(is_plain) {
        return None;
    }
    Some(Segment {
        id: number(tag::SEGMENT)?,
        camera: camera.into(),
        run: number(tag::RUN)?,
        part: head.tag(tag::PART)?.parse().ok()?,
        start: clock::time(head.start),
        monotonic: Duration::from_nanos(number(tag::MONOTONIC)?),
        boot: head.tag(tag::BOOT).filter(|it| is_plain(it))?.to_owned(),
        length: Duration::ZERO,
        frames: 0,
        bytes: 0,
        size: framecast_camera::Size::new(track.width, track.height),
        path: path.to_owned(),
        finished: false,
    })
}
