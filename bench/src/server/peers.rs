//! How each server is started, and where its stream is.

use std::{fs, net::Ipv4Addr, path::Path, process::Command};

use anyhow::{Result, ensure};

use super::{Kind, Rig, own_program, text};
use crate::input::Input;

/// What differs between measurements of the same server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// What follows the address of framecast's stream, as in `?width=320`.
    pub(crate) query: &'static str,
    /// Whether to listen on all addresses, not this machine's own alone.
    pub(crate) everywhere: bool,
    /// Further lines for the configuration of framecast's cameras.
    pub(crate) camera: &'static str,
}

/// The command that starts a server, and the addresses of its cameras.
pub(super) fn command(
    kind: Kind,
    rig: &Rig,
    input: &Input,
    cameras: usize,
    port: u16,
    options: &Options,
) -> Result<(Command, Vec<String>)> {
    let host = if options.everywhere {
        Ipv4Addr::UNSPECIFIED
    } else {
        Ipv4Addr::LOCALHOST
    };
    let numbered = |path: &dyn Fn(usize) -> String| (0..cameras).map(path).collect::<Vec<_>>();
    Ok(match kind {
        Kind::Bare | Kind::Tasks => {
            let mut command = Command::new(own_program()?);
            command
                .arg(if kind == Kind::Bare { "bare" } else { "tasks" })
                .args(["--listen", &format!("{host}:{port}")])
                .arg("--jpeg")
                .arg(&input.jpeg)
                .args(["--fps", &input.fps.to_string()])
                .args(["--cameras", &cameras.to_string()]);
            (command, numbered(&|number| format!("/{number}")))
        }
        Kind::Framecast => {
            let file = rig.folder.join("framecast.toml");
            let mut config = format!(
                "listen = \"{host}:{port}\"\n{}[limits]\nconnections = 20000\n",
                // Only the kernel's own addresses may go without a password unless it is said.
                if options.everywhere {
                    "no_auth = true\n"
                } else {
                    ""
                },
            );
            for number in 0..cameras {
                config += &format!(
                    "[cameras.c{number}]\nsource = \"v4l2:{}\"\n{}",
                    text(&rig.camera(number))?,
                    options.camera
                );
            }
            fs::write(&file, config)?;
            let mut command = Command::new(&rig.framecast);
            command.arg("-c").arg(file);
            rig.with_webcams(&mut command, input);
            let query = options.query;
            let path = |number| format!("/cameras/c{number}/stream.mjpg{query}");
            (command, numbered(&path))
        }
        Kind::Ustreamer => {
            ensure!(cameras == 1, "ustreamer has one camera");
            let mut command = Command::new("ustreamer");
            command
                .args(["--device", text(&rig.camera(0))?])
                .args(["--format", "MJPEG", "--encoder", "HW"])
                .args(["--resolution", &resolution(&input.jpeg)?])
                .args(["--desired-fps", &format!("{:.0}", input.fps)])
                .args(["--host", &host.to_string(), "--port", &port.to_string()])
                .args(["--log-level", "0"]);
            rig.with_webcams(&mut command, input);
            (command, vec!["/stream".to_owned()])
        }
        Kind::Flask => {
            let mut command = Command::new(&rig.python);
            command
                .args([
                    "-m",
                    "gunicorn",
                    "--worker-class",
                    "gevent",
                    "--workers",
                    "1",
                ])
                .args(["--worker-connections", "20000", "--backlog", "4096"])
                .args(["--bind", &format!("{host}:{port}")])
                .arg("flask_stream:app")
                .current_dir(rig.root.join("bench/peers"))
                .env("PICTURE", &input.jpeg)
                .env("FPS", input.fps.to_string());
            let path = |number| format!("/cameras/{number}/stream");
            (command, numbered(&path))
        }
    })
}

/// The size of a picture as ustreamer wants it.
fn resolution(jpeg: &Path) -> Result<String> {
    let bytes = fs::read(jpeg)?;
    let image = framecast_media::jpeg::decode(&bytes)?;
    Ok(format!("{}x{}", image.width, image.height))
}

/// A program that is measured, and its version.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) program: Kind,
    /// Its first line about itself, or why it isn't there.
    pub(crate) text: Result<String, String>,
}

/// What is there of the servers.
pub(crate) fn versions(rig: &Rig, kinds: &[Kind]) -> Vec<Version> {
    let said = |command: &mut Command| -> Result<String, String> {
        let output = command.output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() && !text.is_empty() {
            Ok(text.lines().collect::<Vec<_>>().join(", "))
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
    };
    let version = |kind: Kind| Version {
        program: kind,
        text: match kind {
            Kind::Bare | Kind::Tasks => Ok("of this repository".to_owned()),
            Kind::Framecast => said(Command::new(&rig.framecast).arg("--version")),
            Kind::Ustreamer => said(Command::new("ustreamer").arg("--version"))
                .map(|version| format!("ustreamer {version}")),
            Kind::Flask => said(Command::new(&rig.python).args(["-c", VERSIONS])),
        },
    };
    kinds.iter().copied().map(version).collect()
}

const VERSIONS: &str = "import sys, importlib.metadata as m
print('Python', sys.version.split()[0], *(f'{n} {m.version(n)}' for n in ('Flask', 'gunicorn', 'gevent')))";
