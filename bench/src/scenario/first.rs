//! How soon the first picture is there.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::{Bench, progress};
use crate::{
    figures::{milliseconds, percentile},
    input::SMALL,
    load::{Load, Single},
    report::{Section, Verdict, short},
    server::{Kind, Options, Server},
};

/// Milliseconds to the first picture of a camera that is live: from the request, as many servers hold the head of their answer
/// back until then.
const AFTER_REQUEST: f64 = 5.0;
/// Milliseconds from the start of the process to the first picture at a viewer.
const AFTER_START: f64 = 100.0;
/// Frames a second of the live camera: few, to tell a picture of the feed from the next of the camera.
const LIVE: f64 = 2.0;
const VIEWERS: usize = 60;
const STARTS: usize = 10;

pub(super) fn run(bench: &Bench) -> Result<Section> {
    let mut section = Section::new(
        "first: the first picture of a new viewer, and of a new process (ms)",
        &[
            "server",
            "from the answer p50",
            "p95",
            "longest",
            "from the request p95",
            "from the start p50",
            "longest",
        ],
    );
    for &kind in &bench.servers {
        let (mut answered, mut asked) = live(bench, kind)?;
        let mut started = (0..STARTS)
            .map(|_| start(bench, kind))
            .collect::<Result<Vec<_>>>()?;
        let mut of_answered = |percent| milliseconds_of(&mut answered, percent);
        let mut of_started = |percent| milliseconds_of(&mut started, percent);
        section.row([
            kind.to_string(),
            short(of_answered(50.0)),
            short(of_answered(95.0)),
            short(of_answered(100.0)),
            short(milliseconds_of(&mut asked, 95.0)),
            short(of_started(50.0)),
            short(of_started(100.0)),
        ]);
        progress(&format!(
            "{kind}: {:.1} ms, {:.1} ms",
            of_answered(95.0),
            of_started(100.0)
        ));
        if kind == Kind::Framecast {
            section.verdicts.extend([
                Verdict::at_most(
                    "first picture of a live camera, from the request, p95",
                    milliseconds_of(&mut asked, 95.0),
                    AFTER_REQUEST,
                    " ms",
                ),
                Verdict::at_most(
                    format!("first picture from the start of the process, longest of {STARTS}"),
                    of_started(100.0),
                    AFTER_START,
                    " ms",
                ),
            ]);
        }
    }
    section.note(format!(
        "the live camera gives {LIVE} frames a second; the one of a new process 30, so that its own first frame takes 33 ms"
    ));
    Ok(section)
}

fn milliseconds_of(times: &mut [Duration], percent: f64) -> f64 {
    percentile(times, percent).map_or(f64::NAN, milliseconds)
}

/// Of viewers who come while another watches: the times from the answer, and from the request, to the first picture.
fn live(bench: &Bench, kind: Kind) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let input = SMALL.at(LIVE, &bench.rig.folder)?;
    let server = Server::start(kind, &bench.rig, &input, 1, &Options::default())?;
    let _watching = Load::connect(&server.target, 1)?;
    Single::open(&server.target)?.next()?;
    let (mut answered, mut asked) = (Vec::new(), Vec::new());
    for number in 0..VIEWERS {
        // At all times between two frames of the camera.
        thread::sleep(Duration::from_millis(3 + 7 * (number as u64 % 9)));
        let begun = Instant::now();
        let mut viewer = Single::open(&server.target)?;
        let first = viewer.next()?;
        answered.push(first.at.saturating_duration_since(viewer.answered));
        asked.push(first.at - begun);
    }
    Ok((answered, asked))
}

/// The time from the start of a process to the first picture at a viewer who asks at once.
fn start(bench: &Bench, kind: Kind) -> Result<Duration> {
    let input = SMALL.at(30.0, &bench.rig.folder)?;
    let server = Server::start(kind, &bench.rig, &input, 1, &Options::default())?;
    let first = Single::open(&server.target)?.next()?;
    Ok(first.at - server.begun)
}
