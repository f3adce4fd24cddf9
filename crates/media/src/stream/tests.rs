use proptest::prelude::*;

use super::*;
use crate::picture::no_signal;

fn jpeg(width: u32) -> Vec<u8> {
    crate::jpeg::encode(&no_signal(width, 16, "a", "b", "c").pixels(), 80).unwrap()
}

/// A JPEG whose comment holds another.
fn nested() -> Vec<u8> {
    let (outer, inner) = (jpeg(16), jpeg(8));
    let length = u16::try_from(inner.len() + 2).unwrap().to_be_bytes();
    [&outer[..2], b"\xFF\xFE", &length, &inner, &outer[2..]].concat()
}

fn split(stream: &[u8], piece: usize) -> (Vec<Vec<u8>>, u64) {
    let mut splitter = Splitter::new(100_000);
    let mut pictures = Vec::new();
    for bytes in stream.chunks(piece) {
        splitter.push(bytes);
        while let Some(picture) = splitter.next().unwrap() {
            pictures.push(picture.to_vec());
        }
    }
    (pictures, splitter.skipped())
}

fn take(mut intake: Intake, stream: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut frames = Vec::new();
    for bytes in stream.chunks(7) {
        intake.push(bytes);
        while let Some(frame) = intake.next()? {
            frames.push(frame.to_vec());
        }
    }
    frames.extend(intake.finish().map(|frame| frame.to_vec()));
    Ok(frames)
}

#[test]
fn pictures_end_to_end_are_cut_apart() {
    let (a, b) = (jpeg(16), jpeg(24));
    assert_eq!(
        split(&[a.clone(), b.clone(), a.clone()].concat(), 10),
        (vec![a.clone(), b, a], 0)
    );
}

#[test]
fn a_picture_is_returned_with_its_last_byte() {
    let data = jpeg(16);
    let mut splitter = Splitter::new(10_000);
    splitter.push(&data[..data.len() - 1]);
    assert_eq!(splitter.next(), Ok(None));
    splitter.push(&data[data.len() - 1..]);
    assert_eq!(splitter.next().unwrap().unwrap(), data);
}

#[test]
fn an_inner_picture_does_not_end_the_outer_one() {
    let data = nested();
    assert_eq!(
        split(&[data.clone(), data.clone()].concat(), 3),
        (vec![data.clone(), data], 0)
    );
}

#[test]
fn garbage_between_pictures_is_skipped_and_counted() {
    let data = jpeg(16);
    let stream = [
        b"\xFF\xD8junk".as_slice(),
        &data,
        b"\r\n--\xFF",
        &data,
        b"\xFF\xD8\xFFjunk",
        &data,
    ]
    .concat();
    assert_eq!(
        split(&stream, 4),
        (vec![data.clone(), data.clone(), data], 6 + 5 + 7)
    );
}

#[test]
fn a_picture_whose_data_is_cut_off_costs_only_itself() {
    let data = jpeg(16);
    for missing in [1, 2, 20] {
        let cut = &data[..data.len() - missing];
        let (pictures, skipped) = split(&[cut, &data, &data].concat(), 50);
        assert!(
            pictures.ends_with(std::slice::from_ref(&data)),
            "{missing} bytes missing"
        );
        assert_eq!(
            skipped as usize + pictures.len() * data.len(),
            cut.len() + 2 * data.len()
        );
    }
}

#[test]
fn a_picture_over_the_limit_is_an_error() {
    let data = jpeg(16);
    for (limit, fits) in [(data.len(), true), (data.len() - 1, false), (10, false)] {
        let mut splitter = Splitter::new(limit);
        splitter.push(&data);
        assert_eq!(splitter.next().is_ok(), fits);
        assert_eq!(splitter.next().is_ok(), fits);
    }
}

#[test]
fn an_intake_tells_multipart_from_bare_pictures() {
    let data = jpeg(16);
    let frames = vec![data.clone(), data.clone()];
    let bare = [&data[..], &data].concat();
    let headers = b"Content-Type: image/jpeg\r\n\r\n";
    let parts = [
        b"--x\r\n",
        &headers[..],
        &data,
        b"\r\n--x\r\n",
        headers,
        &data,
        b"\r\n--x--\r\n",
    ]
    .concat();
    let headless = parts[5..].to_vec();
    let declared = "Multipart/X-Mixed-Replace; boundary=x";
    for (content_type, stream) in [
        (None, &bare),
        (Some("image/jpeg"), &bare),
        (Some(declared), &bare),
        (None, &parts),
        (Some("image/jpeg"), &parts),
        (Some(declared), &parts),
        (Some(declared), &headless),
    ] {
        assert_eq!(
            take(Intake::new(content_type, 10_000), stream).as_ref(),
            Ok(&frames),
            "{content_type:?}"
        );
        let spaced = [b"\r\n\r\n", &stream[..]].concat();
        assert_eq!(
            take(Intake::new(content_type, 10_000), &spaced).as_ref(),
            Ok(&frames),
            "{content_type:?}"
        );
    }
}

#[test]
fn an_intake_passes_over_parts_that_are_no_frames() {
    let stream = b"--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x\r\n\r\n\r\n--x\r\n\r\nframe\r\n--x--\r\n";
    assert_eq!(
        take(Intake::new(None, 1000), stream),
        Ok(vec![b"frame".to_vec()])
    );
}

#[test]
fn an_intake_yields_the_frame_its_stream_ends_with() {
    assert_eq!(
        take(Intake::new(None, 1000), b"--x\r\n\r\nframe"),
        Ok(vec![b"frame".to_vec()])
    );
}

#[test]
fn an_intake_keeps_its_limit() {
    let data = jpeg(16);
    let part = [b"--x\r\n\r\n", &data[..], b"\r\n--x\r\n"].concat();
    for stream in [&data, &part] {
        assert_eq!(
            take(Intake::new(None, 100), stream),
            Err(Error::TooLarge(100))
        );
    }
}

proptest! {
    #[test]
    fn the_pieces_make_no_difference(
        stream in prop::collection::vec(
            prop_oneof![
                Just(jpeg(16)), Just(nested()), Just(b"\xFF\xD8\xFF".to_vec()), Just(b"\xFF\xD9".to_vec()),
                Just(b"\xFF".to_vec()), prop::collection::vec(any::<u8>(), 0..50),
            ],
            0..10,
        ).prop_map(|words| words.concat()),
        piece in 1_usize..100,
    ) {
        let (pictures, skipped) = split(&stream, piece);
        prop_assert!(pictures.iter().all(|it| it.starts_with(b"\xFF\xD8\xFF") && it.ends_with(b"\xFF\xD9")));
        prop_assert_eq!((pictures, skipped), split(&stream, stream.len().max(1)));
    }

    #[test]
    fn any_bytes_are_taken_in(stream in prop::collection::vec(any::<u8>(), 0..500), multipart: bool) {
        let _ = take(Intake::new(multipart.then_some("multipart/mixed; boundary=x"), 300), &stream);
    }
}
