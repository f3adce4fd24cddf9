//! Room for connections: so many in all, and so many from one address.
//!
//! A connection is silent until its first request has come. Where there is no room left, the one that has been silent
//! longest gives way to the next: so whoever opens connections and says nothing keeps nobody out, and whoever speaks stays.
//!
//! Proxies that are trusted, this machine's own programs and Unix sockets have no limit of their own, for many may stand
//! behind them. What does not belong here: sockets, and how a refusal is worded (`web`).

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use tokio::sync::Notify;

use super::{Access, slow::network};

/// Room for connections. Cheap to clone.
#[derive(Clone)]
pub struct Room(Arc<Inner>);

struct Inner {
    most: usize,
    most_of_one: usize,
    access: Access,
    /// A std lock, held for a few instructions and never across an await; longer only where nothing is free and the silent
    /// ones of an address are looked for.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    figures: RoomFigures,
    /// How many there are of each address that has a limit of its own.
    of_one: HashMap<IpAddr, usize>,
    /// Those that have said nothing yet, in the order in which they came.
    silent: BTreeMap<u64, Silent>,
    next: u64,
}

struct Silent {
    address: Option<IpAddr>,
    gives_way: Arc<Notify>,
}

/// What has become of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomFigures {
    /// Open at present.
    pub open: usize,
    /// Refused because there was no room at all.
    pub full: u64,
    /// Refused because their address had too many.
    pub of_one: u64,
    /// Closed before they had said anything, to make room for others.
    pub gave_way: u64,
}

/// Why there is no room for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// As many as there may be are in use.
    Full,
    /// So many that this address may have are in use.
    OfOne,
}

/// The room of one connection, which is free again when this is dropped.
pub struct Place {
    room: Room,
    number: u64,
    /// The address, if there is a limit for it.
    address: Option<IpAddr>,
    is_silent: AtomicBool,
    gives_way: Arc<Notify>,
}

impl Room {
    /// Room for `most` connections, `most_of_one` of them from any one address.
    pub fn new(most: usize, most_of_one: usize, access: Access) -> Self {
        Self(Arc::new(Inner {
            most,
            most_of_one,
            access,
            state: Mutex::default(),
        }))
    }

    /// A place for a connection from an address; `None` is a Unix socket.
    ///
    /// # Errors
    /// [`NoRoom`], if nobody is silent who could give way.
    pub fn enter(&self, from: Option<IpAddr>) -> Result<Place, NoRoom> {
        let address = from.and_then(|from| self.limited(from));
        let mut state = self.state();
        let of_one = address.map_or(0, |it| state.of_one.get(&it).copied().unwrap_or(0));
        let gives_way = if address.is_some() && of_one >= self.0.most_of_one {
            let mut silent = state.silent.iter();
            let own = silent.find(|(_, silent)| silent.address == address);
            Some(own.map(|(number, _)| *number).ok_or(NoRoom::OfOne))
        } else if state.figures.open >= self.0.most {
            let oldest = state.silent.first_key_value();
            Some(oldest.map(|(number, _)| *number).ok_or(NoRoom::Full))
        } else {
            None
        };
        match gives_way.transpose() {
            Ok(None) => {}
            Ok(Some(number)) => state.send_away(number),
            Err(why) => {
                match why {
                    NoRoom::Full => state.figures.full += 1,
                    NoRoom::OfOne => state.figures.of_one += 1,
                }
                return Err(why);
            }
        }
        state.figures.open += 1;
        if let Some(address) = address {
            *state.of_one.entry(address).or_default() += 1;
        }
        let number = state.next;
        state.next += 1;
        let gives_way = Arc::new(Notify::new());
        let silent = Silent {
            address,
            gives_way: Arc::clone(&gives_way),
        };
        state.silent.insert(number, silent);
        drop(state);
        Ok(Place {
            room: self.clone(),
            number,
            address,
            is_silent: AtomicBool::new(true),
            gives_way,
        })
    }

    /// Whether room is short: then connections that wait for a next request are worth closing.
    pub fn is_short(&self) -> bool {
        self.state().figures.open.saturating_mul(4) > self.0.most.saturating_mul(3)
    }

    /// What has become of connections so far.
    pub fn figures(&self) -> RoomFigures {
        self.state().figures
    }

    /// What an address counts as; `None` if it has no limit.
    fn limited(&self, from: IpAddr) -> Option<IpAddr> {
        let from = from.to_canonical();
        let rules = self.0.access.rules();
        let is_proxy = rules.trusted_proxies.iter().any(|net| net.contains(&from));
        if from.is_loopback() || is_proxy {
            return None;
        }
        network(Some(from))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Tells a silent one to go. Its room is free at once, though its socket is closed a moment later.
    fn send_away(&mut self, number: u64) {
        if let Some(silent) = self.silent.remove(&number) {
            silent.gives_way.notify_one();
            self.free(silent.address);
            self.figures.gave_way += 1;
        }
    }

    fn free(&mut self, address: Option<IpAddr>) {
        self.figures.open -= 1;
        let Some(address) = address else { return };
        if let Some(count) = self.of_one.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.of_one.remove(&address);
            }
        }
    }
}

impl Place {
    /// A request has come: from now on it stays.
    pub fn speaks(&self) {
        // Once only, for each request comes by here.
        if self.is_silent.swap(false, Relaxed) {
            // Not there if it was sent away at this moment; then it is as if the request had not come.
            if self.room.state().silent.remove(&self.number).is_none() {
                self.is_silent.store(true, Relaxed);
            }
        }
    }

    /// Returns when it is to make room for another.
    pub async fn gives_way(&self) {
        self.gives_way.notified().await;
    }

    /// The room that it is a part of.
    pub fn room(&self) -> &Room {
        &self.room
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.room.state();
        let was_silent = self.is_silent.load(Relaxed);
        // One that is silent and not in the list was sent away, and its room is free already.
        if !was_silent || state.silent.remove(&self.number).is_some() {
            state.free(self.address);
        }
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.figures().fmt(f)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("number", &self.number)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::access::{Key, Rules};

    fn room(most: usize, most_of_one: usize, proxies: &[&str]) -> Room {
        let rules = Rules {
            trusted_proxies: proxies.iter().map(|net| net.parse().unwrap()).collect(),
            ..Rules::default()
        };
        let access = Access::new(rules, Key::random().unwrap(), None);
        Room::new(most, most_of_one, access)
    }

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    /// Someone who has asked for something.
    fn speaker(room: &Room, from: &str) -> Result<Place, NoRoom> {
        room.enter(ip(from)).inspect(Place::speaks)
    }

    fn is_sent_away(place: &Place) -> bool {
        use futures_util::FutureExt;
        place.gives_way().now_or_never().is_some()
    }

    #[test]
    fn one_address_has_its_share_and_no_more() {
        let room = room(100, 3, &[]);
        let mut held: Vec<_> = (0..3)
            .map(|_| speaker(&room, "10.0.0.1").unwrap())
            .collect();
        assert_eq!(speaker(&room, "10.0.0.1").unwrap_err(), NoRoom::OfOne);
        assert_eq!(
            speaker(&room, "::ffff:10.0.0.1").unwrap_err(),
            NoRoom::OfOne
        );
        assert!(speaker(&room, "10.0.0.2").is_ok());
        held.pop();
        assert!(speaker(&room, "10.0.0.1").is_ok());
        assert_eq!(room.figures().of_one, 2);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let room = room(100, 2, &[]);
        let _held = [
            speaker(&room, "2001:db8::1").unwrap(),
            speaker(&room, "2001:db8::2:3").unwrap(),
        ];
        assert_eq!(speaker(&room, "2001:db8::9").unwrap_err(), NoRoom::OfOne);
        assert!(speaker(&room, "2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn whoever_may_stand_for_many_has_no_limit_of_its_own() {
        let room = room(100, 1, &["192.168.1.0/24"]);
        let held = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "192.168.1.5", ""];
        let held: Vec<_> = held
            .iter()
            .flat_map(|from| [speaker(&room, from), speaker(&room, from)])
            .collect();
        assert!(held.iter().all(Result::is_ok));
    }

    #[test]
    fn silent_connections_give_way_the_oldest_first_and_speakers_do_not() {
        let room = room(3, 100, &[]);
        let speaks = speaker(&room, "10.0.0.1").unwrap();
        let first = room.enter(ip("10.0.0.2")).unwrap();
        let second = room.enter(ip("10.0.0.3")).unwrap();
        let third = room.enter(ip("10.0.0.4")).unwrap();
        assert!(is_sent_away(&first));
        assert!(!is_sent_away(&second) && !is_sent_away(&speaks));
        // It asks for something at this very moment, and has gone all the same.
        first.speaks();
        drop(first);
        assert_eq!(room.figures().open, 3);
        second.speaks();
        third.speaks();
        assert_eq!(room.enter(ip("10.0.0.5")).unwrap_err(), NoRoom::Full);
        drop((speaks, second, third));
        let figures = RoomFigures {
            open: 0,
            full: 1,
            of_one: 0,
            gave_way: 1,
        };
        assert_eq!(room.figures(), figures);
    }

    #[test]
    fn silent_connections_of_an_address_that_has_too_many_make_room_for_its_own() {
        let room = room(100, 2, &[]);
        let other = room.enter(ip("10.0.0.2")).unwrap();
        let silent = room.enter(ip("10.0.0.1")).unwrap();
        let _speaks = speaker(&room, "10.0.0.1").unwrap();
        let _next = speaker(&room, "10.0.0.1").unwrap();
        assert!(is_sent_away(&silent) && !is_sent_away(&other));
    }

    #[test]
    fn room_is_short_before_it_is_gone() {
        let room = room(4, 100, &[]);
        let mut held: Vec<_> = (0..3).map(|_| speaker(&room, "").unwrap()).collect();
        assert!(!room.is_short());
        held.push(speaker(&room, "").unwrap());
        assert!(room.is_short());
    }

    proptest! {
        #[test]
        fn what_is_counted_is_what_is_there(steps in prop::collection::vec((0..6_u8, 0..4_u8), 0..100)) {
            let room = room(5, 3, &[]);
            let mut held = Vec::new();
            for (step, address) in steps {
                match step {
                    0..3 => held.extend(room.enter(ip(&format!("10.0.0.{address}")))),
                    3 => { held.get(usize::from(address)).inspect(|place: &&Place| place.speaks()); }
                    _ if held.is_empty() => {}
                    _ => { held.remove(usize::from(address) % held.len()); }
                }
                prop_assert!(room.figures().open <= 5);
            }
            held.clear();
            prop_assert_eq!(room.figures().open, 0);
            prop_assert!(room.state().of_one.is_empty() && room.state().silent.is_empty());
        }
    }
}
