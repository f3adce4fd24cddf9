//! Pictures don't depend on how the stream is cut into pieces, and no byte is lost or doubled.
#![no_main]

use framecast_media::stream::{Error, Intake, Splitter};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 1000;

fn split(stream: &[u8], piece: usize) -> (Vec<Vec<u8>>, Option<Error>) {
    let mut splitter = Splitter::new(LIMIT);
    let mut pictures: Vec<Vec<u8>> = Vec::new();
    for bytes in stream.chunks(piece) {
        splitter.push(bytes);
        loop {
            match splitter.next() {
                Ok(Some(picture)) => {
                    assert!(picture.len() <= LIMIT);
                    assert!(picture.starts_with(b"\xFF\xD8\xFF") && picture.ends_with(b"\xFF\xD9"));
                    pictures.push(picture.to_vec());
                }
                Ok(None) => break,
                Err(error) => return (pictures, Some(error)),
            }
        }
        assert!(splitter.buffered() <= LIMIT + 4 + piece);
    }
    let taken: usize = pictures.iter().map(Vec::len).sum();
    assert_eq!(
        taken + splitter.skipped() as usize + splitter.buffered(),
        stream.len()
    );
    (pictures, None)
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, stream)) = data.split_first() else {
        return;
    };
    let piece = usize::from(first >> 2) + 1;
    let whole = split(stream, stream.len().max(1));
    assert_eq!(whole, split(stream, piece));

    let hint = [
        None,
        Some("image/jpeg"),
        Some("multipart/x-mixed-replace"),
        Some("multipart/mixed; boundary=x"),
    ];
    let mut intake = Intake::new(hint[usize::from(first & 3)], LIMIT);
    for bytes in stream.chunks(piece) {
        intake.push(bytes);
        while let Ok(Some(frame)) = intake.next() {
            assert!(!frame.is_empty() && frame.len() <= LIMIT);
        }
    }
    let _ = intake.finish();
});
