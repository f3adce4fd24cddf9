use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    part: 1000,
    header: 500,
};

/// Everything a stream yields when it comes in pieces of a size: headers and bodies, then how it ended.
fn parse(mut parser: Parser, stream: &[u8], piece: usize) -> (Vec<Part>, Option<Error>) {
    let mut parts = Vec::new();
    for bytes in stream.chunks(piece) {
        parser.push(bytes);
        loop {
            match parser.next() {
                Ok(Some(part)) => parts.push(part),
                Ok(None) => break,
                Err(error) => return (parts, Some(error)),
            }
        }
    }
    parts.extend(parser.finish());
    (parts, None)
}

/// Checks that a stream yields these bodies however it is cut.
fn check(declared: Option<&str>, stream: &str, bodies: &[&str]) {
    for piece in 1..=stream.len() {
        let (parts, error) = parse(Parser::new(declared, LIMITS), stream.as_bytes(), piece);
        let found: Vec<_> = parts
            .iter()
            .map(|part| String::from_utf8_lossy(&part.body))
            .collect();
        assert_eq!(found, bodies, "in pieces of {piece}");
        assert_eq!(error, None);
    }
}

#[test]
fn parts_with_a_length_are_read() {
    check(
        Some("x"),
        "--x\r\nContent-Length: 3\r\n\r\nabc\r\n--x\r\nContent-Length: 2\r\n\r\nde\r\n--x--\r\n",
        &["abc", "de"],
    );
}

#[test]
fn parts_without_a_length_are_read() {
    check(
        Some("x"),
        "--x\r\nA: b\r\n\r\nabc\r\n--x\r\n\r\ndef\r\n\r\n--x--\r\n",
        &["abc", "def\r\n"],
    );
}

#[test]
fn a_part_with_a_length_is_returned_as_soon_as_it_is_there() {
    let mut parser = Parser::new(Some("x"), LIMITS);
    parser.push(b"--x\r\nContent-Length:         3\r\n\r\nab");
    assert_eq!(parser.next(), Ok(None));
    parser.push(b"c");
    assert_eq!(&parser.next().unwrap().unwrap().body[..], b"abc");
}

#[test]
fn a_part_without_a_length_is_returned_when_its_boundary_is_told_apart() {
    let mut parser = Parser::new(Some("x"), LIMITS);
    parser.push(b"--x\r\n\r\nabc\r\n--x");
    assert_eq!(parser.next(), Ok(None));
    parser.push(b"\r");
    assert_eq!(&parser.next().unwrap().unwrap().body[..], b"abc");
}

#[test]
fn a_boundary_declared_with_its_dashes_is_understood_either_way() {
    for line in ["--x", "----x"] {
        let stream = format!("preamble\r\n{line}\r\n\r\nabc\r\n{line}\r\n\r\ndef\r\n{line}--\r\n");
        check(Some("--x"), &stream, &["abc", "def"]);
    }
}

#[test]
fn an_undeclared_boundary_is_learned() {
    check(
        None,
        "\r\nhello\r\n--any\r\n\r\nabc\r\n--any\r\n\r\ndef\r\n--any--\r\n",
        &["abc", "def"],
    );
}

#[test]
fn a_stream_that_opens_with_another_boundary_than_declared_is_believed() {
    check(
        Some("x"),
        "--y\r\n\r\nabc\r\n--y\r\n\r\ndef\r\n--y--\r\n",
        &["abc", "def"],
    );
}

#[test]
fn a_missing_first_boundary_is_done_without() {
    check(
        Some("x"),
        "Content-Type: image/jpeg\r\n\r\nabc\r\n--x\r\n\r\ndef\r\n--x\r\n",
        &["abc", "def"],
    );
    let learned = "Content-Type: a/b\r\nContent-Length: 3\r\n\r\nabc\r\n--x\r\n\r\ndef\r\n--x\r\n";
    check(None, learned, &["abc", "def"]);
}

#[test]
fn without_any_boundary_or_length_there_is_no_reading_on() {
    let stream = b"Content-Type: image/jpeg\r\n\r\nabc\r\n";
    assert_eq!(
        parse(Parser::new(None, LIMITS), stream, 5).1,
        Some(Error::NoBoundary)
    );
}

#[test]
fn bare_line_feeds_will_do() {
    check(
        Some("x"),
        "--x\nA: b\n\nabc\r\n--x\nContent-Length: 3\n\ndef\n--x--\n",
        &["abc\r", "def"],
    );
}

#[test]
fn line_ends_behind_a_jpeg_are_not_its_own() {
    check(
        Some("x"),
        "--x\r\nContent-Type: image/jpeg\r\n\r\nabc\r\n\r\n\r\n--x\r\n",
        &["abc"],
    );
}

#[test]
fn a_length_that_is_too_large_ends_at_the_boundary() {
    check(
        Some("x"),
        "--x\r\nContent-Length: 9999999\r\n\r\nabc\r\n--x\r\nContent-Length: 5\r\n\r\ndef\r\n--x\r\n\r\nghi\r\n--x--\r\n",
        &["abc", "def", "ghi"],
    );
}

#[test]
fn after_a_length_that_is_too_small_lengths_are_not_believed() {
    check(
        Some("x"),
        "--x\r\nContent-Length: 2\r\n\r\nabc\nd\r\n--x\r\nContent-Length: 2\r\n\r\ndef\r\n--x--\r\n",
        &["ab", "def"],
    );
}

#[test]
fn boundaries_inside_words_and_lines_are_body() {
    check(
        Some("x"),
        "--x\r\n\r\na--x\r\n--xy\r\n--x-\r\n-x\r\n--x \r\n\r\nb\r\n--x--",
        &["a--x\r\n--xy\r\n--x-\r\n-x", "b"],
    );
}

#[test]
fn what_follows_the_closing_boundary_is_ignored() {
    let mut parser = Parser::new(Some("x"), LIMITS);
    parser.push(b"--x\r\n\r\nabc\r\n--x--\r\n--x\r\n\r\ndef\r\n--x\r\n");
    assert_eq!(&parser.next().unwrap().unwrap().body[..], b"abc");
    assert_eq!(parser.next(), Ok(None));
    assert!(parser.closed());
    assert_eq!(parser.buffered(), 0);
}

#[test]
fn a_last_part_ends_with_the_stream_unless_its_length_says_it_is_cut_off() {
    check(Some("x"), "--x\r\n\r\nabc", &["abc"]);
    check(Some("x"), "--x\r\nContent-Length: 4\r\n\r\nabc", &[]);
    check(Some("x"), "--x\r\n\r\n", &[]);
}

#[test]
fn limits_are_kept() {
    let long = "a".repeat(2000);
    for (stream, error) in [
        (format!("--x\r\n\r\n{long}\r\n--x\r\n"), Error::Part(1000)),
        (
            format!("--x\r\nContent-Length: 2000\r\n\r\n{long}\r\n--x\r\n"),
            Error::Part(1000),
        ),
        (
            format!("--x\r\nContent-Length: 1\r\n\r\n{long}\r\n--x\r\n"),
            Error::Part(1000),
        ),
        (format!("--x\r\nA: {long}\r\n\r\n"), Error::Header(500)),
        (
            format!("--x\r\n{}", "A: b\r\n".repeat(200)),
            Error::Header(500),
        ),
        (long.clone(), Error::Header(500)),
        ("hello\r\n".repeat(200), Error::Header(500)),
    ] {
        for piece in [1, 7, 100, 5000] {
            let (_, found) = parse(Parser::new(Some("x"), LIMITS), stream.as_bytes(), piece);
            assert_eq!(found, Some(error), "in pieces of {piece}");
        }
    }
}

#[test]
fn a_failed_parser_stays_failed_and_holds_nothing() {
    let mut parser = Parser::new(Some("x"), LIMITS);
    parser.push(&[b'a'; 600]);
    assert_eq!(parser.next(), Err(Error::Header(500)));
    parser.push(b"--x\r\n\r\nabc\r\n--x\r\n");
    assert_eq!(parser.next(), Err(Error::Header(500)));
    assert_eq!(parser.buffered(), 0);
}

#[test]
fn content_types_declare_boundaries_in_many_ways() {
    for content_type in [
        "multipart/x-mixed-replace;boundary=frame",
        "multipart/x-mixed-replace; boundary=\"frame\"",
        "multipart/x-mixed-replace; a=b; Boundary = frame ; c=d",
        "multipart/x-mixed-replace; boundary=--frame",
        "multipart/x-mixed-replace; boundary=",
        "multipart/x-mixed-replace",
    ] {
        let parser = Parser::from_content_type(content_type, LIMITS);
        let (parts, _) = parse(parser, b"hi\r\n--frame\r\n\r\nabc\r\n--frame--\r\n", 4);
        assert_eq!(parts.len(), 1, "{content_type}");
    }
}

#[test]
fn headers_are_found_whatever_their_case() {
    let (parts, _) = parse(
        Parser::new(Some("x"), LIMITS),
        b"--x\r\ncontent-TYPE: image/jpeg; a=b\r\nnonsense\r\nX-Time:  12:30 \r\n\r\n\r\n--x\r\n",
        9,
    );
    let headers = &parts[0].headers;
    assert_eq!(headers.get("Content-Type"), Some("image/jpeg; a=b"));
    assert_eq!(headers.content_type(), Some("image/jpeg"));
    assert_eq!(headers.get("x-time"), Some("12:30"));
    assert_eq!(headers.iter().count(), 2);
    assert!(parts[0].body.is_empty());
}

#[test]
fn our_own_streams_are_read_back() {
    let frames = [&b"\xFF\xD8one\xFF\xD9"[..], b"\xFF\xD8two\xFF\xD9"];
    for lengths in [true, false] {
        let mut stream = opening().to_vec();
        for (index, frame) in frames.iter().enumerate() {
            let extra = [("X-Sequence", index.to_string())];
            stream.extend(part_headers(lengths.then_some(frame.len()), &extra));
            stream.extend_from_slice(frame);
            stream.extend_from_slice(if index == 1 { CLOSE } else { DELIMITER });
        }
        let (parts, error) = parse(Parser::from_content_type(CONTENT_TYPE, LIMITS), &stream, 5);
        assert_eq!(error, None);
        assert_eq!(
            parts.iter().map(|part| &part.body[..]).collect::<Vec<_>>(),
            frames
        );
        assert_eq!(parts[1].headers.get("x-sequence"), Some("1"));
    }
    assert!(CONTENT_TYPE.ends_with(BOUNDARY));
}

#[test]
fn header_lines_stay_short_and_clean() {
    let block = part_headers(
        Some(usize::MAX),
        &[
            ("X-Long", "a".repeat(200)),
            ("X-Split", "a\r\nX-Evil: b".to_owned()),
            ("X-Fits", "a".repeat(118)),
        ],
    );
    let text = String::from_utf8(block).unwrap();
    assert!(text.lines().all(|line| line.len() <= MAX_LINE));
    assert_eq!(text.lines().count(), 4);
    assert!(text.ends_with("\r\n\r\n") && text.contains("X-Fits") && !text.contains("Evil"));
}

/// A boundary by RFC 2046 §5.1.1.
const BOUNDARIES: &str = "[0-9a-zA-Z'()+_,./:=?-]{0,30}[0-9a-zA-Z]";

/// How a server writes.
#[derive(Debug, Clone)]
struct Style {
    boundary: String,
    declared: bool,
    dashes_declared: bool,
    length: bool,
    line_end: &'static str,
    preamble: bool,
}

fn style() -> impl Strategy<Value = Style> {
    (BOUNDARIES, any::<[bool; 6]>()).prop_map(
        |(boundary, [declared, dashes_declared, length, feed, preamble, first])| {
            let declared = declared || !first;
            let line_end = if feed { "\n" } else { "\r\n" };
            Style {
                boundary,
                declared,
                dashes_declared,
                length,
                line_end,
                preamble,
            }
        },
    )
}

fn write(style: &Style, bodies: &[Vec<u8>]) -> Vec<u8> {
    let Style {
        boundary,
        line_end: end,
        ..
    } = style;
    let mut stream = if style.preamble {
        format!("Hello{end}")
    } else {
        String::new()
    }
    .into_bytes();
    for (index, body) in bodies.iter().enumerate() {
        let length = if style.length {
            format!("Content-Length: {}{end}", body.len())
        } else {
            String::new()
        };
        stream.extend_from_slice(
            format!("--{boundary}{end}X-Index: {index}{end}{length}{end}").as_bytes(),
        );
        stream.extend_from_slice(body);
        stream.extend_from_slice(end.as_bytes());
    }
    stream.extend_from_slice(format!("--{boundary}--{end}").as_bytes());
    stream
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        style in style(),
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5),
        piece in 1_usize..400,
    ) {
        let declared = format!("{}{}", if style.dashes_declared { "--" } else { "" }, style.boundary);
        let parser = Parser::new(style.declared.then_some(declared.as_str()), LIMITS);
        let (parts, error) = parse(parser, &write(&style, &bodies), piece);
        prop_assert_eq!(error, None);
        prop_assert_eq!(parts.len(), bodies.len());
        for ((part, body), index) in parts.iter().zip(&bodies).zip(0..) {
            prop_assert_eq!(&part.body[..], &body[..]);
            let index = usize::to_string(&index);
            prop_assert_eq!(part.headers.get("x-index"), Some(&*index));
        }
    }

    #[test]
    fn little_is_held_whatever_comes(
        words in prop::collection::vec(
            prop_oneof![
                Just(b"--x".to_vec()), Just(b"\r\n".to_vec()), Just(b"\n".to_vec()), Just(b"--".to_vec()),
                Just(b"Content-Length: 5\r\n".to_vec()), prop::collection::vec(any::<u8>(), 0..200),
            ],
            0..200,
        ),
        piece in 1_usize..300,
        declared in prop::sample::select(vec![None, Some("x"), Some("--x"), Some("--")]),
    ) {
        let mut parser = Parser::new(declared, LIMITS);
        'stream: for bytes in words.concat().chunks(piece) {
            parser.push(bytes);
            loop {
                match parser.next() {
                    Ok(Some(part)) => prop_assert!(part.body.len() <= LIMITS.part),
                    Ok(None) => break,
                    Err(_) => break 'stream,
                }
            }
            prop_assert!(parser.buffered() <= LIMITS.part + 300 + piece);
        }
        let _ = parser.finish();
    }
}
