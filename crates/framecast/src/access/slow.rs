//! Slows down those who guess: the more failed logins from one address, the longer it waits; and a user is guessed at only so
//! often by all addresses together. Nobody is locked out: a wait ends, and where a user has logged in before, only the address
//! itself counts.
//!
//! The clock is an argument. What does not belong here: what is right and wrong.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

/// Failures that cost nothing: typing errors.
const FREE: u32 = 4;
/// The wait after one more; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait of an address.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The longest wait of a user on addresses where they have not logged in before.
const LONGEST_USER_WAIT: Duration = Duration::from_secs(4);
/// After this time without a failure all is forgotten.
const FORGET: Duration = Duration::from_secs(15 * 60);
/// Addresses and users that are remembered; beyond, those whose failures are the oldest give way.
const MOST: usize = 4096;
/// Places where users logged in that are remembered.
const MOST_KNOWN: usize = 1024;

/// What was guessed wrong of late.
#[derive(Debug, Default)]
pub(super) struct Slow {
    failures: HashMap<Key, Failures>,
    /// Where users logged in, and when.
    known: HashMap<(String, Option<IpAddr>), Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    From(Option<IpAddr>),
    User(String),
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Slow {
    /// How long the next attempt must wait; `None` if it needn't. An attempt that may be made counts as failed until
    /// [`succeeded`](Self::succeeded) says otherwise: else many at once would all find that they needn't wait.
    pub(super) fn attempt(
        &mut self,
        from: Option<IpAddr>,
        user: &str,
        now: Instant,
    ) -> Option<Duration> {
        let from = network(from);
        let is_known = self.known.contains_key(&(user.to_owned(), from));
        let mut keys = vec![(Key::From(from), LONGEST_WAIT)];
        if !is_known {
            keys.push((Key::User(user.to_owned()), LONGEST_USER_WAIT));
        }
        let wait = keys
            .iter()
            .filter_map(|(key, longest)| self.wait(key, *longest, now))
            .max();
        if wait.is_none() {
            for (key, _) in keys {
                self.count(key, now);
            }
        }
        wait
    }

    /// The attempt was right: its address and its user start anew, there.
    pub(super) fn succeeded(&mut self, from: Option<IpAddr>, user: &str, now: Instant) {
        let from = network(from);
        self.failures.remove(&Key::From(from));
        // What others guess from elsewhere goes on counting for them.
        if let Some(failures) = self.failures.get_mut(&Key::User(user.to_owned())) {
            failures.count = failures.count.saturating_sub(1);
        }
        if self.known.len() >= MOST_KNOWN {
            let oldest = self.known.iter().min_by_key(|(_, since)| **since);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.known.remove(&oldest);
            }
        }
        self.known.insert((user.to_owned(), from), now);
    }

    fn wait(&self, key: &Key, longest: Duration, now: Instant) -> Option<Duration> {
        let failures = self.failures.get(key)?;
        let since = now.saturating_duration_since(failures.last);
        let more = failures.count.checked_sub(FREE)?;
        if since >= FORGET {
            return None;
        }
        let wait = FIRST_WAIT
            .saturating_mul(1 << more.min(16))
            .min(longest)
            .saturating_sub(since);
        (!wait.is_zero()).then_some(wait)
    }

    fn count(&mut self, key: Key, now: Instant) {
        if self.failures.len() >= MOST && !self.failures.contains_key(&key) {
            self.failures
                .retain(|_, failures| now.saturating_duration_since(failures.last) < FORGET);
            let oldest = self
                .failures
                .iter()
                .min_by_key(|(_, failures)| failures.last);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone())
                && self.failures.len() >= MOST
            {
                self.failures.remove(&oldest);
            }
        }
        let failures = self.failures.entry(key).or_insert(Failures {
            count: 0,
            last: now,
        });
        if now.saturating_duration_since(failures.last) >= FORGET {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
    }
}

/// Whoever has one IPv6 address has the whole network of 64 bits.
pub(super) fn network(from: Option<IpAddr>) -> Option<IpAddr> {
    from.map(|from| match from.to_canonical() {
        IpAddr::V6(ip) => {
            let bits = u128::from(ip) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(bits))
        }
        v4 => v4,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn each_failure_makes_the_next_wait_longer_up_to_half_a_minute() {
        let (mut slow, mut now) = (Slow::default(), Instant::now());
        let mut waits = Vec::new();
        for attempt in 0..12 {
            let user = format!("user{attempt}");
            if let Some(wait) = slow.attempt(ip("10.0.0.1"), &user, now) {
                waits.push(wait.as_secs());
                now += wait;
                assert_eq!(slow.attempt(ip("10.0.0.1"), &user, now), None);
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        // Another address has nothing to do with it.
        assert_eq!(slow.attempt(ip("10.0.0.2"), "anna", now), None);
        now += FORGET;
        assert_eq!(slow.attempt(ip("10.0.0.1"), "anna", now), None);
    }

    #[test]
    fn many_attempts_at_once_are_no_way_around() {
        let (mut slow, now) = (Slow::default(), Instant::now());
        let free = (0..100).filter(|_| slow.attempt(ip("10.0.0.1"), "anna", now).is_none());
        assert_eq!(free.count(), FREE as usize);
    }

    #[test]
    fn a_user_who_is_guessed_at_from_everywhere_still_logs_in_where_they_did_before() {
        let (mut slow, mut now) = (Slow::default(), Instant::now());
        assert_eq!(slow.attempt(ip("192.168.1.2"), "anna", now), None);
        slow.succeeded(ip("192.168.1.2"), "anna", now);
        let mut guesses = 0;
        for number in 0..1000_u32 {
            let from = Some(IpAddr::from((0x0a00_0000 + number).to_be_bytes()));
            guesses += usize::from(slow.attempt(from, "anna", now).is_none());
            now += SECOND / 10;
        }
        // A hundred seconds of guessing from a thousand addresses.
        assert!(guesses <= FREE as usize + 30, "{guesses}");
        assert_eq!(slow.attempt(ip("192.168.1.2"), "anna", now), None);
        // And from a new place within seconds.
        let wait = slow.attempt(ip("192.168.1.3"), "anna", now);
        assert!(wait.is_none_or(|wait| wait <= LONGEST_USER_WAIT));
    }

    #[test]
    fn who_succeeds_starts_anew() {
        let (mut slow, now) = (Slow::default(), Instant::now());
        for _ in 0..FREE {
            assert_eq!(slow.attempt(ip("10.0.0.1"), "anna", now), None);
        }
        slow.succeeded(ip("10.0.0.1"), "anna", now);
        assert_eq!(slow.attempt(ip("10.0.0.1"), "anna", now), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut slow, now) = (Slow::default(), Instant::now());
        for number in 0..3 * MOST as u32 {
            let from = Some(IpAddr::from(number.to_be_bytes()));
            slow.attempt(from, &format!("user{number}"), now);
            slow.succeeded(from, &format!("user{number}"), now);
            slow.attempt(from, &format!("user{number}"), now);
        }
        assert!(slow.failures.len() <= MOST);
        assert!(slow.known.len() <= MOST_KNOWN);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        assert_eq!(network(ip("2001:db8::1")), network(ip("2001:db8::2:3")));
        assert_ne!(network(ip("2001:db8::1")), network(ip("2001:db8:0:1::1")));
        assert_eq!(network(ip("::ffff:10.0.0.1")), ip("10.0.0.1"));
    }
}
