//! The loop of one thread of viewers.

use std::{
    io,
    net::TcpStream,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    net::{RecvFlags, recv},
    process::setpriority_process,
    thread::gettid,
};

use super::{State, Tally, viewer::Viewer};
use crate::process;

/// What a wake-up may find.
const EVENTS: usize = 8192;
/// Bytes that are taken of one viewer before the next has its turn.
const TAKEN: usize = 1 << 20;
/// How long viewers that discard lie down before they look again: what came meanwhile is one call for each. Readers never
/// wait.
const NAP: Duration = Duration::from_millis(1);
const WAKE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// What viewers do with what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Discarding,
    Reading,
}

/// The viewers of one kind.
#[derive(Debug)]
pub(super) struct Engine {
    kind: Kind,
    epoll: Arc<OwnedFd>,
    arrivals: Receiver<(usize, TcpStream)>,
}

/// Where viewers come in.
#[derive(Debug)]
pub(super) struct Door {
    epoll: Arc<OwnedFd>,
    arrivals: Sender<(usize, TcpStream)>,
}

impl Door {
    pub(super) fn add(&self, viewer: usize, socket: TcpStream) -> Result<()> {
        socket.set_nonblocking(true)?;
        let data = epoll::EventData::new_u64(viewer as u64);
        let watched = socket.try_clone()?;
        // The loop finds the viewer when the first event comes: it is sent before it is watched.
        self.arrivals.send((viewer, socket))?;
        epoll::add(&self.epoll, &watched, data, epoll::EventFlags::IN).map_err(io::Error::from)?;
        Ok(())
    }
}

impl Engine {
    pub(super) fn new(kind: Kind) -> Result<(Self, Door)> {
        let epoll = Arc::new(epoll::create(epoll::CreateFlags::CLOEXEC).map_err(io::Error::from)?);
        let (sender, receiver) = mpsc::channel();
        let engine = Self {
            kind,
            epoll: Arc::clone(&epoll),
            arrivals: receiver,
        };
        let door = Door {
            epoll,
            arrivals: sender,
        };
        Ok((engine, door))
    }

    pub(super) fn run(self, tally: &Tally) {
        if self.kind == Kind::Reading {
            // How old a frame is when it arrives shall not depend on when this thread gets its turn. Not everybody may ask.
            let _allowed = setpriority_process(Some(gettid()), -15);
        }
        let mut viewers: Vec<Option<Viewer>> = tally.bytes.iter().map(|_| None).collect();
        let mut events = Vec::with_capacity(EVENTS);
        let mut buffer = vec![0; TAKEN];
        let own = &tally.own[self.kind as usize];
        while !tally.stop.load(Relaxed) {
            events.clear();
            let woken = epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&WAKE));
            if woken.is_err() {
                continue;
            }
            let begun = Instant::now();
            while let Ok((index, socket)) = self.arrivals.try_recv() {
                viewers[index] = Some(Viewer::new(index, socket));
            }
            for event in &events {
                let index = event.data.u64() as usize;
                let Some(viewer) = &mut viewers[index] else {
                    continue;
                };
                if !self.turn(viewer, &mut buffer, tally) {
                    // Its socket leaves the epoll as it is closed.
                    viewers[index] = None;
                }
            }
            let pass = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            own.1.fetch_max(pass, Relaxed);
            let cpu = process::own_thread_cpu().as_nanos();
            own.0.store(u64::try_from(cpu).unwrap_or(u64::MAX), Relaxed);
            if self.kind == Kind::Discarding {
                thread::sleep(NAP);
            }
        }
    }

    /// Takes what is there for one viewer. `false` when it has nothing more to expect.
    fn turn(&self, viewer: &mut Viewer, buffer: &mut [u8], tally: &Tally) -> bool {
        let discard = self.kind == Kind::Discarding && viewer.is_served();
        let flags = if discard {
            RecvFlags::TRUNC
        } else {
            RecvFlags::empty()
        };
        let index = viewer.index;
        let (held, taken) = match recv(&viewer.socket, &mut *buffer, flags) {
            Ok((held, taken)) => (held, taken),
            Err(error) if error == rustix::io::Errno::AGAIN => return true,
            Err(_) => (0, 0),
        };
        if taken == 0 {
            let unserved = tally.states[index].load(Relaxed) != State::Served as u8;
            tally.enter(
                index,
                if unserved {
                    State::Refused
                } else {
                    State::Ended
                },
            );
            return false;
        }
        if discard {
            tally.bytes[index].fetch_add(taken as u64, Relaxed);
            return true;
        }
        let Ok(body) = viewer.receive(&buffer[..held]) else {
            tally.enter(index, State::Refused);
            return false;
        };
        if body.is_served {
            tally.enter(index, State::Served);
        }
        tally.bytes[index].fetch_add(body.bytes as u64, Relaxed);
        if self.kind == Kind::Reading {
            let samples = viewer.samples();
            if !samples.is_empty()
                && let Ok(mut all) = tally.samples.lock()
            {
                all.extend(samples);
            }
        }
        true
    }
}
