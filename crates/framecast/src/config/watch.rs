use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout_at},
};

/// How long it must be quiet before a change counts as finished: an editor writes, renames and sets rights one by one.
const QUIET: Duration = Duration::from_millis(250);

/// How long a busy directory may put that off.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells when a file has other contents than before.
///
/// It is the directories that are watched, that of the file and that of the file behind a symbolic link: editors replace a file
/// by renaming another over it, and Kubernetes swaps a link in the path to it.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    contents: Option<Vec<u8>>,
    watcher: RecommendedWatcher,
    watched: Vec<PathBuf>,
    touched: mpsc::Receiver<()>,
    /// Something happened that was not looked at yet.
    pending: bool,
}

/// Starts watching a file. Start before the file is read, so that no change falls in between.
///
/// # Errors
/// If the directory isn't there or the system's limit of watches is reached.
pub fn watch(path: &Path) -> notify::Result<Watch> {
    let (touch, touched) = mpsc::channel(1);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let read_only = matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_)));
        if !read_only {
            // One that waits is as good as two.
            let _ = touch.try_send(());
        }
    })?;
    let mut watch = Watch {
        path: path.to_owned(),
        contents: None,
        watcher,
        watched: Vec::new(),
        touched,
        pending: false,
    };
    watch.follow()?;
    watch.contents = read(path).ok();
    Ok(watch)
}

impl Watch {
    /// Waits until the file has other contents. A file that is gone for the moment is waited for.
    ///
    /// Cancel safe: a change that was not reported is reported by the next call.
    pub async fn changed(&mut self) {
        loop {
            if !self.pending && self.touched.recv().await.is_none() {
                // The system no longer tells; then nothing ever changes.
                std::future::pending::<()>().await;
            }
            self.pending = true;
            self.settle().await;
            self.pending = false;
            // A link in the path may lead elsewhere now. That directory may be gone already; the next event tells.
            let _ = self.follow();
            let contents = read(&self.path).ok();
            if contents.is_some() && contents != self.contents {
                self.contents = contents;
                return;
            }
        }
    }

    /// Waits until nothing has happened for a while.
    async fn settle(&mut self) {
        let patience = Instant::now() + PATIENCE;
        loop {
            let quiet = (Instant::now() + QUIET).min(patience);
            match timeout_at(quiet, self.touched.recv()).await {
                Ok(Some(())) if quiet < patience => {}
                Ok(_) => return sleep_until(quiet).await,
                Err(_) => return,
            }
        }
    }

    /// Watches the directories in which the file and what it links to stand now.
    fn follow(&mut self) -> notify::Result<()> {
        let mut wanted = vec![directory(&self.path)];
        if let Ok(target) = self.path.canonicalize() {
            let behind = directory(&target);
            if directory(&self.path).canonicalize().ok() != Some(behind.clone()) {
                wanted.push(behind);
            }
        }
        for gone in self.watched.iter().filter(|old| !wanted.contains(old)) {
            // Its watch ends by itself where the directory was removed.
            let _ = self.watcher.unwatch(gone);
        }
        let old = std::mem::take(&mut self.watched);
        for directory in wanted {
            if !old.contains(&directory) {
                self.watcher
                    .watch(&directory, RecursiveMode::NonRecursive)?;
            }
            self.watched.push(directory);
        }
        Ok(())
    }
}

fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// What is in the file. A pipe or a device is not read: that would wait for ever, or take from it what it has.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !path.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    std::fs::read(path)
}
