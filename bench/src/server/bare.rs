//! The limit: one thread that writes each frame to all sockets, one call for each, and does nothing else.
//!
//! A viewer whose socket is full when a frame comes gets the rest of the one before and then the next.

use std::{
    collections::HashMap,
    fs, io,
    net::{TcpListener, TcpStream},
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use bytes::Bytes;
use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send},
};

use super::parts::{Cameras, head, part};
use crate::load::raise_limit;

/// What an event of the listening socket is known by.
const LISTENER: u64 = u64::MAX;

struct Viewer {
    socket: TcpStream,
    camera: Option<usize>,
    /// What of the last frame did not go out yet.
    rest: Bytes,
}

/// Serves until it is killed.
pub(crate) fn run(cameras: &Cameras) -> Result<()> {
    raise_limit()?;
    let jpeg = fs::read(&cameras.jpeg)?;
    let listener = TcpListener::bind(cameras.listen).context("the port is taken")?;
    listener.set_nonblocking(true)?;
    // The standard library's queue of 128 would turn away viewers that come at once.
    rustix::net::listen(&listener, 4096).map_err(io::Error::from)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(io::Error::from)?;
    let watch = |socket: &dyn std::os::fd::AsFd, data, flags| {
        epoll::add(
            &epoll,
            socket.as_fd(),
            epoll::EventData::new_u64(data),
            flags,
        )
        .map_err(io::Error::from)
    };
    watch(&listener, LISTENER, epoll::EventFlags::IN)?;
    let mut viewers: HashMap<u64, Viewer> = HashMap::new();
    let mut rows: Vec<Vec<u64>> = vec![Vec::new(); cameras.cameras];
    let begun = Instant::now();
    let mut due: Vec<Instant> = (0..cameras.cameras)
        .map(|camera| begun + cameras.interval() + cameras.phase(camera))
        .collect();
    let mut number = 0;
    let mut events = Vec::with_capacity(1024);
    loop {
        for camera in 0..cameras.cameras {
            if due[camera] > Instant::now() {
                continue;
            }
            // As a camera does: what was missed is not made up for.
            due[camera] = (due[camera] + cameras.interval()).max(Instant::now());
            if camera == 0 {
                number += 1;
            }
            let frame = part(&jpeg, number);
            rows[camera].retain(|key| {
                let Some(viewer) = viewers.get_mut(key) else {
                    return false;
                };
                if viewer.rest.is_empty() {
                    viewer.rest = frame.clone();
                }
                let open = write(viewer);
                if !open {
                    viewers.remove(key);
                }
                open
            });
        }
        let next = due.iter().min().copied().unwrap_or(begun);
        events.clear();
        let wait = timespec(next.saturating_duration_since(Instant::now()));
        match epoll::wait(&epoll, spare_capacity(&mut events), Some(&wait)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
        for event in &events {
            let key = event.data.u64();
            if key == LISTENER {
                while let Ok((socket, _)) = listener.accept() {
                    socket.set_nonblocking(true)?;
                    socket.set_nodelay(true)?;
                    let key = socket.as_raw_fd() as u64;
                    let flags =
                        epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
                    watch(&socket, key, flags)?;
                    let viewer = Viewer {
                        socket,
                        camera: None,
                        rest: Bytes::new(),
                    };
                    viewers.insert(key, viewer);
                }
                continue;
            }
            let Some(viewer) = viewers.get_mut(&key) else {
                continue;
            };
            let mut open = true;
            // Copied, as it lies unaligned in the event.
            let flags = event.flags;
            if flags.contains(epoll::EventFlags::IN) {
                let mut request = [0; 2048];
                open = match recv(&viewer.socket, &mut request[..], RecvFlags::empty()) {
                    Ok((0, _)) => false,
                    Ok((length, _)) => {
                        if viewer.camera.is_none() {
                            let camera = cameras.asked(&request[..length]);
                            viewer.camera = Some(camera);
                            viewer.rest = head();
                            rows[camera].push(key);
                        }
                        true
                    }
                    Err(error) => error == Errno::AGAIN,
                };
            }
            if !open || !write(viewer) {
                viewers.remove(&key);
            }
        }
    }
}

/// Writes what is left. `false` if the viewer is gone.
fn write(viewer: &mut Viewer) -> bool {
    if viewer.rest.is_empty() {
        return true;
    }
    match send(&viewer.socket, &viewer.rest, SendFlags::NOSIGNAL) {
        Ok(written) => {
            // What is left goes out when the socket says that it has room again.
            let _written = viewer.rest.split_to(written);
            true
        }
        Err(error) => error == Errno::AGAIN,
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: time.as_secs() as i64,
        tv_nsec: i64::from(time.subsec_nanos()),
    }
}
