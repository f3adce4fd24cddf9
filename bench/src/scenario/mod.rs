//! What is measured: each module a scenario with its bars.

mod cost;
mod first;
mod idle;
mod memory;
mod rate;
mod scale;
mod slow;
mod variant;

use std::{
    io::{self, Write as _},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};
use clap::ValueEnum;

use crate::{
    input::Input,
    load::{Load, State, Window},
    process,
    report::Section,
    server::{Kind, Options, Rig, Server},
};

/// What can be measured, each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Processor time for each frame that a viewer gets, against the limit and the peers
    Cost,
    /// Frames that every viewer gets, and how old they are, at many viewers
    Rate,
    /// Viewers behind slow links, slow readers, and viewers that stop reading
    Slow,
    /// Memory for each viewer, and over a long time
    Memory,
    /// Nobody watching, and one viewer of a slow camera
    Idle,
    /// How soon the first picture is there
    First,
    /// Processor time for each frame from one viewer to thousands, and from one camera to many
    Scale,
    /// A smaller copy for many viewers
    Variant,
}

/// How it is to be measured.
#[derive(Clone, Debug)]
pub(crate) struct Bench {
    pub(crate) rig: Rig,
    /// Seconds that a figure is taken over, where not each scenario shall take its own.
    pub(crate) seconds: Option<f64>,
    /// The servers to measure.
    pub(crate) servers: Vec<Kind>,
    /// How often each figure is taken; the one in the middle counts.
    pub(crate) rounds: usize,
    /// Numbers of viewers, where not each scenario shall take its own.
    pub(crate) viewers: Vec<usize>,
}

impl Bench {
    /// Measures one scenario.
    pub(crate) fn run(&self, scenario: Scenario) -> Result<Section> {
        match scenario {
            Scenario::Cost => cost::run(self),
            Scenario::Rate => rate::run(self),
            Scenario::Slow => slow::run(self),
            Scenario::Memory => memory::run(self),
            Scenario::Idle => idle::run(self),
            Scenario::First => first::run(self),
            Scenario::Scale => scale::run(self),
            Scenario::Variant => variant::run(self),
        }
    }

    fn time(&self, usual: f64) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or(usual))
    }

    fn measures(&self, kind: Kind) -> bool {
        self.servers.contains(&kind)
    }

    fn viewers(&self, usual: &[usize]) -> Vec<usize> {
        if self.viewers.is_empty() {
            usual.to_vec()
        } else {
            self.viewers.clone()
        }
    }

    /// Starts a server, lets viewers watch, and measures once all is in its stride.
    fn observe(&self, kind: Kind, what: &Watched<'_>) -> Result<Observed> {
        let server = Server::start(kind, &self.rig, what.input, what.cameras, &what.options)?;
        let load = Load::connect(&server.target, what.viewers)?;
        ensure!(
            load.count(State::Served) > 0,
            "{kind} serves nobody: {}",
            server.last_words()
        );
        // Sockets grow their buffers, and pools their threads.
        thread::sleep(WARM_UP);
        let processes = server.processes();
        let window = load.measure(&processes, what.time)?;
        // A smaller copy is encoded anew, and has lost its birth.
        ensure!(
            !window.ages.is_empty() || !what.options.query.is_empty(),
            "{kind} sends other frames than those of the camera, or none: {}",
            server.last_words()
        );
        progress(&format!(
            "{kind}, {}, {} cameras, {} viewers: {:.2} µs, {:.1} frames/s",
            what.input.name,
            what.cameras,
            what.viewers,
            window.cost(),
            window.middle
        ));
        Ok(Observed {
            refused: load.count(State::Refused) + load.count(State::Waiting),
            resident: process::resident(&processes)?,
            window,
        })
    }
}

/// Time before a figure is taken.
const WARM_UP: Duration = Duration::from_secs(2);

/// What viewers watch.
#[derive(Clone, Debug)]
struct Watched<'a> {
    input: &'a Input,
    cameras: usize,
    viewers: usize,
    time: Duration,
    options: Options,
}

impl<'a> Watched<'a> {
    fn new(input: &'a Input, viewers: usize, time: Duration) -> Self {
        Self {
            input,
            cameras: 1,
            viewers,
            time,
            options: Options::default(),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug)]
struct Observed {
    window: Window,
    refused: usize,
    resident: u64,
}

/// The observation whose cost is in the middle.
fn typical(mut observed: Vec<Observed>) -> Option<Observed> {
    observed.sort_by(|one, other| one.window.cost().total_cmp(&other.window.cost()));
    let middle = observed.len().checked_sub(1)? / 2;
    Some(observed.swap_remove(middle))
}

/// Tells somebody who waits what was just measured.
fn progress(text: &str) {
    let _unseen = writeln!(io::stderr(), "  {text}");
}

/// The age that so many percent of frames did not exceed, in milliseconds.
fn age(window: &Window, percent: f64) -> f64 {
    window
        .age(percent)
        .map_or(f64::NAN, crate::figures::milliseconds)
}

/// Says where a figure may be the measuring's own.
fn warn(section: &mut Section, what: &str, window: &Window) {
    if let Some(limit) = window.own.limit() {
        section.note(format!(
            "{what}: {limit} (its threads {:.0} % and {:.0} % of a core, longest pass {:.1} ms, machine {:.0} % busy, {:.0} % of it by other programs)",
            window.own.discarding * 100.0,
            window.own.reading * 100.0,
            crate::figures::milliseconds(window.own.longest_pass),
            window.own.machine * 100.0,
            window.own.others * 100.0
        ));
    }
}
