//! From a command to its end.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command's result goes to standard output, and what went wrong to standard error"
)]

use std::{io, process::ExitCode, time::Duration};

use clap::CommandFactory;
use tokio::runtime::Runtime;

use super::{Args, Command, Recordings, access, cameras, export, log, probe, recordings, snapshot};
use crate::{
    config::{self, Config, Mistakes},
    drivers::{Registry, push},
    recordings::reindex,
    server::{self, Start},
    web,
};

/// Does what the command line of this process says, and tells the user what went wrong.
pub fn run() -> ExitCode {
    let ports = push::Ports::default();
    let registry = Registry::bundled(&ports);
    let command = Args::read(&registry).into_command();
    #[cfg(feature = "opencv")]
    if matches!(command, Command::Serve(_) | Command::Snapshot(_)) {
        super::quiet::ffmpeg();
    }
    match obey(command, registry, ports) {
        Ok(code) => code,
        Err(error) => {
            match error.downcast_ref::<Mistakes>() {
                Some(mistakes) => eprintln!("{mistakes}"),
                None => eprintln!("framecast: {error:#}"),
            }
            ExitCode::FAILURE
        }
    }
}

fn obey(command: Command, registry: Registry, ports: push::Ports) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(serve) => {
            let given = serve.given();
            let config = Config::load(&given, &registry)?;
            log::start(&config.log)?;
            let runtime = Runtime::new()?;
            runtime.block_on(server::run(Start {
                config,
                given,
                registry,
                ports,
                show: |line| eprintln!("{line}"),
            }))?;
            // A thread that a wedged device holds must not hold up the end.
            runtime.shutdown_timeout(Duration::from_millis(100));
        }
        Command::Check { file } => {
            let config = config::check(&file, &registry)?;
            println!(
                "{} is right: {} camera{}",
                file.display(),
                config.cameras.len(),
                if config.cameras.len() == 1 { "" } else { "s" }
            );
        }
        Command::Snapshot(wish) => {
            let camera = config::camera(&wish.source, &registry)?;
            let runtime = Runtime::new()?;
            runtime.block_on(snapshot::run(&wish, camera, registry, ports))?;
            runtime.shutdown_timeout(Duration::from_millis(100));
        }
        Command::Probe(wish) => {
            let report = Runtime::new()?.block_on(probe::run(&wish))?;
            if wish.json {
                println!("{}", serde_json::to_string_pretty(&report)?);
            } else {
                println!("{report}");
            }
            if report.frames == 0 {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Cameras { json } => {
            let devices = web::api::DevicesView::now();
            if json {
                println!("{}", serde_json::to_string_pretty(&devices)?);
            } else {
                print!("{}", cameras::Table(&devices));
            }
        }
        Command::Recordings { what } => match what {
            Recordings::List { folder, json } => {
                let table = recordings::table(&recordings::folder(folder, &registry)?)?;
                if json {
                    println!("{}", serde_json::to_string_pretty(&table)?);
                } else {
                    print!("{table}");
                }
            }
            Recordings::Export(asked) => {
                let folder = recordings::folder(asked.folder.clone(), &registry)?;
                let output = asked.output.clone();
                let pictures = export::export(asked, folder)?;
                println!("{}: {pictures} pictures", output.display());
            }
            Recordings::Reindex { folder } => {
                let folder = recordings::folder(folder, &registry)?;
                println!("{}: {}", folder.display(), reindex(&folder)?);
            }
        },
        Command::User { command, state } => print(access::user(command, state.state)?),
        Command::Token { command, state } => print(access::token(command, state.state)?),
        Command::Sign(wish) => {
            let state = wish.state.state.clone();
            print(access::sign(wish, state)?);
        }
        Command::HashPassword => print(access::hash_password()?),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Args::command(), "framecast", &mut io::stdout());
        }
        Command::Openapi => println!("{}", web::api::openapi()),
    }
    Ok(ExitCode::SUCCESS)
}

fn print(lines: Vec<String>) {
    for line in lines {
        println!("{line}");
    }
}
