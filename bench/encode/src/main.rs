//! How long a raw picture takes to become a JPEG: by the call that the hub makes, and by libjpeg-turbo called directly on
//! the same bytes. Both take turns in one run, so that what else the machine does strikes both alike.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it fails by panicking, and says what it measured"
)]

mod direct;
mod picture;

use std::{hint::black_box, thread, time::Instant};

use bytes::Bytes;
use framecast_media::jpeg::{self, Layout, Pixels, Range};

use direct::Direct;

/// What the hub encodes with where nobody asks otherwise.
const QUALITY: u8 = 80;
const ROUNDS: usize = 60;
/// Turns that only warm up.
const WARM: usize = 5;

fn main() {
    let backend = if cfg!(feature = "turbojpeg") {
        "framecast with the feature `turbojpeg`"
    } else {
        "framecast as it is by default, in Rust alone"
    };
    println!(
        "{backend}, beside libjpeg-turbo called directly; milliseconds a picture, median (least):"
    );
    for (about, layout, (width, height), range) in [
        ("1280x720 YUYV", Layout::Yuyv, (1280, 720), Range::Full),
        ("1920x1080 NV12", Layout::Nv12, (1920, 1080), Range::Full),
        (
            "1280x720 YUYV of limited range",
            Layout::Yuyv,
            (1280, 720),
            Range::Limited,
        ),
        ("1920x1080 I420", Layout::I420, (1920, 1080), Range::Full),
        ("1280x720 RGB", Layout::Rgb24, (1280, 720), Range::Full),
    ] {
        let data = picture::raw(layout, width, height);
        let pixels = Pixels {
            layout,
            width: width as u32,
            height: height as u32,
            stride: layout.stride(width as u32),
            range,
            data: &data,
        };
        let processors = thread::available_parallelism().unwrap().get();
        for threads in if processors > 1 {
            vec![1, processors]
        } else {
            vec![1]
        } {
            println!(
                "{about}, {threads} thread(s): {}",
                compare(&pixels, threads)
            );
        }
    }
}

/// One line: both by turns, with so many threads at a time.
fn compare(pixels: &Pixels<'_>, threads: usize) -> String {
    let turns: Vec<(Vec<f64>, Vec<f64>)> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| turns(pixels)))
            .collect();
        running.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let (ours, theirs): (Vec<_>, Vec<_>) = turns.into_iter().unzip();
    let (ours, theirs) = (Times::of(ours.concat()), Times::of(theirs.concat()));
    format!(
        "framecast {ours}, directly {theirs}, ratio {:.2} ({:.2})",
        ours.median / theirs.median,
        ours.least / theirs.least,
    )
}

/// Milliseconds of each picture, ours and theirs.
fn turns(pixels: &Pixels<'_>) -> (Vec<f64>, Vec<f64>) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut direct = Direct::new(pixels.width as usize, pixels.height as usize, QUALITY);
    for round in 0..ROUNDS + WARM {
        // As the hub does: the JPEG is in memory of its own afterwards, which it gives away.
        let hub = || Bytes::from(jpeg::encode(pixels, QUALITY).unwrap()).len();
        let (ours_took, our_size) = timed(hub);
        let (theirs_took, their_size) = timed(|| direct.encode(pixels.layout, pixels.data));
        if pixels.range == Range::Full {
            assert!(
                our_size.abs_diff(their_size) * 50 < their_size,
                "not the same work"
            );
        }
        if round >= WARM {
            ours.push(ours_took);
            theirs.push(theirs_took);
        }
    }
    (ours, theirs)
}

fn timed(work: impl FnOnce() -> usize) -> (f64, usize) {
    let start = Instant::now();
    let size = black_box(work());
    (start.elapsed().as_secs_f64() * 1000.0, size)
}

struct Times {
    median: f64,
    least: f64,
}

impl Times {
    fn of(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        Self {
            median: all[all.len() / 2],
            least: all[0],
        }
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2})", self.median, self.least)
    }
}
