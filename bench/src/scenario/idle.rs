//! What it costs to have cameras that nobody watches, or nearly nobody.

use std::{thread, time::Duration};

use anyhow::Result;

use super::{Bench, Watched, progress};
use crate::{
    input::SMALL,
    load::Load,
    process,
    report::{Section, Verdict, short},
    server::{Kind, Options, Server},
};

/// Percent of a core for one viewer of a camera with a frame a second.
const ONE_VIEWER: f64 = 0.1;
/// How long framecast is told to keep a camera open after its last viewer.
const LINGER: &str = "linger = \"1s\"\n";
const LINGERED: Duration = Duration::from_secs(3);

pub(super) fn run(bench: &Bench) -> Result<Section> {
    let mut section = Section::new(
        "idle: nobody watching for some time, and one viewer of a camera with a frame a second",
        &[
            "server",
            "camera without viewers",
            "ticks",
            "ms of a core",
            "% of a core, one viewer",
        ],
    );
    let input = SMALL.at(1.0, &bench.rig.folder)?;
    let time = bench.time(30.0);
    let peers = [Kind::Framecast, Kind::Ustreamer];
    for kind in peers.into_iter().filter(|kind| bench.measures(*kind)) {
        let options = Options {
            camera: LINGER,
            ..Options::default()
        };
        let server = Server::start(kind, &bench.rig, &input, 1, &options)?;
        // As it is after somebody has watched, not as it is before anybody ever did.
        drop(Load::connect(&server.target, 1)?);
        thread::sleep(LINGERED);
        let processes = server.processes();
        let (cpu, ticks) = (process::cpu(&processes)?, process::cpu_ticks(&processes)?);
        thread::sleep(time);
        let spent = process::cpu(&processes)?.saturating_sub(cpu);
        let ticks = process::cpu_ticks(&processes)? - ticks;
        let open = process::has_open_webcam(&processes);
        drop(server);
        let watched = Watched {
            options,
            ..Watched::new(&input, 1, time)
        };
        let busy = bench.observe(kind, &watched)?.window;
        let share = busy.cpu.as_secs_f64() / busy.seconds * 100.0;
        progress(&format!(
            "{kind}: {ticks} ticks without viewers, {share:.3} % of a core with one"
        ));
        section.row([
            kind.to_string(),
            if open { "open" } else { "closed" }.to_owned(),
            ticks.to_string(),
            short(spent.as_secs_f64() * 1e3),
            short(share),
        ]);
        if kind == Kind::Framecast {
            let seconds = time.as_secs_f64();
            section.verdicts.extend([
                Verdict::at_most("open cameras without viewers", f64::from(open), 0.0, ""),
                Verdict::at_most(
                    format!("ticks in {seconds} s without viewers"),
                    ticks as f64,
                    0.0,
                    "",
                ),
                Verdict::at_most(
                    "one viewer of a camera with a frame a second",
                    share,
                    ONE_VIEWER,
                    " % of a core",
                ),
            ]);
        }
    }
    Ok(section)
}
