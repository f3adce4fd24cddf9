//! From a driver's frame to one that sinks can have: checked, thinned, encoded.

use std::time::Instant;

use bytes::Bytes;
use framecast_camera::{Captured, Format, Frame, Layout, Range, Size};
use framecast_media::jpeg::{self, Lenience, Pixels, Resize};
use futures_util::{StreamExt, stream::FuturesOrdered};
use tokio::task::JoinHandle;

use super::{Order, Output, Pacer, Policy, Stats};

/// JPEG quality of raw frames where none was asked for.
const QUALITY: u8 = 80;
/// Quality of a JPEG that has to be made smaller, where none was asked for.
const RESIZED_QUALITY: u8 = 80;

/// A checked JPEG on its way to the feed.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) jpeg: Bytes,
    pub(super) size: Size,
    pub(super) captured: Captured,
}

/// The door of one capture: every frame of the driver passes here.
#[derive(Debug)]
pub(super) struct Ingest {
    resize: Resize,
    quality: Option<u8>,
    broken: Lenience,
    order: Order,
    pacer: Option<Pacer>,
    newest: Option<Instant>,
    encoding: Encoding,
    /// What was wrong with the last frame that was refused, for the watchdog's message.
    pub(super) complaint: Option<String>,
}

impl Ingest {
    pub(super) fn new(output: &Output, policy: &Policy) -> Self {
        Self {
            resize: output.resize,
            quality: output.quality,
            broken: policy.broken,
            order: policy.order,
            pacer: output.fps.map(Pacer::new),
            newest: None,
            encoding: Encoding::default(),
            complaint: None,
        }
    }

    /// Takes a frame in: returns it if it is ready as it is, and starts the work if it needs some.
    pub(super) fn take(&mut self, frame: Frame, stats: &Stats) -> Option<Prepared> {
        let late = |newest| frame.captured.monotonic < newest;
        if self.order == Order::Rising && self.newest.is_some_and(late) {
            stats.drop_frames("out_of_order", 1);
            return None;
        }
        if let Some(pacer) = &mut self.pacer
            && !pacer.take(Instant::now())
        {
            stats.drop_frames("rate", 1);
            return None;
        }
        let captured = frame.captured;
        let job = match self.prepare(frame, stats) {
            Ok(Work::None(prepared)) => {
                self.newest = Some(captured.monotonic);
                return Some(prepared);
            }
            Ok(Work::Job(job)) => job,
            Err((label, complaint)) => {
                stats.drop_frames(label, 1);
                self.complaint = Some(complaint);
                return None;
            }
        };
        self.newest = Some(captured.monotonic);
        if self.encoding.start(job) {
            stats.drop_frames("encoder_busy", 1);
        }
        None
    }

    /// The next frame whose work is done, in the order they came; waits for ever when there is none.
    pub(super) async fn done(&mut self, stats: &Stats) -> Option<Prepared> {
        match self.encoding.next().await {
            Ok(prepared) => Some(prepared),
            Err(complaint) => {
                stats.drop_frames("not_encodable", 1);
                self.complaint = Some(complaint);
                None
            }
        }
    }

    /// Gives up the frames that are being worked on.
    pub(super) fn discard(&mut self) {
        self.encoding = Encoding::default();
    }

    fn prepare(&self, frame: Frame, stats: &Stats) -> Result<Work, (&'static str, String)> {
        let Format::Raw { .. } = frame.format else {
            let admitted = jpeg::admit(frame.data, self.broken)
                .map_err(|defect| (defect.label(), defect.to_string()))?;
            for repair in admitted.mended.labels() {
                stats.mend_frame(repair);
            }
            let source = (u32::from(admitted.width), u32::from(admitted.height));
            let prepared = Prepared {
                jpeg: admitted.data,
                size: Size::new(source.0, source.1),
                captured: frame.captured,
            };
            if self.quality.is_none() && self.resize.target(source) == source {
                return Ok(Work::None(prepared));
            }
            return Ok(Work::Job(Job {
                input: Input::Jpeg(prepared),
                resize: self.resize,
                quality: self.quality.unwrap_or(RESIZED_QUALITY),
            }));
        };
        Ok(Work::Job(Job {
            input: Input::Raw(frame),
            resize: self.resize,
            quality: self.quality.unwrap_or(QUALITY),
        }))
    }
}

enum Work {
    None(Prepared),
    Job(Job),
}

#[derive(Debug)]
enum Input {
    Jpeg(Prepared),
    Raw(Frame),
}

/// Decoding, scaling or encoding of one frame.
#[derive(Debug)]
struct Job {
    input: Input,
    resize: Resize,
    quality: u8,
}

impl Job {
    fn run(self) -> Result<Prepared, String> {
        match self.input {
            Input::Jpeg(prepared) => transcode(&prepared, self.resize, self.quality),
            Input::Raw(frame) => {
                let prepared = encode(&frame, self.quality)?;
                let source = (prepared.size.width, prepared.size.height);
                if self.resize.target(source) == source {
                    Ok(prepared)
                } else {
                    transcode(&prepared, self.resize, self.quality)
                }
            }
        }
    }
}

fn transcode(prepared: &Prepared, resize: Resize, quality: u8) -> Result<Prepared, String> {
    let encoded =
        jpeg::transcode(&prepared.jpeg, resize, quality).map_err(|error| error.to_string())?;
    Ok(Prepared {
        jpeg: encoded.data.into(),
        size: Size::new(encoded.width, encoded.height),
        captured: prepared.captured,
    })
}

fn encode(frame: &Frame, quality: u8) -> Result<Prepared, String> {
    let Format::Raw {
        layout,
        stride,
        range,
    } = frame.format
    else {
        return Err("what is no raw frame needs no encoding".to_owned());
    };
    let Some(size) = frame.size else {
        return Err("a raw frame came without its size".to_owned());
    };
    let layout = match layout {
        Layout::Yuyv => jpeg::Layout::Yuyv,
        Layout::Uyvy => jpeg::Layout::Uyvy,
        Layout::Nv12 => jpeg::Layout::Nv12,
        Layout::Nv21 => jpeg::Layout::Nv21,
        Layout::I420 => jpeg::Layout::I420,
        Layout::Yv12 => jpeg::Layout::Yv12,
        Layout::Rgb24 => jpeg::Layout::Rgb24,
        Layout::Bgr24 => jpeg::Layout::Bgr24,
        Layout::Grey => jpeg::Layout::Grey,
        other => return Err(format!("frames in the layout {other:?} can't be encoded")),
    };
    let pixels = Pixels {
        layout,
        width: size.width,
        height: size.height,
        stride: stride as usize,
        range: match range {
            Range::Full => jpeg::Range::Full,
            Range::Limited => jpeg::Range::Limited,
        },
        data: &frame.data,
    };
    let jpeg = jpeg::encode(&pixels, quality).map_err(|error| error.to_string())?;
    Ok(Prepared {
        jpeg: jpeg.into(),
        size,
        captured: frame.captured,
    })
}

type Encoded = Result<Prepared, String>;

/// Frames being worked on: as many at a time as there are processors, finished in order, and one more waiting, which a
/// newer one replaces.
#[derive(Debug, Default)]
struct Encoding {
    running: FuturesOrdered<JoinHandle<Encoded>>,
    waiting: Option<Job>,
}

impl Encoding {
    /// Returns whether an older frame had to give way.
    fn start(&mut self, job: Job) -> bool {
        let displaced = self.waiting.replace(job).is_some();
        self.fill();
        displaced
    }

    fn fill(&mut self) {
        let most = std::thread::available_parallelism().map_or(1, usize::from);
        while self.running.len() < most
            && let Some(job) = self.waiting.take()
        {
            self.running
                .push_back(tokio::task::spawn_blocking(|| job.run()));
        }
    }

    async fn next(&mut self) -> Encoded {
        let Some(joined) = self.running.next().await else {
            return std::future::pending().await;
        };
        self.fill();
        joined.unwrap_or_else(|panic| Err(format!("the encoder failed: {panic}")))
    }
}
