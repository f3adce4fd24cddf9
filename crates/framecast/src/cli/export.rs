//! `framecast recordings export`: a time of a camera as a file. The recordings are only read, so a server may go on there.

use std::{
    fs::{self, File},
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, bail};

use super::Export as Asked;
use crate::export::{Archive, Export, Form, Selection, Wish};

/// Copies what was asked for from a folder, and says how many pictures that were.
pub(super) fn export(asked: Asked, root: PathBuf) -> anyhow::Result<u64> {
    let output = asked.output;
    let kind = output.extension().and_then(|it| it.to_str());
    let form = match (kind, asked.every) {
        (Some("zip"), _) if asked.fps.is_some() => bail!("--fps is for .mp4 files"),
        (Some("zip"), _) => Form::Zip,
        (Some("mp4"), Some(_)) => Form::Lapse(asked.fps.unwrap_or_default()),
        (Some("mp4"), None) => Form::Mp4,
        _ => bail!("{}: its name has to end in .mp4 or .zip", output.display()),
    };
    let now = SystemTime::now();
    let time = asked.from.resolve(now)..asked.to.map_or(now, |to| to.resolve(now));
    if time.is_empty() {
        bail!("--to is not after --from");
    }
    if asked.every.is_some_and(|every| every.is_zero()) {
        bail!("--every is more than 0");
    }
    let wish = Wish {
        camera: asked.camera,
        time,
        every: asked.every,
    };
    let export = Export::new(Selection::new(Archive::Folder(root), wish)?, form)?;
    let failed = || format!("{} can't be written", output.display());
    let mut partial = Partial::beside(&output).with_context(failed)?;
    let mut progress = Progress::of(export.len());
    let written = export.write(0..export.len(), &mut |piece| {
        progress.add(piece.len() as u64);
        partial.file.write_all(&piece)
    });
    progress.end();
    written.with_context(failed)?;
    partial.finish(&output).with_context(failed)?;
    Ok(export.pictures())
}

/// A file that has its name only once it is whole, and is removed otherwise.
struct Partial {
    file: File,
    path: PathBuf,
}

impl Partial {
    fn beside(output: &Path) -> io::Result<Self> {
        let name = output.file_name().unwrap_or_default().to_string_lossy();
        let path = output.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let file = File::create_new(&path)?;
        Ok(Self { file, path })
    }

    fn finish(self, output: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, output)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // It is not there any more if all went well.
        let _ = fs::remove_file(&self.path);
    }
}

/// How far it is, on a terminal only.
struct Progress {
    len: u64,
    done: u64,
    shown: Option<u64>,
    is_shown: bool,
}

impl Progress {
    fn of(len: u64) -> Self {
        Self {
            len,
            done: 0,
            shown: None,
            is_shown: io::stderr().is_terminal(),
        }
    }

    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        let percent = self.done.saturating_mul(100) / self.len.max(1);
        if self.is_shown && self.shown.replace(percent) != Some(percent) {
            let bar = "#".repeat(percent as usize / 4);
            let megabytes = self.done as f64 / 1e6;
            // A terminal that is gone is no reason to stop.
            let _ = write!(
                io::stderr(),
                "\r[{bar:<25}] {percent:>3} % {megabytes:.1} MB"
            );
        }
    }

    fn end(&self) {
        if self.shown.is_some() {
            let _ = writeln!(io::stderr());
        }
    }
}
