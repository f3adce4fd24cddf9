//! A table of a million rows is streamed in constant memory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    io::Read,
    thread::sleep,
    time::{Duration, Instant},
};

use support::{Example, read_until};
use tempfile::TempDir;

const ROWS: u64 = 1_000_000;

fn start(folder: &TempDir) -> Example {
    let database = folder.path().join("prices.sqlite");
    let arguments = [database.to_str().unwrap(), "127.0.0.1:0", &ROWS.to_string()];
    Example::start(env!("CARGO_BIN_EXE_table"), &arguments)
}

/// Queries running and rows read.
fn progress(example: &Example) -> (u64, u64) {
    let answer = example.get("/progress");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let numbers: Vec<u64> = body
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    (numbers[0], numbers[1])
}

/// The most memory that the program ever had, in bytes.
fn peak(example: &Example) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", example.child.id())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}

#[test]
fn a_million_rows_pass_through_little_memory() {
    let folder = TempDir::new().unwrap();
    let example = start(&folder);
    let before = peak(&example);

    let mut answer = example.ask("/prices.csv");
    let opening = read_until(&mut answer, "day,symbol,price", 1);
    let (_, body) = opening.split_once("\r\n\r\n").unwrap();
    let mut bytes = body.len();
    let mut lines = body.lines().count() - usize::from(!body.ends_with('\n'));
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = answer.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        bytes += read;
        lines += buffer[..read].iter().filter(|byte| **byte == b'\n').count();
    }

    assert_eq!(progress(&example), (0, ROWS));
    assert_eq!(lines as u64, ROWS + 1);
    assert!(bytes > 20_000_000, "{bytes}");
    let more = peak(&example) - before;
    assert!(
        more < 8 << 20,
        "it took {more} bytes more for a table of {bytes}"
    );
    assert!(peak(&example) < 64 << 20);
}

#[test]
fn the_first_row_comes_before_the_last_is_read_and_a_client_that_leaves_stops_the_query() {
    let folder = TempDir::new().unwrap();
    let example = start(&folder);
    let mut answer = example.ask("/prices.html");
    let first = read_until(&mut answer, "<td>ABLE", 1);
    assert!(first.contains("text/html"), "{first}");

    // A client that does not read on holds the query up.
    let settled = settled(&example);
    assert_eq!(settled.0, 1);
    assert!(settled.1 < ROWS / 2, "{settled:?}");

    drop(answer);
    let deadline = Instant::now() + Duration::from_secs(10);
    while progress(&example).0 > 0 {
        assert!(Instant::now() < deadline, "the query still runs");
        sleep(Duration::from_millis(20));
    }
    let (_, rows) = progress(&example);
    assert!(rows < ROWS / 2, "{rows} rows were read for nobody");
}

/// The progress once it stands still.
fn settled(example: &Example) -> (u64, u64) {
    let mut last = progress(example);
    loop {
        sleep(Duration::from_millis(200));
        let now = progress(example);
        if now == last {
            return now;
        }
        last = now;
    }
}
