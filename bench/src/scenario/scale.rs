//! Whether a frame costs the same whatever the number of viewers and cameras.

use anyhow::Result;

use super::{Bench, Watched, typical, warn};
use crate::{
    input::SMALL,
    report::{Section, Verdict, short},
    server::Kind,
};

/// Above the cheapest.
const ABOVE_BEST: f64 = 1.5;
/// Frames a second to all viewers together: what is left of the machine is for the viewers.
const FRAMES: f64 = 15_000.0;
const FASTEST: f64 = 30.0;
/// Viewers and cameras. Few viewers cost more each, as the camera's own work is shared by few.
const CASES: [(usize, usize); 9] = [
    (1, 1),
    (10, 1),
    (100, 1),
    (1000, 1),
    (5000, 1),
    (1000, 4),
    (1000, 16),
    (1000, 64),
    (64, 64),
];

pub(super) fn run(bench: &Bench) -> Result<Section> {
    let mut section = Section::new(
        "scale: processor time for each frame at each viewer (18 kB)",
        &[
            "server",
            "viewers",
            "cameras",
            "camera",
            "µs",
            "× best",
            "× bare loop",
            "frames/s",
            "generator",
        ],
    );
    let mut limits: Vec<f64> = Vec::new();
    let kinds = [Kind::Bare, Kind::Framecast];
    for kind in kinds.into_iter().filter(|kind| bench.measures(*kind)) {
        let mut costs = Vec::new();
        for (viewers, cameras) in CASES {
            let fps = (FRAMES / viewers as f64).min(FASTEST);
            let input = SMALL.at(fps, &bench.rig.folder)?;
            // Few frames need longer for a figure.
            let time = bench.time(if viewers < 100 { 15.0 } else { 5.0 });
            let watched = Watched {
                cameras,
                ..Watched::new(&input, viewers, time)
            };
            let mut observed = Vec::new();
            for _ in 0..bench.rounds {
                observed.push(bench.observe(kind, &watched)?);
            }
            if let Some(observed) = typical(observed) {
                warn(
                    &mut section,
                    &format!("{viewers} viewers of {cameras} cameras"),
                    &observed.window,
                );
                costs.push((viewers, cameras, fps, observed));
            }
        }
        let each = costs.iter().map(|it| it.3.window.cost());
        let best = each.fold(f64::INFINITY, f64::min);
        if kind == Kind::Bare {
            limits = costs.iter().map(|it| it.3.window.cost()).collect();
        }
        for (case, (viewers, cameras, fps, observed)) in costs.iter().enumerate() {
            let cost = observed.window.cost();
            let limit = limits.get(case);
            section.row([
                kind.to_string(),
                viewers.to_string(),
                cameras.to_string(),
                format!("{}/s", short(*fps)),
                short(cost),
                short(cost / best),
                limit.map_or(String::new(), |limit| short(cost / limit)),
                short(observed.window.frames / observed.window.seconds),
                format!(
                    "{:.0} %",
                    (observed.window.own.discarding + observed.window.own.reading) * 100.0
                ),
            ]);
            if kind == Kind::Framecast {
                let what = format!("{viewers} viewers of {cameras} cameras against the cheapest");
                section
                    .verdicts
                    .push(Verdict::at_most(what, cost / best, ABOVE_BEST, "×"));
            }
        }
    }
    Ok(section)
}
