use proptest::prelude::*;

use super::*;

fn target(width: Option<u32>, height: Option<u32>, source: (u32, u32)) -> (u32, u32) {
    Resize { width, height }.target(source)
}

#[test]
fn one_side_determines_the_other() {
    assert_eq!(target(Some(640), None, (1280, 720)), (640, 360));
    assert_eq!(target(None, Some(480), (1920, 1080)), (852, 480));
}

#[test]
fn both_sides_are_a_box_to_fit_into() {
    assert_eq!(target(Some(640), Some(640), (1280, 720)), (640, 360));
    assert_eq!(target(Some(640), Some(100), (1280, 720)), (178, 100));
    assert_eq!(target(Some(9999), Some(360), (1280, 720)), (640, 360));
}

#[test]
fn pictures_are_never_enlarged() {
    assert_eq!(target(Some(1920), None, (641, 481)), (641, 481));
    assert_eq!(target(None, None, (641, 481)), (641, 481));
}

#[test]
fn a_side_is_never_zero() {
    assert_eq!(target(Some(0), Some(0), (1280, 720)), (1, 1));
    assert_eq!(target(Some(10), None, (5000, 1)), (10, 1));
    assert_eq!(target(Some(10), None, (0, 0)), (1, 1));
}

#[test]
fn a_copy_has_the_target_size_and_the_same_colours() {
    let data = encode(&picture(320, 240).pixels(), 95).unwrap();
    let copy = transcode(
        &data,
        Resize {
            width: Some(80),
            height: None,
        },
        95,
    )
    .unwrap();
    assert_eq!((copy.width, copy.height), (80, 60));
    let admitted = admit(copy.data.into(), Lenience::Strict).unwrap();
    assert_eq!((admitted.width, admitted.height), (80, 60));
    let image = decode(&admitted.data).unwrap();
    let centre = &image.rgb[(30 * 80 + 40) * 3..][..2];
    assert!(
        centre.iter().all(|value| value.abs_diff(127) < 8),
        "{centre:?}"
    );
}

#[test]
fn a_copy_keeps_its_orientation_and_is_measured_as_it_is_shown() {
    let lying = with(
        &jpeg(320, 240),
        marker::APP1,
        &[exif::PREFIX, &exif::tiff(6)].concat(),
    );
    let copy = transcode(
        &lying,
        Resize {
            width: Some(120),
            height: None,
        },
        80,
    )
    .unwrap();
    assert_eq!((copy.width, copy.height), (160, 120));
    let found = segments(&copy.data)
        .0
        .into_iter()
        .find(|it| it[1] == marker::APP1)
        .unwrap();
    assert_eq!(found, exif::segment(6));
}

proptest! {
    #[test]
    fn a_target_fits_and_keeps_the_aspect_ratio(
        source in (1_u32..=65535, 1_u32..=65535),
        width in proptest::option::of(0_u32..70000),
        height in proptest::option::of(0_u32..70000),
    ) {
        let (wide, high) = target(width, height, source);
        prop_assert!((1..=source.0).contains(&wide) && (1..=source.1).contains(&high));
        prop_assert!(width.is_none_or(|limit| wide <= limit.max(1)));
        prop_assert!(height.is_none_or(|limit| high <= limit.max(1)));
        // Each side is off by less than two pixels of a picture with exactly the same ratio.
        let (a, b) = (f64::from(wide) / f64::from(source.0), f64::from(high) / f64::from(source.1));
        prop_assert!((a - b).abs() < 3.0 / f64::from(source.0) + 3.0 / f64::from(source.1));
    }
}
