//! A video of a selection.

use framecast_media::{
    matroska::TICK,
    mp4::{Movie, Times},
};

use super::{
    Error,
    cut::Cut,
    selection::{Part, Selection},
};

/// Units of time in a second, where each picture has its own time.
const TICKS: u32 = (1_000_000_000 / TICK.as_nanos()) as u32;

/// Writes a video, with the times of the pictures or with a constant rate in thousandths of a picture a second.
pub(super) fn write(
    selection: &Selection,
    rate: Option<u32>,
    cut: &mut Cut<'_>,
) -> Result<(), Error> {
    let pictures = selection.pictures();
    // The last picture is shown for as long as the others.
    let last = selection.last()?;
    let tail = match pictures {
        1 => u64::from(TICKS),
        _ => (last / (pictures - 1)).max(1),
    };
    let movie = movie(selection, rate, last + tail);
    cut.put(&movie.head())?;
    if rate.is_none() && !cut.pass(movie.times_len()) {
        durations(selection, tail, cut)?;
    }
    cut.put(&movie.sizes_head())?;
    for part in selection.parts() {
        if !cut.pass(4 * part.pictures) {
            selection.each(part, |entry| cut.put(&(entry.len as u32).to_be_bytes()))?;
        }
    }
    cut.put(&movie.places_head())?;
    let mut place = movie.media_at();
    for part in selection.parts() {
        let next = place + part.bytes;
        if !cut.pass(8 * part.pictures) {
            selection.each(part, |entry| {
                cut.put(&place.to_be_bytes())?;
                place += entry.len;
                Ok(())
            })?;
        }
        place = next;
    }
    cut.put(&movie.media_head())?;
    for part in selection.parts() {
        if !cut.pass(part.bytes) {
            pictures_of(selection, part, cut)?;
        }
    }
    Ok(())
}

fn movie(selection: &Selection, rate: Option<u32>, duration: u64) -> Movie {
    let (pictures, size) = (selection.pictures(), selection.size());
    let taken = selection.start().duration_since(std::time::UNIX_EPOCH);
    Movie {
        width: size.width,
        height: size.height,
        timescale: rate.unwrap_or(TICKS),
        // A selection has fewer.
        pictures: u32::try_from(pictures).unwrap_or(u32::MAX),
        duration: rate.map_or(duration, |_| pictures * 1000),
        bytes: selection.bytes(),
        times: rate.map_or(Times::Each, |_| Times::Every(1000)),
        taken: taken.unwrap_or_default().as_secs(),
    }
}

/// How long each picture is shown: until the next.
fn durations(selection: &Selection, tail: u64, cut: &mut Cut<'_>) -> Result<(), Error> {
    let mut before = None;
    for part in selection.parts() {
        selection.each(part, |entry| {
            let shown = before.replace(entry.time).map(|before| entry.time - before);
            shown.map_or(Ok(()), |shown| cut.put(&Movie::time(shown as u32)))
        })?;
    }
    cut.put(&Movie::time(tail as u32))
}

fn pictures_of(selection: &Selection, part: &Part, cut: &mut Cut<'_>) -> Result<(), Error> {
    let contents = selection.open(part)?;
    for entry in selection.entries(part, &contents) {
        cut.make(entry.len, || entry.read(&contents))?;
    }
    Ok(())
}
