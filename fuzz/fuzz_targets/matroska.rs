//! A scan of any bytes ends, stays inside them, and what it finds whole is found again once the rest is cut off.
#![no_main]

use std::io;

use framecast_media::matroska::{Block, Cue, Limits, Scanner, closing};
use libfuzzer_sys::fuzz_target;

fn reader(file: &[u8]) -> impl FnMut(u64, &mut [u8]) -> io::Result<usize> {
    move |at, into| {
        let rest = file.get(at as usize..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

fn scan(file: &[u8]) -> Option<(Vec<Cue>, u64)> {
    let limits = Limits::default();
    let mut scanner = Scanner::open(reader(file), file.len() as u64, limits).ok()?;
    for cue in scanner.cues(limits).unwrap_or_default().unwrap_or_default().0 {
        let block = file.get(cue.at as usize..).unwrap_or_default();
        if let Some(data) = Block::read(&cue, block) {
            assert!(data.start <= data.end && data.end <= block.len());
        }
    }
    let mut cues = Vec::new();
    let mut last = 0;
    while let Some(block) = scanner.next().expect("reading from memory never fails") {
        assert!(block.cue.at >= last, "a step back");
        assert!(block.data.start <= block.data.end && block.data.end <= file.len() as u64);
        last = block.data.end;
        cues.push(block.cue);
    }
    let _ = closing(&scanner, scanner.end(), &cues, 0);
    Some((cues, scanner.end()))
}

fuzz_target!(|data: &[u8]| {
    let Some((cues, end)) = scan(data) else { return };
    assert!(end <= data.len() as u64);
    let again = scan(&data[..end as usize]).expect("the head is still there");
    assert_eq!(again, (cues, end));
});
