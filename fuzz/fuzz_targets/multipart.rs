//! Parts don't depend on how the stream is cut into pieces, and little is held.
#![no_main]

use framecast_media::multipart::{Error, Limits, Parser, Part};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    part: 200,
    header: 100,
};
/// The longest boundary, with what surrounds it.
const LINE: usize = 256 + 8;

fn parse(declared: Option<&str>, stream: &[u8], piece: usize) -> (Vec<Part>, Option<Error>) {
    let mut parser = Parser::new(declared, LIMITS);
    let mut parts = Vec::new();
    for bytes in stream.chunks(piece) {
        parser.push(bytes);
        loop {
            match parser.next() {
                Ok(Some(part)) => {
                    assert!(part.body.len() <= LIMITS.part);
                    parts.push(part);
                }
                Ok(None) => break,
                Err(error) => return (parts, Some(error)),
            }
        }
        assert!(parser.buffered() <= LIMITS.part.max(LIMITS.header) + LINE + piece);
    }
    parts.extend(parser.finish());
    (parts, None)
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, stream)) = data.split_first() else {
        return;
    };
    let declared = [None, Some("x"), Some("--x"), Some("frame")][usize::from(first & 3)];
    let piece = usize::from(first >> 2) + 1;
    // A body of a stated length may end before a boundary that would have cut it comes into sight.
    let lengths = stream
        .to_ascii_lowercase()
        .windows(14)
        .any(|it| it == b"content-length");
    let whole = parse(declared, stream, stream.len().max(1));
    let pieces = parse(declared, stream, piece);
    if !lengths && whole.1.is_none() {
        assert_eq!(whole, pieces);
    }
});
