use bytes::Bytes;

use super::*;

fn strict(data: Vec<u8>) -> Result<Admitted, Defect> {
    admit(data.into(), Lenience::Strict)
}

fn pass(data: Vec<u8>) -> Result<Admitted, Defect> {
    admit(data.into(), Lenience::Pass)
}

fn labels(admitted: &Admitted) -> Vec<&'static str> {
    admitted.mended.labels().collect()
}

#[test]
fn a_sound_jpeg_is_admitted_without_a_copy() {
    let data = Bytes::from(jpeg(64, 48));
    let admitted = admit(data.clone(), Lenience::Strict).unwrap();
    assert_eq!(admitted.data, data);
    assert_eq!(admitted.data.as_ptr(), data.as_ptr());
    assert_eq!((admitted.width, admitted.height), (64, 48));
    assert!(!admitted.mended.any());
}

#[test]
fn restart_markers_progressive_scans_and_single_component_scans_are_admitted() {
    for data in [
        special(70, 50, |it| it.set_restart_interval(3)),
        special(70, 50, |it| it.set_progressive(true)),
        special(70, 50, |it| it.set_optimized_huffman_tables(true)),
    ] {
        assert_eq!(strict(data.clone()).unwrap().data, data);
    }
}

#[test]
fn what_surrounds_the_picture_is_trimmed_without_a_copy() {
    let inner = jpeg(20, 10);
    let outer = Bytes::from([b"\r\njunk\xFF".as_slice(), &inner, &[0; 500], &inner].concat());
    let admitted = admit(outer.clone(), Lenience::Strict).unwrap();
    assert_eq!(admitted.data, inner);
    assert_eq!(admitted.data.as_ptr(), outer[7..].as_ptr());
    assert_eq!(labels(&admitted), ["trimmed"]);
}

#[test]
fn a_start_too_far_in_is_not_looked_for() {
    let data = [vec![0; LEADING_GARBAGE], jpeg(20, 10)].concat();
    assert!(strict(data.clone()).is_ok());
    assert_eq!(strict([vec![0], data].concat()), Err(Defect::NoStart));
    assert_eq!(strict(Vec::new()), Err(Defect::NoStart));
}

#[test]
fn missing_huffman_tables_are_added() {
    let whole = jpeg(64, 48);
    let bare = without(&whole, marker::DHT);
    assert!(decode(&bare).is_err());
    let admitted = strict(bare.clone()).unwrap();
    assert_eq!(labels(&admitted), ["tables_added"]);
    assert_eq!(admitted.data.len(), bare.len() + 420);
    assert_eq!(decode(&admitted.data), decode(&whole));
}

#[test]
fn a_single_missing_huffman_table_is_added_beside_the_others() {
    let whole = jpeg(64, 48);
    let (segments, rest) = segments(&whole);
    for missing in 0..4 {
        let mut left = segments.clone();
        let tables: Vec<_> = left
            .iter()
            .enumerate()
            .filter(|(_, it)| it[1] == marker::DHT)
            .map(|(index, _)| index)
            .collect();
        left.remove(tables[missing]);
        let admitted = strict(assemble(&left, rest)).unwrap();
        assert_eq!(decode(&admitted.data), decode(&whole));
    }
}

#[test]
fn a_progressive_picture_without_huffman_tables_is_turned_away() {
    let data = special(30, 30, |it| it.set_progressive(true));
    assert_eq!(strict(without(&data, marker::DHT)), Err(Defect::NoHuffman));
}

#[test]
fn a_huffman_table_with_too_many_codes_is_turned_away() {
    let mut counts = [0; 17];
    counts[1] = 3;
    let data = with(
        &jpeg(20, 10),
        marker::DHT,
        &[&counts[..], &[1, 2, 3]].concat(),
    );
    assert_eq!(strict(data), Err(Defect::Segment(marker::DHT)));
}

#[test]
fn an_exif_thumbnail_is_dropped() {
    let whole = jpeg(64, 48);
    let thumbnail = [b"Exif\0\0II*\0\x08\0\0\0\0\0".as_slice(), &jpeg(16, 16)].concat();
    let admitted = strict(with(&whole, marker::APP1, &thumbnail)).unwrap();
    assert_eq!(labels(&admitted), ["metadata_dropped"]);
    assert_eq!(admitted.data, whole);
}

#[test]
fn of_exif_only_the_orientation_stays() {
    let whole = jpeg(64, 48);
    let little = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x00\x01\x03\0\x01\0\0\0\x09\0\0\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let payload = [little.as_slice(), &jpeg(16, 16)].concat();
    let admitted = strict(with(&whole, marker::APP1, &payload)).unwrap();
    assert_eq!(admitted.data.len(), whole.len() + 36);
    assert_eq!(admitted.data[2..38], exif::segment(6));
    assert_eq!(markers(&admitted.data), [0, admitted.data.len() - 2]);
    let again = strict(admitted.data.to_vec()).unwrap();
    assert!(!again.mended.any());
}

#[test]
fn an_upright_orientation_needs_no_exif() {
    let whole = jpeg(64, 48);
    let upright = [exif::PREFIX, &exif::tiff(1)].concat();
    assert_eq!(
        strict(with(&whole, marker::APP1, &upright)).unwrap().data,
        whole
    );
}

#[test]
fn malformed_exif_is_dropped() {
    let whole = jpeg(64, 48);
    for tail in [
        &b""[..],
        b"II",
        b"MM\0*\xFF\xFF\xFF\xFF",
        b"MM\0*\0\0\0\x08\xFF\xFF\x01\x12",
        b"MM\0+\0\0\0\x08\0\0",
    ] {
        let payload = [exif::PREFIX, tail].concat();
        assert_eq!(
            strict(with(&whole, marker::APP1, &payload)).unwrap().data,
            whole
        );
    }
}

#[test]
fn a_jfif_thumbnail_is_cut_out_of_its_segment() {
    let whole = jpeg(64, 48);
    let jfif = b"JFIF\0\x01\x02\0\0\x01\0\x01\x02\x01abcdef";
    let admitted = strict(with(&without(&whole, marker::APP0), marker::APP0, jfif)).unwrap();
    assert_eq!(labels(&admitted), ["metadata_dropped"]);
    assert_eq!(
        admitted.data,
        with(
            &without(&whole, marker::APP0),
            marker::APP0,
            b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0"
        )
    );
}

#[test]
fn metadata_that_hides_pictures_is_dropped_and_the_rest_stays() {
    let whole = jpeg(64, 48);
    let mut data = whole.clone();
    for (code, payload) in [
        (marker::APP0, &b"JFXX\0\x10"[..]),
        (marker::APP2, b"MPF\0MM\0*"),
        (marker::COM, b"a comment with \xFF\xD9 in it"),
        (0xE5, b"\xFF\xD8\xFF"),
    ] {
        data = with(&data, code, payload);
    }
    assert_eq!(strict(data).unwrap().data, whole);
    for (code, payload) in [
        (0xEE, &b"Adobe\0\x64\0\0\0\0\x01"[..]),
        (marker::APP2, b"ICC_PROFILE\0\x01\x01profile"),
        (marker::COM, b"hello"),
    ] {
        let data = with(&whole, code, payload);
        assert_eq!(strict(data.clone()).unwrap().data, data);
    }
}

#[test]
fn a_cut_off_picture_passes_only_with_lenience() {
    let whole = jpeg(64, 48);
    let cut = whole[..whole.len() - 40].to_vec();
    assert_eq!(strict(cut.clone()), Err(Defect::Truncated));
    let admitted = pass(cut.clone()).unwrap();
    assert_eq!(admitted.data, [&cut[..], b"\xFF\xD9"].concat());
    assert_eq!(labels(&admitted), ["end_added"]);
    assert_eq!(decode(&admitted.data).unwrap().rgb.len(), 64 * 48 * 3);
}

#[test]
fn zeros_of_a_capture_buffer_are_not_taken_for_picture_data() {
    let whole = jpeg(64, 48);
    let end = whole.len() - 40;
    let end = end
        - whole[..end]
            .iter()
            .rev()
            .take_while(|&&byte| byte == 0)
            .count();
    let admitted = pass([&whole[..end], &[0; 300]].concat()).unwrap();
    assert_eq!(admitted.data.len(), end + 2);
    assert_eq!(labels(&admitted), ["trimmed", "end_added"]);
}

#[test]
fn a_picture_that_another_one_interrupts_is_cut_off() {
    let whole = jpeg(64, 48);
    let data = [&whole[..whole.len() - 40], &whole].concat();
    assert_eq!(strict(data.clone()), Err(Defect::Truncated));
    let admitted = pass(data).unwrap();
    assert_eq!(markers(&admitted.data), [0, admitted.data.len() - 2]);
}

#[test]
fn a_header_that_is_cut_off_never_passes() {
    let whole = jpeg(64, 48);
    let (_, rest) = segments(&whole);
    for end in 0..=whole.len() - rest.len() {
        assert!(pass(whole[..end].to_vec()).is_err(), "{end} bytes");
    }
}

#[test]
fn a_stray_marker_in_the_picture_data_passes_only_with_lenience() {
    let mut data = jpeg(64, 48);
    let at = data.len() - 20;
    data[at..at + 2].copy_from_slice(&[0xFF, 0x55]);
    assert_eq!(strict(data.clone()), Err(Defect::Damaged));
    assert_eq!(pass(data.clone()).unwrap().data, data);
}

#[test]
fn each_defect_is_told_apart() {
    let whole = jpeg(64, 48);
    let rest = segments(&whole).1.len();
    let frame = |change: fn(&mut [u8])| with_frame(&whole, change);
    for (data, defect) in [
        (frame(|it| it[0] = 12), Defect::Precision(12)),
        (frame(|it| it[5] = 2), Defect::Components(2)),
        (frame(|it| it[1..3].fill(0)), Defect::Empty),
        (frame(|it| it[3..5].fill(0)), Defect::Empty),
        (
            frame(|it| it[1..5].fill(0x7F)),
            Defect::TooLarge {
                width: 0x7F7F,
                height: 0x7F7F,
            },
        ),
        (frame(|it| it[7] = 0x51), Defect::Segment(marker::SOF0)),
        (frame(|it| it[8] = 3), Defect::NoQuantisation),
        (frame(|it| it[6] = 77), Defect::Segment(marker::SOS)),
        (without(&whole, marker::SOF0), Defect::NoFrame),
        (without(&whole, marker::DQT), Defect::NoQuantisation),
        (
            with(&whole, 0xC3, &[8, 0, 9, 0, 9, 1, 1, 0x11, 0]),
            Defect::Process(0xC3),
        ),
        (
            with(&whole, 0xC9, &[8, 0, 9, 0, 9, 1, 1, 0x11, 0]),
            Defect::Process(0xC9),
        ),
        (
            with(&whole, marker::SOF0, &[8, 0, 9, 0, 9, 1, 1, 0x11, 0]),
            Defect::Segment(marker::SOF0),
        ),
        (with(&whole, marker::DHP, &[]), Defect::Process(marker::DHP)),
        (
            with(&whole, marker::DQT, &[0; 10]),
            Defect::Segment(marker::DQT),
        ),
        (
            with(&whole, marker::DRI, &[0xFF, 0xD8]),
            Defect::HiddenMarker(marker::DRI),
        ),
        (
            [&whole[..2], b"junk", &whole[2..]].concat(),
            Defect::NoStart,
        ),
        (
            [&whole[..20], b"junk", &whole[20..]].concat(),
            Defect::Segment(b'j'),
        ),
        (
            [&whole[..whole.len() - rest], b"\xFF\xD9"].concat(),
            Defect::NoScan,
        ),
        (b"\xFF\xD8\xFF\xD9".to_vec(), Defect::NoScan),
        (
            b"\xFF\xD8\xFF\xFE\0\x01".to_vec(),
            Defect::Segment(marker::COM),
        ),
    ] {
        assert_eq!(strict(data), Err(defect), "{}: {defect}", defect.label());
    }
}

#[test]
fn a_quantisation_table_that_reads_as_a_marker_is_softened() {
    let whole = jpeg(64, 48);
    let (mut segments, rest) = segments(&whole);
    let table = segments.iter_mut().find(|it| it[1] == marker::DQT).unwrap();
    table[5..9].copy_from_slice(&[0xFF, 0xD8, 0xFF, 0xD9]);
    let admitted = strict(assemble(&segments, rest)).unwrap();
    assert_eq!(labels(&admitted), ["table_softened"]);
    assert_eq!(markers(&admitted.data), [0, admitted.data.len() - 2]);
    assert_eq!(admitted.data.len(), whole.len());
}
