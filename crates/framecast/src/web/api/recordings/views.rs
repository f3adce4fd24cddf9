//! What is told of recordings.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::recording::seconds;
use crate::recordings::{Segment, Span};

/// One file of a recording.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentView {
    /// Its number, which rises in the order of recording.
    pub id: u64,
    /// The camera.
    pub camera: String,
    /// The number of the first segment of its run: two of the same run have no gap between them.
    pub run: u64,
    /// When its first picture was taken, in seconds since 1970.
    pub start: f64,
    /// When its last picture was taken.
    pub end: f64,
    /// When its first picture was taken, in seconds since the machine's start.
    pub monotonic: f64,
    /// Which start of the machine that was.
    pub boot: String,
    /// Pictures in it.
    pub frames: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The file, below the folder of the recordings.
    pub path: String,
    /// Whether it is complete; the one that is being written is not.
    pub finished: bool,
}

/// What of a camera was recorded, as times without a gap.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpansView {
    /// In the order of recording.
    pub spans: Vec<SpanView>,
}

/// A time without a gap.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpanView {
    /// When its first picture was taken, in seconds since 1970.
    pub start: f64,
    /// When its last picture was taken.
    pub end: f64,
    /// Pictures in it.
    pub frames: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// The number of its first segment.
    pub first: u64,
    /// The number of its last segment.
    pub last: u64,
    /// Whether it is still being recorded.
    pub open: bool,
}

/// What was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasedView {
    /// Files are deleted whole: the times that are gone now.
    pub spans: Vec<SpanView>,
    /// Bytes that are free now.
    pub bytes: u64,
}

impl SegmentView {
    pub(super) fn of(segment: &Segment) -> Self {
        Self {
            id: segment.id,
            camera: segment.camera.to_string(),
            run: segment.run,
            start: seconds(segment.start),
            end: seconds(segment.end()),
            monotonic: segment.monotonic.as_millis() as f64 / 1000.0,
            boot: segment.boot.clone(),
            frames: segment.frames,
            bytes: segment.bytes,
            width: segment.size.width,
            height: segment.size.height,
            path: segment.path.clone(),
            finished: segment.finished,
        }
    }
}

impl SpanView {
    pub(super) fn of(span: &Span) -> Self {
        Self {
            start: seconds(span.start),
            end: seconds(span.end),
            frames: span.frames,
            bytes: span.bytes,
            first: span.first,
            last: span.last,
            open: span.open,
        }
    }
}
