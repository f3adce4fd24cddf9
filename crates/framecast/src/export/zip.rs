//! An archive of a selection's pictures.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use framecast_media::zip::{self, Entry};
use tz::UtcDateTime;

use super::{
    Error,
    cut::Cut,
    selection::{self, Part, Selection},
};
use crate::recordings::Contents;

/// Checksums that are kept for the directory: 4 MiB.
const KEPT: usize = 1 << 20;
/// All names have the same length.
const NAME: usize = "000000000_2026-11-20T19-23-42.1234Z.jpg".len();

/// Checksums of pictures whose numbers follow each other.
#[derive(Default)]
struct Checksums {
    first: u64,
    values: Vec<u32>,
}

impl Checksums {
    fn keep(&mut self, number: u64, crc: u32) {
        if self.values.is_empty() {
            self.first = number;
        }
        if self.values.len() < KEPT && number == self.first + self.values.len() as u64 {
            self.values.push(crc);
        }
    }

    fn find(&self, number: u64) -> Option<u32> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.values.get(index).copied()
    }
}

/// Writes an archive.
pub(super) fn write(selection: &Selection, cut: &mut Cut<'_>) -> Result<(), Error> {
    let mut checksums = Checksums::default();
    for part in selection.parts() {
        if !cut.pass(files_len(part)) {
            files(selection, part, &mut checksums, cut)?;
        }
    }
    let directory = cut.at();
    let mut at = 0;
    for part in selection.parts() {
        let next = at + files_len(part);
        // Its headers are all alike but where 32 bits come to their end.
        let headers = part.pictures * zip::central_len(NAME, at);
        let is_even = zip::is_small(at) == zip::is_small(next);
        if !(is_even && cut.pass(headers)) {
            headers_of(selection, part, at, &checksums, cut)?;
        }
        at = next;
    }
    let len = cut.at() - directory;
    cut.put(&zip::end(selection.pictures(), directory, len))
}

/// Bytes of a part's pictures with what stands before each.
fn files_len(part: &Part) -> u64 {
    part.bytes + part.pictures * zip::local_len(NAME)
}

fn files(
    selection: &Selection,
    part: &Part,
    checksums: &mut Checksums,
    cut: &mut Cut<'_>,
) -> Result<(), Error> {
    let contents = selection.open(part)?;
    for entry in selection.entries(part, &contents) {
        cut.make(zip::local_len(NAME) + entry.len, || {
            let jpeg = entry.read(&contents)?;
            let crc = zip::crc(&jpeg);
            checksums.keep(entry.number, crc);
            let mut file = BytesMut::from(&*named(&entry, crc, zip::local));
            file.extend_from_slice(&jpeg);
            Ok(file.freeze())
        })?;
    }
    Ok(())
}

fn headers_of(
    selection: &Selection,
    part: &Part,
    mut at: u64,
    checksums: &Checksums,
    cut: &mut Cut<'_>,
) -> Result<(), Error> {
    let contents = selection.open(part)?;
    for entry in selection.entries(part, &contents) {
        cut.make(zip::central_len(NAME, at), || {
            let crc = match checksums.find(entry.number) {
                Some(crc) => crc,
                None => read_crc(&entry, &contents)?,
            };
            Ok(Bytes::from(named(&entry, crc, |it| zip::central(it, at))))
        })?;
        at += zip::local_len(NAME) + entry.len;
    }
    Ok(())
}

fn read_crc(entry: &selection::Entry, contents: &Contents) -> Result<u32, Error> {
    Ok(zip::crc(&entry.read(contents)?))
}

/// A header of a picture that is named by its number and its time.
fn named(
    entry: &selection::Entry,
    crc: u32,
    header: impl FnOnce(&Entry<'_>) -> Vec<u8>,
) -> Vec<u8> {
    let (day, time, changed) = date(entry.at);
    let name = format!("{:09}_{day}T{time}Z.jpg", entry.number + 1);
    header(&Entry {
        name: &name,
        changed,
        crc,
        len: entry.len as u32,
    })
}

/// The day, the time to a tenth of a millisecond, and what ZIP has for it, which begins with 1980.
fn date(at: SystemTime) -> (String, String, [u8; 6]) {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let parts = i64::try_from(since.as_secs())
        .ok()
        .and_then(|seconds| UtcDateTime::from_timespec(seconds, 0).ok())
        .map(|it| {
            (
                it.year(),
                [
                    it.month(),
                    it.month_day(),
                    it.hour(),
                    it.minute(),
                    it.second(),
                ],
            )
        });
    // What is no date has no clock behind it.
    let (year, [month, day, hour, minute, second]) = parts.unwrap_or((1970, [1, 1, 0, 0, 0]));
    let fraction = since.subsec_micros() / 100;
    let since_1980 = u8::try_from(year - 1980).unwrap_or_default().min(127);
    (
        format!("{:04}-{month:02}-{day:02}", year.clamp(0, 9999)),
        format!("{hour:02}-{minute:02}-{second:02}.{fraction:04}"),
        [since_1980, month, day, hour, minute, second],
    )
}
