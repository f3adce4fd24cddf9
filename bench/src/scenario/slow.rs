//! Viewers that can't take every frame: behind slow links, reading slowly, or not at all.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{Bench, WARM_UP, age, progress, warn};
use crate::{
    figures::{milliseconds, percentile},
    input::SMALL,
    link::{Link, unsent},
    load::{Load, Single},
    process,
    report::{Section, Verdict, short},
    server::{Kind, Options, Server},
};

const FAST: usize = 100;
const FPS: f64 = 30.0;
/// Frames a second of the slowest of the fast viewers.
const RATE: f64 = 29.5;
const LINKS: [Slow; 3] = [
    Slow {
        speed: 2000,
        query: "",
        oldest: 300.0,
        rate: None,
    },
    Slow {
        speed: 500,
        query: "",
        oldest: 1000.0,
        rate: None,
    },
    Slow {
        speed: 1000,
        query: "?adaptive=1",
        oldest: 300.0,
        rate: Some(10.0),
    },
];
/// A reader that takes as much as the fastest link carries.
const READER: u32 = LINKS[0].speed * 1000 / 8;
/// What it lets the kernel hold for it.
const READER_HOLDS: usize = 16 << 10;
/// Viewers that stop reading, and kilobytes that each may cost.
const STOPPED: usize = 20;
const STOPPED_COST: f64 = 200.0;
/// How long a viewer that has stopped reading may stay.
const LET_GO: f64 = 60.0;

/// A viewer behind a slow link.
struct Slow {
    /// Kilobits a second of the link.
    speed: u32,
    /// What it asks framecast for; others are not asked.
    query: &'static str,
    /// Milliseconds that 95 of 100 frames are old at most.
    oldest: f64,
    /// Frames a second that it gets at least, where there is a bar.
    rate: Option<f64>,
}

pub(super) fn run(bench: &Bench) -> Result<Section> {
    let mut section = Section::new(
        "slow: one viewer on each slow link, beside 100 fast ones (18 kB, 30 frames a second)",
        &[
            "server",
            "viewer",
            "frames/s",
            "age p50 ms",
            "p95",
            "longest",
        ],
    );
    let input = SMALL.at(FPS, &bench.rig.folder)?;
    let mut links = Vec::new();
    for (number, slow) in (0..).zip(LINKS) {
        match Link::new(number, slow.speed) {
            Ok(link) => links.push((slow, link)),
            Err(error) => section.note(format!("no link of {} kbit/s: {error:#}", slow.speed)),
        }
    }
    for &kind in &bench.servers {
        if matches!(kind, Kind::Bare | Kind::Tasks) {
            // They hold to the frame they have begun, and show nothing about slow viewers.
            continue;
        }
        let options = Options {
            everywhere: true,
            ..Options::default()
        };
        let server = Server::start(kind, &bench.rig, &input, 1, &options)?;
        let fast = Load::connect(&server.target, FAST)?;
        thread::sleep(WARM_UP);
        let time = bench.time(20.0);
        let mut watching = Vec::new();
        let path = &server.target.paths[0];
        for (slow, link) in &links {
            if !slow.query.is_empty() && kind != Kind::Framecast {
                continue;
            }
            let address = SocketAddr::from((link.here, server.target.address.port()));
            let program = link.inside(&std::env::current_exe()?);
            let path = format!("{path}{}", slow.query);
            let child = watch(program, address, &path, time, &[])?;
            let what = format!("link of {} kbit/s{}", slow.speed, slow.query);
            watching.push((what, slow.oldest, slow.rate, child));
        }
        let own = Command::new(std::env::current_exe()?);
        let slowly = [
            format!("--reads={READER}"),
            format!("--holds={READER_HOLDS}"),
        ];
        let child = watch(own, server.target.address, path, time, &slowly)?;
        let what = format!("reads {} kbit/s", READER / 125);
        watching.push((what, LINKS[0].oldest, None, child));
        let window = fast.measure(&server.processes(), time)?;
        warn(&mut section, &kind.to_string(), &window);
        section.row([
            kind.to_string(),
            format!("slowest of {FAST} fast ones"),
            short(window.slowest),
            short(age(&window, 50.0)),
            short(age(&window, 95.0)),
            short(age(&window, 100.0)),
        ]);
        if kind == Kind::Framecast {
            let what = "frames a second of the slowest fast viewer";
            section
                .verdicts
                .push(Verdict::at_least(what, window.slowest, RATE, ""));
        }
        for (what, oldest, least, child) in watching {
            let mut ages = ages(child).with_context(|| format!("{kind}, {what}"))?;
            let rate = ages.len() as f64 / time.as_secs_f64();
            let mut of = |percent| percentile(&mut ages, percent).map_or(f64::NAN, milliseconds);
            progress(&format!("{kind}, {what}: age p95 {:.0} ms", of(95.0)));
            section.row([
                kind.to_string(),
                what.clone(),
                short(rate),
                short(of(50.0)),
                short(of(95.0)),
                short(of(100.0)),
            ]);
            if kind == Kind::Framecast {
                let age = format!("{what}: age p95");
                section
                    .verdicts
                    .push(Verdict::at_most(age, of(95.0), oldest, " ms"));
                section.verdicts.extend(least.map(|least| {
                    let what = format!("{what}: frames a second");
                    Verdict::at_least(what, rate, least, "")
                }));
            }
        }
        stop(kind, &server, &mut section)?;
    }
    Ok(section)
}

/// Viewers that read the head of the answer and then nothing any more.
fn stop(kind: Kind, server: &Server, section: &mut Section) -> Result<()> {
    let processes = server.processes();
    let before = process::resident(&processes)? as f64;
    let mut stopped = Vec::new();
    for _ in 0..STOPPED {
        stopped.push(Single::open(&server.target)?);
    }
    let ports: Vec<u16> = stopped.iter().map(Single::port).collect::<Result<_>>()?;
    let begun = Instant::now();
    thread::sleep(WARM_UP * 2);
    let queued = |held: &[(u16, u64)]| held.iter().map(|it| it.1).sum::<u64>() as f64;
    let held = unsent(server.target.address.port(), &ports)?;
    let grown = (process::resident(&processes)? as f64 - before).max(0.0);
    let each = (grown + queued(&held)) / STOPPED as f64 / 1e3;
    while !unsent(server.target.address.port(), &ports)?.is_empty()
        && begun.elapsed().as_secs_f64() < LET_GO
    {
        thread::sleep(Duration::from_millis(200));
    }
    let left = unsent(server.target.address.port(), &ports)?.len();
    let seconds = begun.elapsed().as_secs_f64();
    progress(&format!(
        "{kind}: {each:.0} kB for each that stopped, {left} left after {seconds:.0} s"
    ));
    section.note(format!(
        "{kind}, {STOPPED} viewers that stop reading: {} kB for each, of which {} kB wait in the kernel; {left} still there after {} s",
        short(each),
        short(queued(&held) / STOPPED as f64 / 1e3),
        short(seconds),
    ));
    if kind == Kind::Framecast {
        section.verdicts.extend([
            Verdict::at_most("a viewer that stops reading", each, STOPPED_COST, " kB"),
            Verdict::at_most(
                format!("of those still there after {LET_GO} s"),
                left as f64,
                0.0,
                "",
            ),
        ]);
    }
    Ok(())
}

/// Starts a viewer as a process of its own, which writes the age of each frame in microseconds, one a line.
fn watch(
    mut program: Command,
    address: SocketAddr,
    path: &str,
    time: Duration,
    more: &[String],
) -> Result<Child> {
    let started = program
        .arg("watch")
        .arg(format!("--address={address}"))
        .arg(format!("--path={path}"))
        .arg(format!("--seconds={}", time.as_secs_f64()))
        .args(more)
        .stdout(Stdio::piped())
        .spawn();
    started.context("a slow viewer can't be started")
}

fn ages(child: Child) -> Result<Vec<Duration>> {
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let ages = text.lines().filter_map(|line| line.parse().ok());
    Ok(ages.map(Duration::from_micros).collect())
}
