//! A webcam in software: speaks USB/IP to the kernel's `vhci_hcd` over a socket pair, so that the stock `uvcvideo` driver
//! binds to it as to a plugged-in camera.
//!
//! `uvcsim FRAMES.mjpeg`: plugs in a camera that shows these pictures, 640x480 at 30 a second, as MJPEG, or plain ones as
//! YUYV. Killing it unplugs the camera.
//!
//! Sources: <https://docs.kernel.org/usb/usbip_protocol.html>; USB Device Class Definition for Video Devices 1.0.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool for tests: it fails by panicking, and says what it does"
)]

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

const W: u16 = 640;
const H: u16 = 480;
const PAYLOAD: u32 = 16384;

fn device() -> Vec<u8> {
    vec![
        18, 1, 0, 2, 0xef, 2, 1, 64, 0x6b, 0x1d, 0x02, 0x01, 0, 1, 1, 2, 3, 1,
    ]
}

/// A frame descriptor: both formats lay it out alike, only the subtype differs.
fn frame(subtype: u8, index: u8, w: u16, h: u16, rates: &[u32]) -> Vec<u8> {
    let size = w as u32 * h as u32 * 2;
    let mut d = vec![26 + 4 * rates.len() as u8, 0x24, subtype, index, 0];
    d.extend(w.to_le_bytes());
    d.extend(h.to_le_bytes());
    d.extend((size * 8 * 5).to_le_bytes());
    d.extend((size * 8 * 30).to_le_bytes());
    d.extend(size.to_le_bytes());
    d.extend((10_000_000 / rates[0]).to_le_bytes());
    d.push(rates.len() as u8);
    for r in rates {
        d.extend((10_000_000 / r).to_le_bytes());
    }
    d
}

fn config() -> Vec<u8> {
    let mut vs = vec![15, 0x24, 1, 2, 0, 0, 0x81, 0, 3, 0, 0, 0, 1, 0, 0];
    vs.extend([11, 0x24, 6, 1, 1, 0, 1, 0, 0, 0, 0]); // format 1: MJPEG
    vs.extend(frame(7, 1, W, H, &[30, 15]));
    vs.extend([6, 0x24, 0x0d, 1, 1, 4]);
    vs.extend([27, 0x24, 4, 2, 1]); // format 2: YUY2
    vs.extend(*b"YUY2\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
    vs.extend([16, 1, 0, 0, 0, 0]);
    vs.extend(frame(5, 1, W, H, &[30, 15]));
    vs.extend([6, 0x24, 0x0d, 1, 1, 4]);
    let n = vs.len() as u16;
    vs[4..6].copy_from_slice(&n.to_le_bytes());

    let mut vc = vec![13, 0x24, 1, 0, 1, 0, 0];
    vc.extend(48_000_000u32.to_le_bytes());
    vc.extend([1, 1]);
    vc.extend([18, 0x24, 2, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
    vc.extend([11, 0x24, 5, 2, 1, 0, 0, 2, 1, 0, 0]); // processing unit: brightness
    vc.extend([9, 0x24, 3, 3, 1, 1, 0, 2, 0]);
    let n = vc.len() as u16;
    vc[5..7].copy_from_slice(&n.to_le_bytes());

    let mut c = vec![9, 2, 0, 0, 2, 1, 0, 0x80, 50];
    c.extend([8, 11, 0, 2, 14, 3, 0, 0]);
    c.extend([9, 4, 0, 0, 0, 14, 1, 0, 0]);
    c.extend(vc);
    c.extend([9, 4, 1, 0, 1, 14, 2, 0, 0]);
    c.extend(vs);
    c.extend([7, 5, 0x81, 2, 0, 2, 0]); // bulk IN, 512
    let n = c.len() as u16;
    c[2..4].copy_from_slice(&n.to_le_bytes());
    c
}

fn string(i: u8) -> Vec<u8> {
    if i == 0 {
        return vec![4, 3, 9, 4];
    }
    let s = ["", "Maker", "Software Webcam", "SIM0001"][i as usize % 4];
    let mut d = vec![2 + 2 * s.len() as u8, 3];
    s.encode_utf16().for_each(|u| d.extend(u.to_le_bytes()));
    d
}

struct State {
    probe: [u8; 26],
    commit: [u8; 26],
    brightness: i16,
}

fn fix(p: &mut [u8; 26]) {
    if p[2] == 0 || p[2] > 2 {
        p[2] = 1;
    }
    p[3] = 1;
    let iv = u32::from_le_bytes(p[4..8].try_into().unwrap());
    let iv = if iv > 400_000 { 666_666 } else { 333_333u32 };
    p[4..8].copy_from_slice(&iv.to_le_bytes());
    p[18..22].copy_from_slice(&(W as u32 * H as u32 * 2).to_le_bytes());
    p[22..26].copy_from_slice(&PAYLOAD.to_le_bytes());
}

/// Answers one control transfer; None stalls.
fn control(st: &mut State, setup: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let (rt, rq, val, idx) = (
        setup[0],
        setup[1],
        u16::from_le_bytes([setup[2], setup[3]]),
        u16::from_le_bytes([setup[4], setup[5]]),
    );
    let sel = (val >> 8) as u8;
    match (rt, rq) {
        (0x80, 6) => match sel {
            1 => Some(device()),
            2 => Some(config()),
            3 => Some(string(val as u8)),
            _ => None,
        },
        (0x80..=0x82, 0) => Some(vec![0, 0]),
        (0x80, 8) => Some(vec![1]),
        (0x81, 10) => Some(vec![0]),
        (0x00..=0x02, _) => Some(vec![]),
        (0x21, 1) if idx == 1 => {
            let n = data.len().min(26);
            let p = if sel == 1 {
                &mut st.probe
            } else {
                &mut st.commit
            };
            p[..n].copy_from_slice(&data[..n]);
            fix(p);
            Some(vec![])
        }
        (0xa1, 0x86) => Some(vec![3]),
        (0xa1, 0x85) if idx == 1 => Some(vec![26, 0]),
        (0xa1, _) if idx == 1 => Some(if sel == 1 { st.probe } else { st.commit }.to_vec()),
        (0x21, 1) if idx == 0x0200 && sel == 2 && data.len() >= 2 => {
            st.brightness = i16::from_le_bytes([data[0], data[1]]);
            Some(vec![])
        }
        (0xa1, q) if idx == 0x0200 && sel == 2 => Some(
            match q {
                0x81 => st.brightness,
                0x82 => -64,
                0x83 => 64,
                0x84 => 1,
                0x87 => 0,
                _ => return None,
            }
            .to_le_bytes()
            .to_vec(),
        ),
        _ => None,
    }
}

fn reply(s: &Mutex<UnixStream>, cmd: u32, seq: u32, status: i32, actual: u32, data: &[u8]) {
    let mut m = vec![0u8; 48];
    m[0..4].copy_from_slice(&cmd.to_be_bytes());
    m[4..8].copy_from_slice(&seq.to_be_bytes());
    m[20..24].copy_from_slice(&status.to_be_bytes());
    m[24..28].copy_from_slice(&actual.to_be_bytes());
    m.extend(data);
    if s.lock().unwrap().write_all(&m).is_err() {
        std::process::exit(0);
    }
}

fn split(all: &[u8]) -> Vec<Vec<u8>> {
    let (mut out, mut start) = (vec![], 0);
    for i in 1..all.len() {
        if all[i - 1] == 0xff && all[i] == 0xd9 {
            out.push(all[start..=i].to_vec());
            start = i + 1;
        }
    }
    out
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let jpegs = split(&std::fs::read(&args[1]).expect("frames"));
    let (kernel, mine) = UnixStream::pair().unwrap();
    std::fs::write(
        "/sys/devices/platform/vhci_hcd.0/attach",
        format!("0 {} 65537 3", kernel.as_raw_fd()),
    )
    .expect("attach");
    drop(kernel);
    println!("attached, {} frames", jpegs.len());

    let mut rx = mine.try_clone().unwrap();
    let tx = Arc::new(Mutex::new(mine));
    let urbs = Arc::new((Mutex::new(VecDeque::<(u32, u32)>::new()), Condvar::new()));
    let mut p = [0u8; 26];
    p[2] = 1;
    fix(&mut p);
    let st = Arc::new(Mutex::new(State {
        probe: p,
        commit: p,
        brightness: 0,
    }));

    // The sensor: a frame per interval into whatever bulk transfers wait.
    {
        let (tx, urbs, st) = (tx.clone(), urbs.clone(), st.clone());
        std::thread::spawn(move || {
            let (mut n, mut next) = (0usize, Instant::now());
            loop {
                {
                    let mut q = urbs.0.lock().unwrap();
                    while q.is_empty() {
                        q = urbs.1.wait(q).unwrap();
                    }
                }
                let c = st.lock().unwrap().commit;
                let iv = Duration::from_nanos(
                    100 * u32::from_le_bytes(c[4..8].try_into().unwrap()) as u64,
                );
                let now = Instant::now();
                if next > now {
                    std::thread::sleep(next - now);
                }
                next = (next + iv).max(Instant::now() - iv);
                let f = if c[2] == 1 {
                    jpegs[n % jpegs.len()].clone()
                } else {
                    vec![(n * 4) as u8; W as usize * H as usize * 2]
                };
                let mut chunks = f.chunks(PAYLOAD as usize - 2).peekable();
                'frame: while let Some(chunk) = chunks.next() {
                    let eof = chunks.peek().is_none();
                    let mut pl = vec![2, 0x80 | (n & 1) as u8 | if eof { 2 } else { 0 }];
                    pl.extend(chunk);
                    let mut q = urbs.0.lock().unwrap();
                    loop {
                        if let Some((seq, len)) = q.pop_front() {
                            let k = pl.len().min(len as usize);
                            reply(&tx, 3, seq, 0, k as u32, &pl[..k]);
                            break;
                        }
                        let (g, t) = urbs.1.wait_timeout(q, Duration::from_millis(500)).unwrap();
                        q = g;
                        if t.timed_out() && q.is_empty() {
                            break 'frame;
                        }
                    }
                }
                n += 1;
            }
        });
    }

    let mut h = [0u8; 48];
    while rx.read_exact(&mut h).is_ok() {
        let w = |i: usize| u32::from_be_bytes(h[i..i + 4].try_into().unwrap());
        let (cmd, seq, dir, ep, len) = (w(0), w(4), w(12), w(16), w(24));
        if cmd == 2 {
            let victim = w(20);
            let mut q = urbs.0.lock().unwrap();
            let before = q.len();
            q.retain(|u| u.0 != victim);
            reply(&tx, 4, seq, if q.len() < before { -104 } else { 0 }, 0, &[]);
            continue;
        }
        let mut data = vec![];
        if dir == 0 {
            data.resize(len as usize, 0);
            rx.read_exact(&mut data).unwrap();
        }
        if ep == 1 {
            urbs.0.lock().unwrap().push_back((seq, len));
            urbs.1.notify_all();
            continue;
        }
        match control(&mut st.lock().unwrap(), &h[40..48], &data) {
            Some(mut d) if dir == 1 => {
                d.truncate(len as usize);
                reply(&tx, 3, seq, 0, d.len() as u32, &d)
            }
            Some(_) => reply(&tx, 3, seq, 0, len, &[]),
            None => reply(&tx, 3, seq, -32, 0, &[]),
        }
    }
    println!("detached");
}
