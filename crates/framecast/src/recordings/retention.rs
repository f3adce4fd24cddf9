//! What has to go when there is too much.
//!
//! What does not belong here: deleting it, and pins: what is pinned is no candidate.

use std::time::{Duration, SystemTime};

/// How much of a camera's recordings is kept. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// For how long.
    pub keep: Option<Duration>,
    /// How many bytes.
    pub max_size: Option<u64>,
}

/// How much is there, and how much there may be.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    /// Of each camera, its bytes and its limits.
    pub(super) cameras: Vec<(u64, Limits)>,
    /// Bytes of all cameras together that may be kept.
    pub(super) max_size: Option<u64>,
    /// Bytes that are free on the disk, and how many should be.
    pub(super) free: Option<(u64, u64)>,
}

impl Usage {
    /// Whether something of a camera may have to go, so that its oldest segments have to be looked at.
    pub(super) fn may_be_too_much(&self, camera: usize) -> bool {
        let Some((bytes, limits)) = self.cameras.get(camera) else {
            return false;
        };
        let total: u64 = self.cameras.iter().map(|(bytes, _)| bytes).sum();
        limits.keep.is_some()
            || limits.max_size.is_some_and(|most| *bytes > most)
            || self.max_size.is_some_and(|most| total > most)
            || self.free.is_some_and(|(free, least)| free < least)
    }
}

/// A segment that may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) id: u64,
    /// Its camera, as an index into [`Usage::cameras`].
    pub(super) camera: usize,
    pub(super) end: SystemTime,
    pub(super) bytes: u64,
}

/// The numbers of those that have to go, the oldest first.
pub(super) fn expired(
    mut candidates: Vec<Candidate>,
    mut usage: Usage,
    now: SystemTime,
) -> Vec<u64> {
    candidates.sort_by_key(|candidate| (candidate.end, candidate.id));
    let mut total: u64 = usage.cameras.iter().map(|(bytes, _)| bytes).sum();
    let mut expired = Vec::new();
    for candidate in candidates {
        let Some((bytes, limits)) = usage.cameras.get_mut(candidate.camera) else {
            continue;
        };
        // What lies ahead of a clock that was set back is not old.
        let age = now.duration_since(candidate.end).unwrap_or_default();
        let goes = limits.keep.is_some_and(|keep| age > keep)
            || limits.max_size.is_some_and(|most| *bytes > most)
            || usage.max_size.is_some_and(|most| total > most)
            || usage.free.is_some_and(|(free, least)| free < least);
        if goes {
            *bytes = bytes.saturating_sub(candidate.bytes);
            total = total.saturating_sub(candidate.bytes);
            if let Some((free, _)) = &mut usage.free {
                *free = free.saturating_add(candidate.bytes);
            }
            expired.push(candidate.id);
        }
    }
    expired
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn candidate(id: u64, camera: usize, second: u64, bytes: u64) -> Candidate {
        Candidate {
            id,
            camera,
            end: at(second),
            bytes,
        }
    }

    #[test]
    fn the_oldest_go_first_whatever_camera_they_are_of() {
        let candidates = vec![
            candidate(1, 0, 10, 100),
            candidate(2, 1, 5, 100),
            candidate(3, 0, 20, 100),
        ];
        let usage = Usage {
            cameras: vec![(200, Limits::default()), (100, Limits::default())],
            max_size: Some(100),
            free: None,
        };
        assert_eq!(expired(candidates, usage, at(30)), [2, 1]);
    }

    #[test]
    fn only_cameras_of_which_something_may_go_are_looked_at() {
        let keep = Limits {
            keep: Some(Duration::from_secs(9)),
            max_size: None,
        };
        let small = Limits {
            keep: None,
            max_size: Some(100),
        };
        let usage = Usage {
            cameras: vec![
                (101, Limits::default()),
                (1, keep),
                (100, small),
                (101, small),
            ],
            max_size: Some(303),
            free: Some((5, 5)),
        };
        let looked_at = |usage: &Usage| [0, 1, 2, 3, 4].map(|camera| usage.may_be_too_much(camera));
        assert_eq!(looked_at(&usage), [false, true, false, true, false]);
        let full = Usage {
            free: Some((4, 5)),
            ..usage.clone()
        };
        let large = Usage {
            max_size: Some(302),
            ..usage
        };
        for usage in [full, large] {
            assert_eq!(looked_at(&usage), [true, true, true, true, false]);
        }
    }

    #[test]
    fn nothing_goes_without_a_limit() {
        let candidates = vec![candidate(1, 0, 0, 1 << 40)];
        let usage = Usage {
            cameras: vec![(1 << 40, Limits::default())],
            ..Usage::default()
        };
        assert!(expired(candidates, usage, at(1 << 30)).is_empty());
    }

    fn limits() -> impl Strategy<Value = Limits> {
        let keep = proptest::option::of((0u64..200).prop_map(Duration::from_secs));
        let size = proptest::option::of(0u64..2000);
        (keep, size).prop_map(|(keep, max_size)| Limits { keep, max_size })
    }

    proptest! {
        #[test]
        fn what_stays_keeps_the_limits_and_what_goes_had_to(
            segments in proptest::collection::vec((0usize..3, 0u64..200, 0u64..100), 0..40),
            cameras in proptest::collection::vec(limits(), 3),
            max_size in proptest::option::of(0u64..4000),
            free in proptest::option::of((0u64..500, 0u64..1000)),
        ) {
            let candidates: Vec<Candidate> = segments.iter().enumerate()
                .map(|(id, (camera, end, bytes))| candidate(id as u64, *camera, *end, *bytes))
                .collect();
            let sum = |camera: usize, gone: &[u64]| -> u64 {
                let of = candidates.iter().filter(|it| it.camera == camera && !gone.contains(&it.id));
                of.map(|it| it.bytes).sum()
            };
            let usage = Usage {
                cameras: cameras.iter().enumerate().map(|(n, limits)| (sum(n, &[]), *limits)).collect(),
                max_size,
                free,
            };
            let now = at(200);
            let gone = expired(candidates.clone(), usage, now);
            for (number, limits) in cameras.iter().enumerate() {
                prop_assert!(limits.max_size.is_none_or(|most| sum(number, &gone) <= most));
                for stays in candidates.iter().filter(|it| it.camera == number && !gone.contains(&it.id)) {
                    prop_assert!(limits.keep.is_none_or(|keep| now.duration_since(stays.end).unwrap() <= keep));
                }
            }
            let total: u64 = (0..3).map(|camera| sum(camera, &gone)).sum();
            prop_assert!(max_size.is_none_or(|most| total <= most));
            let freed: u64 = candidates.iter().filter(|it| gone.contains(&it.id)).map(|it| it.bytes).sum();
            if let Some((free, least)) = free {
                prop_assert!(free + freed >= least || gone.len() == candidates.len());
            }
            // One fewer would not have done: the last that went was over some limit.
            if let Some(last) = gone.last() {
                let before = &gone[..gone.len() - 1];
                let it = candidates.iter().find(|it| it.id == *last).unwrap();
                let limits = cameras[it.camera];
                let total: u64 = (0..3).map(|camera| sum(camera, before)).sum();
                let over = limits.keep.is_some_and(|keep| now.duration_since(it.end).unwrap() > keep)
                    || limits.max_size.is_some_and(|most| sum(it.camera, before) > most)
                    || max_size.is_some_and(|most| total > most)
                    || free.is_some_and(|(free, least)| free + freed - it.bytes < least);
                prop_assert!(over);
            }
        }
    }
}
