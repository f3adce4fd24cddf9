//! One picture of the archive.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use framecast_camera::{Captured, Size};
use framecast_media::jpeg::{self, Lenience, Resize};
use tokio::{sync::Semaphore, time::timeout};

use super::reel;
use crate::{
    hub::Variant,
    recordings::{self, Recordings},
};

/// JPEG quality of a smaller picture where none was asked for.
const QUALITY: u8 = 80;
/// How long a disk may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pictures that are made smaller at a time: a page with many thumbnails must not take all processors from the cameras.
static MAKING: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new(processors.div_ceil(2))
});

/// A picture of the archive.
#[derive(Clone, Debug)]
pub struct Still {
    /// The JPEG.
    pub jpeg: Bytes,
    /// Its width and height.
    pub size: Size,
    /// When it was taken.
    pub captured: Captured,
}

/// Why there is no such picture.
#[derive(Debug, thiserror::Error)]
pub enum Unseen {
    /// Nothing was recorded then.
    #[error(
        "nothing of `{camera}` was recorded at {}{}",
        shown(time),
        besides(nearest)
    )]
    Missing {
        /// The camera.
        camera: String,
        /// The time.
        time: SystemTime,
        /// The time of the nearest picture that there is.
        nearest: Option<SystemTime>,
    },
    /// The picture is damaged.
    #[error("the picture is damaged: {0}")]
    Damaged(String),
    /// The disk hangs.
    #[error("the disk with the recordings does not answer: try again in a moment")]
    Hangs,
    /// The archive can't be read.
    #[error(transparent)]
    Archive(#[from] recordings::Error),
}

/// As RFC 3339 has it, as far as it can say it.
fn shown(time: &SystemTime) -> String {
    let earliest = SystemTime::UNIX_EPOCH;
    let latest = earliest + Duration::from_secs(253_402_300_799);
    humantime::format_rfc3339_millis((*time).clamp(earliest, latest)).to_string()
}

fn besides(nearest: &Option<SystemTime>) -> String {
    nearest.map_or_else(
        || ", nor at any other time".to_owned(),
        |time| format!("; the nearest picture is of {}", shown(&time)),
    )
}

/// The picture of a camera that was to be seen at a time.
///
/// # Errors
/// If nothing was recorded then, it is damaged, or the archive can't be read.
pub async fn still(
    recordings: Option<&Recordings>,
    camera: &str,
    time: SystemTime,
    variant: Variant,
) -> Result<Still, Unseen> {
    let missing = |nearest| Unseen::Missing {
        camera: camera.to_owned(),
        time,
        nearest,
    };
    let Some(recordings) = recordings else {
        return Err(missing(None));
    };
    let name = camera.to_owned();
    let read = recordings.read(move |it| reel::exactly(it, &name, time));
    let found = timeout(PATIENCE, read).await.map_err(|_| Unseen::Hangs)?;
    let shot = found?.map_err(missing)?;
    let captured = shot.captured();
    let place = match variant.is_original() {
        true => None,
        // It is never closed.
        false => MAKING.acquire().await.ok(),
    };
    let made = tokio::task::spawn_blocking(move || made(shot.jpeg, variant)).await;
    drop(place);
    let (jpeg, size) = made
        .unwrap_or_else(|panic| Err(panic.to_string()))
        .map_err(Unseen::Damaged)?;
    Ok(Still {
        jpeg,
        size,
        captured,
    })
}

fn made(jpeg: Bytes, variant: Variant) -> Result<(Bytes, Size), String> {
    let sound = jpeg::admit(jpeg, Lenience::Pass).map_err(|defect| defect.to_string())?;
    let source = (u32::from(sound.width), u32::from(sound.height));
    let resize = Resize {
        width: variant.width,
        height: variant.height,
    };
    if variant.quality.is_none() && resize.target(source) == source {
        return Ok((sound.data, Size::new(source.0, source.1)));
    }
    let quality = variant.quality.unwrap_or(QUALITY);
    let made = jpeg::transcode(&sound.data, resize, quality).map_err(|error| error.to_string())?;
    Ok((made.data.into(), Size::new(made.width, made.height)))
}
