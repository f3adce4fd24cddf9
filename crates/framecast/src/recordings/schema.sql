-- What the index of recordings looks like. Another form needs another VERSION in index.rs.
CREATE TABLE IF NOT EXISTS segments (
    id INTEGER PRIMARY KEY,
    camera TEXT NOT NULL,
    run INTEGER NOT NULL,
    part INTEGER NOT NULL,
    start INTEGER NOT NULL,
    monotonic INTEGER NOT NULL,
    boot TEXT NOT NULL,
    length INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    path TEXT NOT NULL UNIQUE,
    finished INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS segments_by_time ON segments (camera, start);
CREATE INDEX IF NOT EXISTS segments_by_order ON segments (camera, id);
CREATE INDEX IF NOT EXISTS segments_open ON segments (finished) WHERE finished = 0;
CREATE TABLE IF NOT EXISTS totals (camera TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS segment_added AFTER INSERT ON segments BEGIN
    INSERT INTO totals VALUES (new.camera, new.bytes) ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER IF NOT EXISTS segment_changed AFTER UPDATE OF bytes ON segments BEGIN
    UPDATE totals SET bytes = bytes + new.bytes - old.bytes WHERE camera = new.camera;
END;
CREATE TRIGGER IF NOT EXISTS segment_removed AFTER DELETE ON segments BEGIN
    UPDATE totals SET bytes = bytes - old.bytes WHERE camera = old.camera;
END;
CREATE TABLE IF NOT EXISTS pins (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    camera TEXT NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    note TEXT NOT NULL
);
