//! A smaller copy of a camera: made once for all who want it.

use anyhow::{Context, Result};

use super::{Bench, Watched, typical, warn};
use crate::{
    input::{Input, LARGE},
    report::{Section, Verdict, short},
    server::{Kind, Options},
};

/// Low enough for one decoder and encoder to keep up everywhere.
const FPS: f64 = 10.0;
const MANY: usize = 500;
/// The making of the copy for many viewers, against that for one. If it were made twice, it would be 2.
const ONCE: f64 = 1.5;

pub(super) fn run(bench: &Bench) -> Result<Section> {
    let mut section = Section::new(
        "variant: `?width=320` of a 1080p camera with 10 frames a second",
        &[
            "camera",
            "viewers",
            "ms for each frame of the camera",
            "slowest",
            "MB",
        ],
    );
    if !bench.measures(Kind::Framecast) {
        return Ok(section);
    }
    let large = LARGE.at(FPS, &bench.rig.folder)?;
    let small = large.copy(320)?;
    let one = work(bench, &mut section, &large, "?width=320", 1)?;
    let many = work(bench, &mut section, &large, "?width=320", MANY)?;
    let plain = work(bench, &mut section, &small, "", MANY)?;
    section.verdicts.push(Verdict::at_most(
        "making the copy for 500 viewers (without the sending, as of a camera that is so small itself), against 1",
        (many - plain) / one,
        ONCE,
        "×",
    ));
    Ok(section)
}

/// Milliseconds of processor time for each frame of the camera.
fn work(
    bench: &Bench,
    section: &mut Section,
    input: &Input,
    query: &'static str,
    viewers: usize,
) -> Result<f64> {
    let watched = Watched {
        options: Options {
            query,
            ..Options::default()
        },
        ..Watched::new(input, viewers, bench.time(8.0))
    };
    let observed = (0..bench.rounds).map(|_| bench.observe(Kind::Framecast, &watched));
    let observed = typical(observed.collect::<Result<_>>()?).context("nothing was measured")?;
    let window = &observed.window;
    let frames = window.frames / viewers as f64;
    let work = window.cpu.as_secs_f64() * 1e3 / frames;
    let camera = format!("{}{query}", input.name);
    warn(section, &format!("{camera}, {viewers} viewers"), window);
    section.row([
        camera,
        viewers.to_string(),
        short(work),
        short(window.slowest),
        short(observed.resident as f64 / 1e6),
    ]);
    Ok(work)
}
