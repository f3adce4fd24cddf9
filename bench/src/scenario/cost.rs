//! Processor time of a server for each frame that a viewer gets.

use anyhow::Result;

use super::{Bench, Observed, Watched, age, typical, warn};
use crate::{
    input::{LARGE, SMALL},
    report::{Section, Verdict, short},
    server::Kind,
};

const FPS: f64 = 30.0;
/// Against the loop that only writes.
const ABOVE_LIMIT: f64 = 1.2;
/// Against ustreamer.
const OF_PEER: f64 = 0.4;

pub(super) fn run(bench: &Bench) -> Result<Section> {
    let mut section = Section::new(
        "cost: processor time for each frame at each viewer, 30 frames a second",
        &[
            "frame",
            "viewers",
            "server",
            "µs",
            "× bare loop",
            "frames/s",
            "slowest",
            "age p50 ms",
            "p95",
            "p99",
            "skipped",
            "MB",
            "generator",
        ],
    );
    for picture in [SMALL, LARGE] {
        let input = picture.at(FPS, &bench.rig.folder)?;
        for viewers in bench.viewers(&[100, 1000]) {
            let watched = Watched::new(&input, viewers, bench.time(5.0));
            let mut taken: Vec<Vec<Observed>> = vec![Vec::new(); bench.servers.len()];
            for _ in 0..bench.rounds {
                for (kind, observed) in bench.servers.iter().zip(&mut taken) {
                    observed.push(bench.observe(*kind, &watched)?);
                }
            }
            let each = bench.servers.iter().copied().zip(taken);
            let each: Vec<(Kind, Observed)> = each
                .filter_map(|(kind, observed)| Some((kind, typical(observed)?)))
                .collect();
            judge(
                &mut section,
                &format!("{} to {viewers} viewers", input.name),
                &each,
            );
            for (kind, observed) in &each {
                let window = &observed.window;
                section.row([
                    input.name.to_owned(),
                    viewers.to_string(),
                    kind.to_string(),
                    short(window.cost()),
                    cost(&each, Kind::Bare)
                        .map_or(String::new(), |bare| short(window.cost() / bare)),
                    short(window.frames / window.seconds),
                    short(window.slowest),
                    short(age(window, 50.0)),
                    short(age(window, 95.0)),
                    short(age(window, 99.0)),
                    window.skipped.to_string(),
                    short(observed.resident as f64 / 1e6),
                    format!(
                        "{:.0} %",
                        (window.own.discarding + window.own.reading) * 100.0
                    ),
                ]);
                let what = format!("{} to {viewers} viewers by {kind}", input.name);
                warn(&mut section, &what, window);
            }
        }
    }
    Ok(section)
}

fn cost(each: &[(Kind, Observed)], kind: Kind) -> Option<f64> {
    let found = each.iter().find(|it| it.0 == kind)?;
    Some(found.1.window.cost())
}

fn judge(section: &mut Section, case: &str, each: &[(Kind, Observed)]) {
    let Some(own) = cost(each, Kind::Framecast) else {
        return;
    };
    for (peer, bar) in [(Kind::Bare, ABOVE_LIMIT), (Kind::Ustreamer, OF_PEER)] {
        if let Some(peers) = cost(each, peer) {
            let what = format!("{case}, framecast against {peer}");
            let verdict = Verdict::at_most(what, own / peers, bar, "×");
            section.verdicts.push(verdict);
        }
    }
}
