use std::{io, time::Duration};

use proptest::prelude::*;

use super::*;

fn head() -> Head {
    Head {
        uuid: *b"0123456789abcdef",
        start: 1_700_000_000_123_456_789,
        title: "door".to_owned(),
        app: "test".to_owned(),
        tracks: vec![Track {
            number: 1,
            codec: Codec::Mjpeg,
            width: 640,
            height: 480,
        }],
        tags: vec![("CAMERA".to_owned(), "door".to_owned())],
    }
}

/// A file with these frames, cut off as if the power had failed, and its cues.
fn broken_off(frames: &[(u64, Vec<u8>)]) -> (Vec<u8>, Muxer, Vec<Cue>) {
    let (mut muxer, mut file) = Muxer::new(&head());
    let mut cues = Vec::new();
    for (time, frame) in frames {
        let lead = muxer.frame(1, *time, true, frame.len() as u32);
        if let Some(patch) = lead.patch {
            apply(&mut file, &patch);
        }
        file.extend_from_slice(&lead.bytes);
        assert_eq!(lead.data, file.len() as u64);
        file.extend_from_slice(frame);
        assert_eq!(muxer.len(), file.len() as u64);
        cues.push(lead.cue);
    }
    (file, muxer, cues)
}

fn complete(frames: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let (mut file, muxer, cues) = broken_off(frames);
    for patch in muxer.finish(&cues, 1000) {
        apply(&mut file, &patch);
    }
    file
}

fn apply(file: &mut Vec<u8>, patch: &Patch) {
    let at = patch.at as usize;
    let end = at + patch.bytes.len();
    if end > file.len() {
        file.resize(end, 0);
    }
    file[at..end].copy_from_slice(&patch.bytes);
}

fn reader(file: &[u8]) -> impl FnMut(u64, &mut [u8]) -> io::Result<usize> {
    move |at, into| {
        let rest = file.get(at as usize..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// Frames with their times.
type Frames = Vec<(u64, Vec<u8>)>;

/// All frames, and the end of what is whole.
fn scanned(file: &[u8]) -> io::Result<(Frames, u64)> {
    let mut scanner = Scanner::open(reader(file), file.len() as u64, Limits::default())?;
    let mut frames = Vec::new();
    while let Some(block) = scanner.next()? {
        let data = &file[block.data.start as usize..block.data.end as usize];
        frames.push((block.cue.time, data.to_vec()));
    }
    Ok((frames, scanner.end()))
}

fn frames(count: u64, apart: u64) -> Vec<(u64, Vec<u8>)> {
    (0..count)
        .map(|number| (number * apart, vec![number as u8; 100 + number as usize]))
        .collect()
}

#[test]
fn what_is_written_is_read_again() {
    for apart in [0, 1, 666, 9_999, 10_000, 33_000, 600_000] {
        let frames = frames(50, apart);
        for file in [broken_off(&frames).0, complete(&frames)] {
            assert_eq!(scanned(&file).unwrap().0, frames, "{apart} ticks apart");
        }
    }
}

#[test]
fn a_file_says_what_it_is_before_the_first_frame() {
    let (file, _, _) = broken_off(&[]);
    let scanner = Scanner::open(reader(&file), file.len() as u64, Limits::default()).unwrap();
    assert_eq!(*scanner.head(), head());
    assert_eq!(scanner.end(), file.len() as u64);
    assert_eq!(scanner.head().tag("CAMERA"), Some("door"));
    assert_eq!(scanner.head().tag("OTHER"), None);
}

#[test]
fn the_table_of_a_complete_file_leads_to_every_frame() {
    let frames = frames(100, 666);
    let file = complete(&frames);
    let mut scanner = Scanner::open(reader(&file), file.len() as u64, Limits::default()).unwrap();
    let (cues, _) = scanner.cues(Limits::default()).unwrap().unwrap();
    assert_eq!(cues.len(), frames.len());
    for (cue, (time, frame)) in cues.iter().zip(&frames) {
        assert_eq!(cue.time, *time);
        let block = &file[cue.at as usize..];
        assert_eq!(&block[Block::read(cue, block).unwrap()], frame);
    }
    // It is no obstacle to going from block to block.
    assert_eq!(scanner.next().unwrap().unwrap().cue, cues[0]);
}

#[test]
fn a_file_that_breaks_off_has_no_table_and_is_made_complete() {
    let frames = frames(100, 666);
    let whole = complete(&frames);
    let (mut file, _, _) = broken_off(&frames);
    file.truncate(file.len() - 7);
    let read = reader(&file);
    let mut scanner = Scanner::open(read, file.len() as u64, Limits::default()).unwrap();
    assert_eq!(scanner.cues(Limits::default()).unwrap(), None);
    let mut cues = Vec::new();
    while let Some(block) = scanner.next().unwrap() {
        cues.push(block.cue);
    }
    assert_eq!(cues.len(), 99);
    let (end, patches) = (scanner.end(), closing(&scanner, scanner.end(), &cues, 1000));
    drop(scanner);
    file.truncate(end as usize);
    for patch in patches {
        apply(&mut file, &patch);
    }
    assert_eq!(file, complete(&frames[..99]));
    assert!(whole.len() > file.len());
}

#[test]
fn other_bytes_are_no_matroska() {
    for file in [&b""[..], b"\xFF\xD8\xFF", &[0; 1000], &[0x1A; 1000]] {
        let error = scanned(file).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}

#[test]
fn a_head_that_claims_to_be_huge_is_refused_before_it_is_read() {
    let (mut file, _, _) = broken_off(&[]);
    let limits = Limits { head: 64, cues: 64 };
    let open = |file: &[u8]| Scanner::open(reader(file), u64::MAX, limits).map(|_| ());
    assert!(open(&file).is_err());
    // The size of the file's first element.
    file[4..12].copy_from_slice(&[1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xF0]);
    assert!(open(&file).is_err());
}

#[test]
fn ticks_and_times_are_the_same() {
    for count in [0, 1, 9_999, 10_000, 123_456_789] {
        assert_eq!(ticks(time(count)), count);
    }
    assert_eq!(ticks(Duration::from_micros(149)), 1);
    assert_eq!(ticks(Duration::from_micros(150)), 2);
    assert_eq!(ticks(Duration::MAX), u64::MAX);
}

fn any_frames() -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
    let frame = (0u64..40_000, proptest::collection::vec(any::<u8>(), 0..200));
    proptest::collection::vec(frame, 0..40).prop_map(|mut frames| {
        let mut time = 0;
        for (after, _) in &mut frames {
            time += *after;
            *after = time;
        }
        frames
    })
}

proptest! {
    #[test]
    fn wherever_a_file_is_cut_off_all_frames_before_are_whole(
        frames in any_frames(),
        cut in any::<prop::sample::Index>(),
        finished in any::<bool>(),
    ) {
        let (mut file, _, cues) = broken_off(&frames);
        if finished {
            file = complete(&frames);
        }
        let cut = cut.index(file.len() + 1);
        let whole = cues.iter().zip(&frames);
        let whole = whole.take_while(|(cue, (_, frame))| {
            let header = 4 + 1 + if frame.len() + 4 < 1 << 28 { 4 } else { 8 };
            cue.at + header + frame.len() as u64 <= cut as u64
        });
        let whole = whole.count();
        match scanned(&file[..cut]) {
            Ok((read, end)) => {
                prop_assert_eq!(&read[..], &frames[..whole]);
                prop_assert!(end <= cut as u64);
            }
            // Only in the head.
            Err(_) => prop_assert_eq!(whole, 0),
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_run_on(
        mut file in any_frames().prop_map(|frames| complete(&frames)),
        garbled in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
    ) {
        for (at, byte) in garbled {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Ok((frames, end)) = scanned(&file) {
            prop_assert!(end <= file.len() as u64);
            prop_assert!(frames.iter().map(|(_, frame)| frame.len()).sum::<usize>() <= file.len());
        }
        if let Ok(mut scanner) = Scanner::open(reader(&file), file.len() as u64, Limits::default()) {
            for cue in scanner.cues(Limits::default()).unwrap().unwrap_or_default().0 {
                let block = file.get(cue.at as usize..).unwrap_or_default();
                if let Some(data) = Block::read(&cue, block) {
                    prop_assert!(data.end <= block.len());
                }
            }
        }
    }
}
