//! The index: a row for each segment and each pin, in SQLite.
//!
//! What does not belong here: files, and deciding. A call is a query or two.

use std::{ops::RangeInclusive, path::Path, time::Duration};

use framecast_camera::Size;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, named_params, params};

use super::{
    clock::{nanos, time},
    model::{Pin, Segment},
};

type Result<T> = rusqlite::Result<T>;

/// The index, open.
#[derive(Debug)]
pub(super) struct Index(Connection);

/// Segments that begin in a time.
#[derive(Debug)]
pub(super) struct Within {
    /// From the lowest number to the highest.
    pub(super) ids: RangeInclusive<u64>,
    /// From when on those begin that were not looked at.
    pub(super) rest: Option<i64>,
}

/// What the tables look like; another number means another version of them.
const VERSION: i64 = 1;

const SCHEMA: &str = include_str!("schema.sql");

const COLUMNS: &str = "id, camera, run, part, start, monotonic, boot, length, frames, bytes, width, height, path, finished";

/// Below this the index is looked through when it is opened; damage in a larger one shows when it is met.
const CHECKED: u64 = 64 << 20;

impl Index {
    /// Opens the index, or makes an empty one.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let db = Connection::open(path)?;
        db.busy_timeout(Duration::from_secs(5))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        // A power cut may lose the last rows; the files are there, and are looked at when the store is opened.
        db.pragma_update(None, "synchronous", "NORMAL")?;
        let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let empty: bool = db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
            row.get(0)
        })?;
        if !empty && version != VERSION {
            return Err(damaged());
        }
        if std::fs::metadata(path).is_ok_and(|file| file.len() <= CHECKED) {
            let verdict: String = db.pragma_query_value(None, "quick_check", |row| row.get(0))?;
            if verdict != "ok" {
                return Err(damaged());
            }
        }
        if empty {
            db.execute_batch(SCHEMA)?;
            db.pragma_update(None, "user_version", VERSION)?;
        }
        Ok(Self(db))
    }

    /// Finds out whether the index can be written.
    pub(super) fn try_to_write(&self) -> Result<()> {
        self.0.pragma_update(None, "user_version", VERSION)
    }

    /// An index of nothing.
    pub(super) fn in_memory() -> Result<Self> {
        let db = Connection::open_in_memory()?;
        db.execute_batch(SCHEMA)?;
        Ok(Self(db))
    }

    /// Opens the index for a look, whoever else has it open.
    pub(super) fn open_to_read(path: &Path) -> Result<Self> {
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        db.busy_timeout(Duration::from_secs(5))?;
        Ok(Self(db))
    }

    /// Does several things as one.
    pub(super) fn together<T>(&mut self, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        self.0.execute_batch("BEGIN IMMEDIATE")?;
        match work(self) {
            Ok(done) => {
                self.0.execute_batch("COMMIT")?;
                Ok(done)
            }
            Err(error) => {
                // What failed may have ended it already.
                let _ended = self.0.execute_batch("ROLLBACK");
                Err(error)
            }
        }
    }

    /// Adds a segment, or replaces what is known of it.
    pub(super) fn put(&self, segment: &Segment) -> Result<()> {
        let mut statement = self.0.prepare_cached(
            "INSERT INTO segments VALUES (:id, :camera, :run, :part, :start, :monotonic, :boot, :length, :frames, :bytes,
             :width, :height, :path, :finished)
             ON CONFLICT (id) DO UPDATE SET length = :length, frames = :frames, bytes = :bytes, finished = :finished",
        )?;
        statement.execute(named_params! {
            ":id": whole(segment.id),
            ":camera": &*segment.camera,
            ":run": whole(segment.run),
            ":part": segment.part,
            ":start": nanos(segment.start),
            ":monotonic": nanoseconds(segment.monotonic),
            ":boot": segment.boot,
            ":length": nanoseconds(segment.length),
            ":frames": whole(segment.frames),
            ":bytes": whole(segment.bytes),
            ":width": segment.size.width,
            ":height": segment.size.height,
            ":path": segment.path,
            ":finished": segment.finished,
        })?;
        Ok(())
    }

    /// Forgets a segment.
    pub(super) fn remove(&self, id: u64) -> Result<()> {
        let mut statement = self.0.prepare_cached("DELETE FROM segments WHERE id = ?")?;
        statement.execute([whole(id)])?;
        Ok(())
    }

    /// The highest number there is; 0 in an empty index.
    pub(super) fn last(&self) -> Result<u64> {
        self.0
            .query_row("SELECT coalesce(max(id), 0) FROM segments", [], |row| {
                number(row, 0)
            })
    }

    /// One segment.
    pub(super) fn segment(&self, id: u64) -> Result<Option<Segment>> {
        self.one("WHERE id = ?1", params![whole(id)])
    }

    /// The segment of that file.
    pub(super) fn at_path(&self, path: &str) -> Result<Option<Segment>> {
        self.one("WHERE path = ?1", params![path])
    }

    /// All that are not complete.
    pub(super) fn unfinished(&self) -> Result<Vec<Segment>> {
        self.many("WHERE finished = 0 ORDER BY id", params![])
    }

    /// The camera's next segment in the order of recording.
    pub(super) fn next(&self, camera: &str, id: u64) -> Result<Option<Segment>> {
        self.one(
            "WHERE camera = ?1 AND id > ?2 ORDER BY id LIMIT 1",
            params![camera, whole(id)],
        )
    }

    /// The camera's segment before in the order of recording.
    pub(super) fn previous(&self, camera: &str, id: u64) -> Result<Option<Segment>> {
        self.one(
            "WHERE camera = ?1 AND id < ?2 ORDER BY id DESC LIMIT 1",
            params![camera, whole(id)],
        )
    }

    /// The camera's segment that began last at or before a time.
    pub(super) fn begun(&self, camera: &str, at: i64) -> Result<Option<Segment>> {
        self.one(
            "WHERE camera = ?1 AND start <= ?2 ORDER BY start DESC, id DESC LIMIT 1",
            params![camera, at],
        )
    }

    /// The camera's segment that begins first after a time.
    pub(super) fn following(&self, camera: &str, at: i64) -> Result<Option<Segment>> {
        self.one(
            "WHERE camera = ?1 AND start > ?2 ORDER BY start, id LIMIT 1",
            params![camera, at],
        )
    }

    /// Up to `most` of a camera's segments with numbers in `ids` that have a picture from `from` until before `to`, in the
    /// order of recording. One that is being written is among them whatever its length.
    pub(super) fn page(
        &self,
        camera: &str,
        (from, to): (i64, i64),
        ids: RangeInclusive<u64>,
        most: usize,
    ) -> Result<Vec<Segment>> {
        self.many(
            "WHERE camera = ?1 AND id BETWEEN ?2 AND ?3 AND start < ?4 AND (start + length >= ?5 OR finished = 0)
             ORDER BY id LIMIT ?6",
            params![
                camera,
                whole(*ids.start()),
                whole(*ids.end()),
                to,
                from,
                i64::try_from(most).unwrap_or(i64::MAX)
            ],
        )
    }

    /// The names of all cameras that have something recorded.
    pub(super) fn cameras(&self) -> Result<Vec<String>> {
        // Each step jumps to the next name, where a DISTINCT would go through all rows.
        let mut statement = self.0.prepare_cached(
            "WITH RECURSIVE names (name) AS (
                 SELECT min(camera) FROM segments
                 UNION ALL SELECT (SELECT min(camera) FROM segments WHERE camera > name) FROM names WHERE name IS NOT NULL
             ) SELECT name FROM names WHERE name IS NOT NULL",
        )?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect()
    }

    /// The lowest and highest number among the first `most` of a camera's segments that begin in a time, and from when on
    /// the rest of them begin. What a page need not look beyond.
    pub(super) fn within(
        &self,
        camera: &str,
        (from, to): (i64, i64),
        most: u32,
    ) -> Result<Option<Within>> {
        let mut statement = self.0.prepare_cached(
            "SELECT min(id), max(id), max(start), count(*) FROM (
                 SELECT id, start FROM segments INDEXED BY segments_by_time
                 WHERE camera = ?1 AND start >= ?2 AND start < ?3 ORDER BY start LIMIT ?4)",
        )?;
        statement.query_row(params![camera, from, to, most], |row| {
            let (least, greatest): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
            let (latest, count): (Option<i64>, u32) = (row.get(2)?, row.get(3)?);
            // Two that begin at the same moment may have been parted.
            let rest = latest.filter(|_| count == most);
            Ok(least.zip(greatest).map(|(least, greatest)| Within {
                ids: least.cast_unsigned()..=greatest.cast_unsigned(),
                rest: rest.map(|latest| latest.max(from.saturating_add(1))),
            }))
        })
    }

    /// A camera's oldest complete segments that no pin touches.
    pub(super) fn oldest(&self, camera: &str, most: u32) -> Result<Vec<Segment>> {
        self.many(
            "WHERE camera = ?1 AND finished = 1 AND NOT EXISTS (
                 SELECT 1 FROM pins WHERE pins.camera = segments.camera
                 AND pins.start <= segments.start + segments.length AND pins.end >= segments.start)
             ORDER BY id LIMIT ?2",
            params![camera, most],
        )
    }

    /// Bytes of all segments by camera.
    pub(super) fn totals(&self) -> Result<Vec<(String, u64)>> {
        let mut statement = self.0.prepare_cached("SELECT camera, bytes FROM totals")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, number(row, 1)?)))?;
        rows.collect()
    }

    /// Adds a pin and says its number.
    pub(super) fn pin(&self, pin: &Pin) -> Result<u64> {
        self.0.execute(
            "INSERT INTO pins (camera, start, end, note) VALUES (?1, ?2, ?3, ?4)",
            params![&*pin.camera, nanos(pin.start), nanos(pin.end), pin.note],
        )?;
        Ok(self.0.last_insert_rowid().cast_unsigned())
    }

    /// Removes a pin; `false` if there is none of that number.
    pub(super) fn unpin(&self, id: u64) -> Result<bool> {
        Ok(self
            .0
            .execute("DELETE FROM pins WHERE id = ?", [whole(id)])?
            > 0)
    }

    /// All pins, of one camera or of all.
    pub(super) fn pins(&self, camera: Option<&str>) -> Result<Vec<Pin>> {
        let mut statement = self.0.prepare_cached(
            "SELECT id, camera, start, end, note FROM pins WHERE ?1 IS NULL OR camera = ?1 ORDER BY start, id",
        )?;
        let rows = statement.query_map([camera], |row| {
            Ok(Pin {
                id: number(row, 0)?,
                camera: row.get::<_, String>(1)?.into(),
                start: time(row.get(2)?),
                end: time(row.get(3)?),
                note: row.get(4)?,
            })
        })?;
        rows.collect()
    }

    fn one(&self, rest: &str, params: impl rusqlite::Params) -> Result<Option<Segment>> {
        let query = format!("SELECT {COLUMNS} FROM segments {rest}");
        let mut statement = self.0.prepare_cached(&query)?;
        statement.query_row(params, segment).optional()
    }

    fn many(&self, rest: &str, params: impl rusqlite::Params) -> Result<Vec<Segment>> {
        let query = format!("SELECT {COLUMNS} FROM segments {rest}");
        let mut statement = self.0.prepare_cached(&query)?;
        let rows = statement.query_map(params, segment)?;
        rows.collect()
    }
}

/// Whether an error means that the file is beyond use, rather than out of reach for a while.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, TypeMismatch};
    matches!(
        error,
        rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::IntegralValueOutOfRange(..)
    ) || matches!(
        error.sqlite_error_code(),
        Some(DatabaseCorrupt | NotADatabase | TypeMismatch)
    ) || matches!(error, rusqlite::Error::SqliteFailure(_, Some(text)) if text.starts_with("no such"))
}

/// Whether there was no room for what was to be written.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
}

fn damaged() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
        None,
    )
}

fn segment(row: &Row<'_>) -> Result<Segment> {
    Ok(Segment {
        id: number(row, 0)?,
        camera: row.get::<_, String>(1)?.into(),
        run: number(row, 2)?,
        part: row.get(3)?,
        start: time(row.get(4)?),
        monotonic: Duration::from_nanos(number(row, 5)?),
        boot: row.get(6)?,
        length: Duration::from_nanos(number(row, 7)?),
        frames: number(row, 8)?,
        bytes: number(row, 9)?,
        size: Size {
            width: row.get(10)?,
            height: row.get(11)?,
        },
        path: row.get(12)?,
        finished: row.get(13)?,
    })
}

/// SQLite's numbers have a sign; ours never come near where that matters.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(row: &Row<'_>, column: usize) -> Result<u64> {
    let number: i64 = row.get(column)?;
    Ok(u64::try_from(number).unwrap_or_default())
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}
