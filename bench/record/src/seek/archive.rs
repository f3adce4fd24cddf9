//! A month of recordings, made up but real in form: the program itself records some files, and the rest of the month has
//! their names, rows and links. Where pictures will be sought, files are copies, so that the disk has to read each.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, params};

use crate::server::Server;

const MONTH: u64 = 30 * 24 * 3600;
/// Links to one file that ext4 can count.
const LINKS: u64 = 60_000;
/// Rows that are written together.
const TOGETHER: u64 = 100_000;
/// Beside the recordings: what was made.
const FACTS: &str = "archive.txt";

pub(crate) struct Archive {
    root: PathBuf,
    pub(crate) files: u64,
    /// The camera that pictures are sought of.
    pub(crate) camera: String,
    /// Times at which there is a picture, in seconds since 1970.
    pub(crate) sought: Vec<f64>,
}

/// A file that the program recorded, and its row.
struct Template {
    path: PathBuf,
    boot: String,
    length: i64,
    frames: i64,
    bytes: i64,
    size: (i64, i64),
}

impl Archive {
    pub(crate) fn make(folder: &Path, cameras: u64, seconds: u64, seeks: u64) -> Result<Self> {
        let root = folder.join("recordings");
        let template = record(folder, &root, seconds)?;
        let slots = MONTH / seconds;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        // It ends an hour ago, and its last days are those that are compared with the index.
        let first = now - 3600 - MONTH;
        let camera = "camera1".to_owned();
        let places = places(slots, seeks);
        let mut db = Connection::open(root.join("index.sqlite"))?;
        db.execute("DELETE FROM segments", [])?;
        db.pragma_update(None, "synchronous", "OFF")?;
        let (mut link, mut links) = (template.path.clone(), 0);
        let (mut id, mut slot) = (0, 0);
        while slot < slots {
            let together = db.transaction()?;
            let mut row = together.prepare_cached(
                "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
            )?;
            let until = slots.min(slot + (TOGETHER / cameras).max(1));
            while slot < until {
                let start = first + slot * seconds;
                let time = UNIX_EPOCH + Duration::from_secs(start);
                let time = humantime::format_rfc3339_millis(time).to_string();
                let (day, clock) = time.split_once('T').context("a time")?;
                for number in 1..=cameras {
                    let folder = format!("camera{number}/{day}");
                    let path = format!("{folder}/{}.mkv", clock.replace(':', "-"));
                    let file = root.join(&path);
                    if slot == 0 || start % 86_400 < seconds {
                        fs::create_dir_all(root.join(&folder))?;
                    }
                    if number == 1 && places.contains(&slot) {
                        fs::copy(&template.path, &file)?;
                    } else {
                        if links == LINKS {
                            link = root.with_file_name(format!("template-{id}"));
                            fs::copy(&template.path, &link)?;
                            links = 0;
                        }
                        fs::hard_link(&link, &file)?;
                        links += 1;
                    }
                    id += 1;
                    // A run of a day: what a camera records that loses its power at midnight.
                    let of_day = start % 86_400 / seconds;
                    row.execute(params![
                        id,
                        format!("camera{number}"),
                        (start / 86_400 * 1000 + number) as i64,
                        of_day as i64,
                        (start * 1_000_000_000) as i64,
                        ((start - first + 100) * 1_000_000_000) as i64,
                        template.boot,
                        template.length,
                        template.frames,
                        template.bytes,
                        template.size.0,
                        template.size.1,
                        path,
                    ])?;
                }
                slot += 1;
            }
            drop(row);
            together.commit()?;
        }
        let files = slots * cameras;
        ensure!(id == files as i64, "{id} rows");
        let middle = template.length as f64 / 2e9;
        let mut sought: Vec<f64> = places
            .iter()
            .map(|slot| (first + slot * seconds) as f64 + middle)
            .collect();
        shuffle(&mut sought);
        Ok(Self {
            root,
            files,
            camera,
            sought,
        })
    }

    /// Writes down what [`open`](Self::open) needs to know.
    pub(crate) fn keep(&self) -> Result<()> {
        let mut text = format!("{} {}", self.files, self.camera);
        for at in &self.sought {
            text += &format!(" {at:.3}");
        }
        Ok(fs::write(self.root.with_file_name(FACTS), text)?)
    }

    /// One that was made before.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let text = fs::read_to_string(folder.join(FACTS)).context("there is no archive")?;
        let mut words = text.split(' ');
        let files = words.next().context("no number of files")?.parse()?;
        let camera = words.next().context("no camera")?.to_owned();
        Ok(Self {
            root: folder.join("recordings"),
            files,
            camera,
            sought: words.map(str::parse).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn index_bytes(&self) -> Result<u64> {
        Ok(fs::metadata(self.root.join("index.sqlite"))?.len())
    }
}

/// Lets the program record until a file is complete, and keeps that.
fn record(folder: &Path, root: &Path, seconds: u64) -> Result<Template> {
    let camera = "camera1";
    let server = Server::record(folder, camera, seconds)?;
    let index = root.join("index.sqlite");
    let query = "SELECT path, boot, length, frames, bytes, width, height FROM segments
         WHERE finished = 1 AND part > 0 ORDER BY id LIMIT 1";
    for _ in 0..(seconds * 2 + 30) * 10 {
        thread::sleep(Duration::from_millis(100));
        let Ok(db) = Connection::open(&index) else {
            continue;
        };
        db.busy_timeout(Duration::from_secs(5))?;
        let found = db.query_row(query, [], |row| {
            Ok(Template {
                path: root.join(row.get::<_, String>(0)?),
                boot: row.get(1)?,
                length: row.get(2)?,
                frames: row.get(3)?,
                bytes: row.get(4)?,
                size: (row.get(5)?, row.get(6)?),
            })
        });
        if let Ok(mut found) = found {
            drop(db);
            server.stop()?;
            let kept = folder.join("template");
            fs::copy(&found.path, &kept)?;
            found.path = kept;
            fs::remove_dir_all(root.join(camera))?;
            return Ok(found);
        }
    }
    anyhow::bail!("nothing was recorded")
}

/// Slots all over the month, the same in each run.
fn places(slots: u64, count: u64) -> BTreeSet<u64> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut places = BTreeSet::new();
    while (places.len() as u64) < count.min(slots) {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        places.insert((state >> 20) % slots);
    }
    places
}

/// In no order of time.
fn shuffle(times: &mut [f64]) {
    let mut state = 88_172_645_463_325_252_u64;
    for index in (1..times.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        times.swap(index, (state >> 33) as usize % (index + 1));
    }
}
