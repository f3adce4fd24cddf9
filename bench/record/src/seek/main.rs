//! How soon a picture of a large archive is there: seeks in a month of recordings through the running server, with the
//! machine's caches dropped before each and without, while nothing else happens and while all of it is listed.
//!
//!     seek make FOLDER [CAMERAS] [SECONDS] [SEEKS]
//!     seek measure FOLDER
//!
//! The folder is a new one on the disk that is to be measured. A month of one camera in files of one second, which is usual
//! here, has 2.6 million files; so have 60 cameras in files of a minute. Dropping the caches needs root.

mod archive;
mod client;
mod server;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use archive::Archive;
use client::{Connection, Watching};
use server::Server;

/// In place of an archive of this process's own, it is the program: the server runs in a process of its own.
const SERVE: &str = "FRAMECAST_BENCH_SERVE";

fn main() -> ExitCode {
    if env::var_os(SERVE).is_some() {
        return framecast::cli::run();
    }
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<()> {
    let mut args = env::args().skip(1);
    let what = args.next().unwrap_or_default();
    let folder = PathBuf::from(
        args.next()
            .context("say `make FOLDER` or `measure FOLDER`")?,
    );
    match what.as_str() {
        "make" => {
            let mut number = |usual: u64, what: &'static str| match args.next() {
                Some(text) => text.parse().context(what),
                None => Ok(usual),
            };
            let cameras = number(1, "a number of cameras")?;
            let seconds = number(1, "seconds of a file")?;
            let seeks = number(100, "a number of seeks")?;
            std::fs::create_dir(&folder).context("the folder has to be a new one")?;
            let began = Instant::now();
            let archive = Archive::make(&folder, cameras, seconds, seeks)?;
            println!(
                "{cameras} cameras, {} files of {seconds} s, index of {:.0} MB, made in {:.0} s",
                archive.files,
                archive.index_bytes()? as f64 / 1e6,
                began.elapsed().as_secs_f64()
            );
            archive.keep()
        }
        "measure" => measure(&folder, &Archive::open(&folder)?),
        other => bail!("`{other}` is neither `make` nor `measure`"),
    }
}

fn measure(folder: &Path, archive: &Archive) -> Result<()> {
    drop_caches()?;
    let began = Instant::now();
    let server = Server::start(folder, &archive.camera)?;
    let mut connection = Connection::open(server.address)?;
    let snapshot = |at: f64| format!("/cameras/{}/snapshot.jpg?at={at:.3}", archive.camera);
    while connection.get(&snapshot(archive.sought[0]))?.status != 200 {
        ensure!(began.elapsed() < Duration::from_secs(300), "no picture");
        thread::sleep(Duration::from_millis(20));
    }
    println!(
        "first picture {:.2} s after the program began, caches dropped",
        began.elapsed().as_secs_f64()
    );

    for (caches, is_cold) in [("dropped", true), ("warm", false)] {
        let mut times = Vec::new();
        for at in &archive.sought {
            if is_cold {
                drop_caches()?;
            }
            let began = Instant::now();
            let answer = connection.get(&snapshot(*at))?;
            times.push(began.elapsed());
            ensure!(
                answer.status == 200 && answer.body > 10_000,
                "no picture at {at}"
            );
        }
        tell(&format!("snapshot.jpg?at=, caches {caches}"), times);
    }

    let mut watching = Watching::begin(server.address, &archive.camera, archive.sought[0])?;
    for (caches, is_cold) in [("dropped", true), ("warm", false)] {
        let mut times = Vec::new();
        for at in archive.sought.iter().skip(1) {
            if is_cold {
                drop_caches()?;
            }
            times.push(watching.seek(&mut connection, *at)?);
        }
        tell(&format!("seek of a paused session, caches {caches}"), times);
    }

    for format in ["jsonl", "csv"] {
        let before = server.memory()?;
        let done = AtomicBool::new(false);
        let (listed, times) = thread::scope(|scope| -> Result<_> {
            let listing = scope.spawn(|| -> Result<_> {
                let began = Instant::now();
                let path = format!("/api/v1/recordings?format={format}");
                let answer = Connection::open(server.address).and_then(|mut it| it.get(&path));
                done.store(true, Relaxed);
                Ok((answer?, began.elapsed()))
            });
            let mut times = Vec::new();
            for at in archive.sought.iter().cycle() {
                if done.load(Relaxed) {
                    break;
                }
                let began = Instant::now();
                ensure!(
                    connection.get(&snapshot(*at))?.status == 200,
                    "no picture at {at}"
                );
                times.push(began.elapsed());
            }
            let listed = listing
                .join()
                .map_err(|_| anyhow::anyhow!("listing panicked"))??;
            Ok((listed, times))
        })?;
        let (answer, took) = listed;
        let rows = answer.lines - u64::from(format == "csv");
        ensure!(rows == archive.files, "{rows} rows of {}", archive.files);
        println!(
            "listing of {rows} rows as {format}: {:.1} s, {:.0} MB; memory of the server {:.1} MB before, {:.1} MB at most since its start",
            took.as_secs_f64(),
            answer.body as f64 / 1e6,
            before.now as f64 / 1e3,
            server.memory()?.most as f64 / 1e3
        );
        tell("snapshot.jpg?at= meanwhile", times);
    }

    let began = Instant::now();
    let path = format!("/api/v1/cameras/{}/recordings/spans", archive.camera);
    ensure!(connection.get(&path)?.status == 200, "no spans");
    println!(
        "spans of the month of a camera: {:.2} s; memory of the server {:.1} MB at most",
        began.elapsed().as_secs_f64(),
        server.memory()?.most as f64 / 1e3
    );
    Ok(())
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |part: f64| {
        let last = times.len().saturating_sub(1);
        let index = (last as f64 * part).round() as usize;
        times
            .get(index)
            .map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    println!(
        "{what}: p50 {:.1} ms, p95 {:.1} ms, at most {:.1} ms ({} times)",
        at(0.5),
        at(0.95),
        at(1.0),
        times.len()
    );
}

/// The machine forgets what it has read, index and recordings alike.
fn drop_caches() -> Result<()> {
    rustix::fs::sync();
    std::fs::write("/proc/sys/vm/drop_caches", "3").context("dropping the caches needs root")
}
