//! Whether every one of many viewers gets every frame, and in time.

use anyhow::Result;

use super::{Bench, Watched, age, warn};
use crate::{
    input::SMALL,
    report::{Section, Verdict, short},
};

struct Case {
    viewers: usize,
    fps: f64,
    /// Frames a second that every viewer gets.
    rate: f64,
    /// Milliseconds that so many percent of frames are old at most.
    ages: &'static [(f64, f64)],
}

const CASES: [Case; 2] = [
    Case {
        viewers: 1000,
        fps: 30.0,
        rate: 29.5,
        ages: &[(95.0, 15.0), (99.0, 30.0)],
    },
    Case {
        viewers: 5000,
        fps: 5.0,
        rate: 4.8,
        ages: &[(95.0, 60.0)],
    },
];

pub(super) fn run(bench: &Bench) -> Result<Section> {
    let mut section = Section::new(
        "rate: every viewer gets every frame, in time (18 kB)",
        &[
            "server",
            "viewers",
            "camera",
            "served",
            "refused",
            "slowest",
            "middle",
            "skipped",
            "age p50 ms",
            "p95",
            "p99",
            "generator",
        ],
    );
    for case in CASES {
        let input = SMALL.at(case.fps, &bench.rig.folder)?;
        for &kind in &bench.servers {
            let watched = Watched::new(&input, case.viewers, bench.time(20.0));
            let observed = bench.observe(kind, &watched)?;
            let window = &observed.window;
            section.row([
                kind.to_string(),
                case.viewers.to_string(),
                format!("{}/s", case.fps),
                window.served.to_string(),
                observed.refused.to_string(),
                format!("{:.2}", window.slowest),
                format!("{:.2}", window.middle),
                window.skipped.to_string(),
                short(age(window, 50.0)),
                short(age(window, 95.0)),
                short(age(window, 99.0)),
                format!(
                    "{:.0} %",
                    (window.own.discarding + window.own.reading) * 100.0
                ),
            ]);
            let what = format!("{} viewers at {}/s", case.viewers, case.fps);
            warn(&mut section, &format!("{what} by {kind}"), window);
            if kind != crate::server::Kind::Framecast {
                continue;
            }
            let served = Verdict::at_least(
                format!("{what}: served"),
                window.served as f64,
                case.viewers as f64,
                "",
            );
            let rate = Verdict::at_least(
                format!("{what}: frames a second of the slowest"),
                window.slowest,
                case.rate,
                "",
            );
            section.verdicts.extend([served, rate]);
            for &(percent, bar) in case.ages {
                let what = format!("{what}: age p{percent}");
                let verdict = Verdict::at_most(what, age(window, percent), bar, " ms");
                section.verdicts.push(verdict);
            }
        }
    }
    Ok(section)
}
