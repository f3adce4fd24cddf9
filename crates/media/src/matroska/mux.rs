//! Writing: which bytes go where.

use super::{
    Head, Scanner, TICK,
    ebml::{self, id, put, put_uint},
    head::{self, Slots},
};

/// A file in the making. It holds no bytes: each call says what to write.
#[derive(Debug)]
pub struct Muxer {
    slots: Slots,
    /// Where the next byte goes.
    end: u64,
    cluster: Option<Cluster>,
}

/// The cluster that blocks go into.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    at: u64,
    time: u64,
}

/// Where a frame is, for the table at the end of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cue {
    /// Its time in ticks.
    pub time: u64,
    /// Its track.
    pub track: u8,
    /// Where its block begins, as an offset in the file.
    pub at: u64,
    /// Where the cluster that it is in begins, as an offset in the file.
    pub cluster: u64,
}

/// Bytes to be written over others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Their offset in the file.
    pub at: u64,
    /// What goes there.
    pub bytes: Vec<u8>,
}

/// What is to be written for one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// To be appended to the file, with the frame's bytes after it.
    pub bytes: Vec<u8>,
    /// To be written over what is there, once a cluster has come to its end.
    pub patch: Option<Patch>,
    /// Where the frame is then.
    pub cue: Cue,
    /// The offset of the frame's own bytes.
    pub data: u64,
}

/// Bytes of a block before those of its frame, for frames of less than 256 MiB.
pub const LEAD: u64 = 9;

/// Ticks after which a cluster ends.
const CLUSTER: u64 = 1_000_000_000 / TICK.as_nanos() as u64;

impl Muxer {
    /// A file that begins with these bytes.
    pub fn new(head: &Head) -> (Self, Vec<u8>) {
        let (bytes, slots) = head.encode();
        let muxer = Self {
            slots,
            end: bytes.len() as u64,
            cluster: None,
        };
        (muxer, bytes)
    }

    /// How long the file is once all that was asked for is written.
    pub fn len(&self) -> u64 {
        self.end
    }

    /// Whether nothing was written yet; never, for a file begins with its head.
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// What is to be written for a frame of `len` bytes, `time` ticks after the start and not before the frame that went
    /// before it.
    pub fn frame(&mut self, track: u8, time: u64, key: bool, len: u32) -> Lead {
        let mut bytes = Vec::with_capacity(40);
        let mut patch = None;
        let cluster = match self.cluster {
            Some(cluster) if (cluster.time..cluster.time + CLUSTER).contains(&time) => cluster,
            old => {
                patch = old.map(|old| sized(old.at, self.end));
                ebml::put_id(&mut bytes, id::CLUSTER);
                bytes.extend_from_slice(&ebml::UNKNOWN);
                put_uint(&mut bytes, id::TIMESTAMP, time);
                Cluster { at: self.end, time }
            }
        };
        self.cluster = Some(cluster);
        let at = self.end + bytes.len() as u64;
        ebml::put_id(&mut bytes, id::SIMPLE_BLOCK);
        // Four bytes for the size of all blocks of usual length: the same overhead for each.
        ebml::put_size(&mut bytes, u64::from(len) + 4, 4);
        bytes.push(0x80 | (track & 0x7F));
        // A cluster is shorter than what 16 bits can say.
        bytes.extend_from_slice(&((time - cluster.time) as i16).to_be_bytes());
        bytes.push(if key { 0x80 } else { 0 });
        let data = self.end + bytes.len() as u64;
        self.end = data + u64::from(len);
        Lead {
            bytes,
            patch,
            cue: Cue {
                time,
                track,
                at,
                cluster: cluster.at,
            },
            data,
        }
    }

    /// What is still to be written to make the file complete: the first patch goes to its end.
    pub fn finish(self, cues: &[Cue], duration: u64) -> Vec<Patch> {
        close(
            self.slots,
            self.cluster.map(|it| it.at),
            self.end,
            cues,
            duration,
        )
    }
}

/// What makes a complete file of one that breaks off, once it is cut to `end`: the first patch goes there.
///
/// `cues` are those of the blocks before `end` that the scanner found, `duration` is in ticks.
pub fn closing<R>(scanner: &Scanner<R>, end: u64, cues: &[Cue], duration: u64) -> Vec<Patch> {
    let last = cues.last().map(|cue| cue.cluster);
    close(scanner.slots(), last, end, cues, duration)
}

fn close(
    slots: Slots,
    last_cluster: Option<u64>,
    end: u64,
    cues: &[Cue],
    duration: u64,
) -> Vec<Patch> {
    let table = table(slots.body, cues);
    let size = end + table.len() as u64 - slots.body;
    let mut patches = vec![Patch {
        at: end,
        bytes: table,
    }];
    patches.extend(last_cluster.map(|cluster| sized(cluster, end)));
    patches.extend(slots.duration.map(|at| Patch {
        at,
        bytes: head::duration(duration),
    }));
    patches.extend(slots.cues.map(|at| Patch {
        at,
        bytes: head::seek(id::CUES, end - slots.body),
    }));
    // Last, for by it a reader sees that the file is complete.
    patches.push(Patch {
        at: slots.body - 8,
        bytes: ebml::size_in_eight(size).into(),
    });
    patches
}

/// The size of the cluster at `at` that ends at `end`.
fn sized(at: u64, end: u64) -> Patch {
    Patch {
        at: at + 4,
        bytes: ebml::size_in_eight(end.saturating_sub(at + ebml::LONGEST_HEADER as u64)).into(),
    }
}

/// The table of all frames.
fn table(body: u64, cues: &[Cue]) -> Vec<u8> {
    let mut points = Vec::with_capacity(cues.len() * 24);
    for cue in cues {
        let mut position = Vec::with_capacity(20);
        put_uint(&mut position, id::CUE_TRACK, cue.track.into());
        put_uint(
            &mut position,
            id::CUE_CLUSTER_POSITION,
            cue.cluster.saturating_sub(body),
        );
        // Counted from the first byte of the cluster's body.
        let relative = cue
            .at
            .saturating_sub(cue.cluster)
            .saturating_sub(ebml::LONGEST_HEADER as u64);
        put_uint(&mut position, id::CUE_RELATIVE_POSITION, relative);
        let mut point = Vec::with_capacity(32);
        put_uint(&mut point, id::CUE_TIME, cue.time);
        put(&mut point, id::CUE_TRACK_POSITIONS, &position);
        put(&mut points, id::CUE_POINT, &point);
    }
    let mut cues = Vec::with_capacity(points.len() + ebml::LONGEST_HEADER);
    put(&mut cues, id::CUES, &points);
    cues
}
