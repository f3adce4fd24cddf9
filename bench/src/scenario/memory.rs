//! Memory for each viewer, and over a long time with viewers coming and going.

use std::{
    collections::VecDeque,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::{Bench, WARM_UP, progress};
use crate::{
    input::SMALL,
    load::{Load, Single, State},
    process,
    report::{Section, Verdict, short},
    server::{Kind, Options, Server},
};

/// Bytes of the process for each viewer, and in all.
const FOR_VIEWER: f64 = 16.0;
const IN_ALL: f64 = 40.0;
const VIEWERS: usize = 1000;
/// Megabytes that a server may grow by, from when it has been at it for a while.
const GROWTH: f64 = 1.0;
/// Frames that a long run has at least.
const FRAMES: f64 = 100_000.0;
const STEADY: usize = 20;
/// Viewers that come every second, and how long each stays.
const COMING: u32 = 10;
const STAY: Duration = Duration::from_secs(2);

pub(super) fn run(bench: &Bench) -> Result<Section> {
    let mut section = Section::new(
        "memory: of the process, with 1000 viewers at 30 frames a second, and over a long time",
        &["server", "MB with 1 viewer", "with 1000", "kB a viewer"],
    );
    let input = SMALL.at(30.0, &bench.rig.folder)?;
    for &kind in &bench.servers {
        let server = Server::start(kind, &bench.rig, &input, 1, &Options::default())?;
        let one = Load::connect(&server.target, 1)?;
        thread::sleep(WARM_UP);
        let before = process::resident(&server.processes())? as f64;
        let load = Load::connect(&server.target, VIEWERS)?;
        thread::sleep(WARM_UP * 2);
        let after = process::resident(&server.processes())? as f64;
        let served = load.count(State::Served);
        drop(one);
        let each = (after - before) / VIEWERS as f64 / 1e3;
        progress(&format!(
            "{kind}: {each:.1} kB for each of {served} viewers"
        ));
        section.row([
            kind.to_string(),
            short(before / 1e6),
            short(after / 1e6),
            short(each),
        ]);
        if kind == Kind::Framecast {
            section.verdicts.extend([
                Verdict::at_most("memory for each viewer", each, FOR_VIEWER, " kB"),
                Verdict::at_most("memory with 1000 viewers", after / 1e6, IN_ALL, " MB"),
            ]);
        }
    }
    if bench.measures(Kind::Framecast) {
        long(bench, &mut section)?;
    }
    Ok(section)
}

/// Viewers come and go for a long time; the memory of the server is looked at again and again.
fn long(bench: &Bench, section: &mut Section) -> Result<()> {
    let time = bench.time(600.0);
    let fps = (FRAMES / 600.0_f64).ceil();
    let input = SMALL.at(fps, &bench.rig.folder)?;
    let server = Server::start(Kind::Framecast, &bench.rig, &input, 1, &Options::default())?;
    let processes = server.processes();
    let steady = Load::connect(&server.target, STEADY)?;
    let mut here: VecDeque<(Instant, Single)> = VecDeque::new();
    let mut sizes = Vec::new();
    let begun = Instant::now();
    let mut next = begun;
    let mut came = 0;
    while begun.elapsed() < time {
        let mut viewer = Single::open(&server.target)?;
        viewer.next()?;
        came += 1;
        here.push_back((Instant::now(), viewer));
        while here
            .front()
            .is_some_and(|(since, _)| since.elapsed() > STAY)
        {
            here.pop_front();
        }
        if came % COMING == 0 {
            sizes.push(process::resident(&processes)? as f64 / 1e6);
        }
        next += Duration::from_secs(1) / COMING;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    let frames = steady.measure(&processes, Duration::from_secs(1))?.newest;
    // What a server needs, it has after a tenth of the time.
    let settled = &sizes[sizes.len() / 10..];
    let part = (settled.len() / 4).max(1);
    let mean = |sizes: &[f64]| sizes.iter().sum::<f64>() / sizes.len().max(1) as f64;
    let begin = mean(&settled[..part.min(settled.len())]);
    let end = mean(&settled[settled.len().saturating_sub(part)..]);
    section.note(format!(
        "over {} s, {frames} frames and {came} viewers that came and went: {} MB in the first quarter, {} MB in the last, {} MB at most",
        short(begun.elapsed().as_secs_f64()),
        short(begin),
        short(end),
        short(sizes.iter().copied().fold(0.0, f64::max)),
    ));
    section.verdicts.push(Verdict::at_most(
        "growth from the first quarter of a long run to the last",
        end - begin,
        GROWTH,
        " MB",
    ));
    if bench.seconds.is_none() {
        section.verdicts.push(Verdict::at_least(
            "frames of the long run",
            frames as f64,
            FRAMES,
            "",
        ));
    }
    Ok(())
}
