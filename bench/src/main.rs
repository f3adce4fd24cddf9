//! Measures framecast's fan-out: against a loop that only writes, and against other servers, in one run on the same input.
//!
//! `README.md` says what is measured and how; `scenario` holds the bars. What does not belong here: anything that a test
//! could assert. Figures depend on the machine.

mod figures;
mod input;
mod link;
mod load;
mod process;
mod report;
mod results;
mod scenario;
mod server;
mod stamp;
mod watch;

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand, ValueEnum};

use crate::{
    scenario::{Bench, Scenario},
    server::{Kind, Rig, bare, tasks},
};

/// Cameras that a scenario has at most.
const CAMERAS: usize = 64;

/// Measures framecast's fan-out, and holds it against the limit, its peers and its bars.
#[derive(Debug, Parser)]
#[command(name = "framecast-bench", args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    server: Option<Own>,
    /// What to measure; all if none is named
    scenarios: Vec<Scenario>,
    /// Seconds that each figure is taken over, in place of each scenario's own
    #[arg(long)]
    seconds: Option<f64>,
    /// How often each figure of processor time is taken, the servers by turns; the one in the middle counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// Numbers of viewers, in place of each scenario's own
    #[arg(long, value_delimiter = ',')]
    viewers: Vec<usize>,
    /// The servers to measure; all if none is named
    #[arg(long, value_delimiter = ',')]
    servers: Vec<Kind>,
    /// The framecast to measure, built with `--features rustix/use-libc`
    #[arg(long)]
    framecast: Option<PathBuf>,
    /// Write what was found to bench/RESULTS.md
    #[arg(long)]
    write: bool,
}

/// What this program also is, in processes of its own.
#[derive(Debug, Subcommand)]
enum Own {
    /// One thread that writes each frame to all sockets
    #[command(hide = true)]
    Bare(server::Cameras),
    /// A tokio task for each socket
    #[command(hide = true)]
    Tasks(server::Cameras),
    /// One viewer that tells the ages of what it gets
    #[command(hide = true)]
    Watch(watch::Watch),
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _unseen = writeln!(io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    match &args.server {
        Some(Own::Bare(cameras)) => return bare::run(cameras),
        Some(Own::Tasks(cameras)) => return tasks::run(cameras),
        Some(Own::Watch(it)) => return watch::run(it),
        None => {}
    }
    if cfg!(debug_assertions) {
        bail!("a debug build measures nothing: use bench/run, or cargo run --release");
    }
    let files = load::raise_limit()?;
    let folder = tempfile::tempdir()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()?;
    let own = std::env::current_exe()?;
    let rig = Rig {
        framecast: match &args.framecast {
            Some(path) => path.clone(),
            None => own.with_file_name("framecast"),
        },
        webcam: folder.path().join("fakev4l2.so"),
        python: root.join(".tools/bench/bin/python"),
        folder: folder.path().to_owned(),
        root,
    };
    rig.prepare(CAMERAS)?;
    let servers = if args.servers.is_empty() {
        Kind::value_variants().to_vec()
    } else {
        args.servers.clone()
    };
    let versions = server::versions(&rig, Kind::value_variants());
    for version in versions.iter().filter(|it| servers.contains(&it.program)) {
        if let Err(why) = &version.text {
            bail!("{} is not there: {why}; run bench/setup", version.program);
        }
    }
    let bench = Bench {
        rig,
        seconds: args.seconds,
        servers,
        rounds: args.rounds.into(),
        viewers: args.viewers.clone(),
    };
    let scenarios = if args.scenarios.is_empty() {
        Scenario::value_variants()
    } else {
        &args.scenarios[..]
    };
    let mut out = io::stdout();
    let preamble = preamble(&versions, files);
    writeln!(out, "{preamble}")?;
    let path = bench.rig.root.join("bench/RESULTS.md");
    for &scenario in scenarios {
        let mut section = bench
            .run(scenario)
            .with_context(|| format!("{scenario:?} can't be measured"))?;
        section.note(measured());
        writeln!(out, "{section}")?;
        if args.write {
            // After each, so that what was measured is there even if a later one fails.
            let old = fs::read_to_string(&path).unwrap_or_default();
            let new = results::merged(&old, &preamble, &[section.to_string()]);
            fs::write(&path, new)
                .with_context(|| format!("{} can't be written", path.display()))?;
        }
    }
    Ok(())
}

/// When and how a section was measured.
fn measured() -> String {
    let command: Vec<String> = std::env::args().skip(1).collect();
    format!(
        "measured {} at commit {} by `bench/run {}`",
        said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        said("git", &["describe", "--always", "--dirty"]),
        command.join(" ")
    )
}

/// What a program says.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// On what it was measured.
fn preamble(versions: &[server::Version], files: u64) -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<&str> = cpuinfo
        .lines()
        .filter_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map(|(_, model)| model)
        .collect();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().next().unwrap_or_default();
    let mut text = format!(
        "# Results\n\nWritten by `bench/run --write`; [README.md](README.md) says what is measured and how.\n\n- {} × {}, {memory}\n- {}, {files} open files\n",
        models.len(),
        models.first().unwrap_or(&"unknown processor"),
        said("uname", &["-sr"]),
    );
    for version in versions {
        if let Ok(version_text) = &version.text {
            text += &format!("- {}: {version_text}\n", version.program);
        }
    }
    text
}
