use proptest::prelude::*;

use super::*;
use crate::jpeg::{Lenience, admit, encode};

/// How many pixels of two pictures differ.
fn differing(a: &Picture, b: &Picture) -> usize {
    a.rgb
        .chunks_exact(3)
        .zip(b.rgb.chunks_exact(3))
        .filter(|(a, b)| a != b)
        .count()
}

fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
    let at = ((y * picture.width + x) * 3) as usize;
    [picture.rgb[at], picture.rgb[at + 1], picture.rgb[at + 2]]
}

#[test]
fn the_clock_the_number_and_the_mark_show() {
    let mut card = TestCard::new(640, 480, "lab");
    let first = card.draw("12:00:00.000", 1, 0.5).clone();
    for (clock, number, phase) in [
        ("12:00:00.001", 1, 0.5),
        ("12:00:00.000", 2, 0.5),
        ("12:00:00.000", 1, 0.6),
    ] {
        assert!(differing(&first, card.draw(clock, number, phase)) > 20);
    }
}

#[test]
fn a_card_drawn_over_another_frame_is_like_a_new_one() {
    let mut used = TestCard::new(320, 240, "lab");
    for frame in 0..10 {
        used.draw(
            &"8".repeat(frame),
            frame as u64 * 99_999,
            frame as f64 / 9.0,
        );
    }
    let mut fresh = TestCard::new(320, 240, "lab");
    assert_eq!(
        used.draw("12:00:00.000", 7, 0.25),
        fresh.draw("12:00:00.000", 7, 0.25)
    );
}

#[test]
fn the_bars_are_where_and_what_they_should_be() {
    let mut card = TestCard::new(1280, 720, "lab");
    let picture = card.draw("", 0, 0.0);
    assert_eq!(pixel(picture, 10, 10), [191, 191, 191]);
    assert_eq!(pixel(picture, 1270, 10), [0, 0, 191]);
    assert_eq!(pixel(picture, 10, 710), [0, 0, 0]);
    assert_eq!(pixel(picture, 1270, 710), [255, 255, 255]);
}

#[test]
fn the_mark_runs_from_left_to_right() {
    let mut card = TestCard::new(640, 480, "lab");
    let row = 480 * 84 / 100;
    let mut place = |phase| {
        let picture = card.draw("", 0, phase);
        let blue = |x: &u32| pixel(picture, *x, row - 8) == [64, 196, 255];
        (0..640).find(blue).unwrap()
    };
    let (left, middle, right) = (place(0.0), place(0.5), place(1.0));
    assert!(
        left < 80 && (280..340).contains(&middle) && right > 560,
        "{left} {middle} {right}"
    );
    assert_eq!(place(-1.0), left);
    assert_eq!(place(f64::NAN), left);
    assert_eq!(place(f64::INFINITY), left);
}

#[test]
fn every_text_of_the_lost_picture_shows() {
    let all = no_signal(640, 480, "camera", "unplugged", "since noon");
    for fewer in [
        no_signal(640, 480, "", "unplugged", "since noon"),
        no_signal(640, 480, "camera", "", "since noon"),
        no_signal(640, 480, "camera", "unplugged", ""),
    ] {
        assert!(differing(&all, &fewer) > 100);
    }
}

#[test]
fn letters_the_fonts_lack_show_as_question_marks() {
    assert_eq!(
        no_signal(320, 240, "дом", "日本", "\u{1F4F7}"),
        no_signal(320, 240, "???", "??", "?")
    );
    assert_ne!(
        no_signal(320, 240, "caf\u{e9}", "", ""),
        no_signal(320, 240, "caf?", "", "")
    );
}

#[test]
fn a_picture_that_is_asked_for_too_large_or_empty_is_made_smaller_or_a_pixel() {
    assert_eq!(no_signal(0, 0, "a", "b", "c").rgb.len(), 3);
    let wide = no_signal(u32::MAX, 1, "a", "b", "c");
    assert_eq!((wide.width, wide.height), (MAX_SIDE, 1));
}

#[test]
fn texts_wrap_between_words_and_inside_long_ones() {
    assert_eq!(text::wrap("one two  three", 7), ["one two", "three"]);
    assert_eq!(text::wrap("a bcdefghij k", 4), ["a", "bcde", "fghi", "j k"]);
    assert_eq!(text::wrap("", 4), [""]);
}

proptest! {
    #[test]
    fn any_size_and_text_can_be_drawn_and_sent(
        width in 1_u32..200,
        height in 1_u32..200,
        texts in prop::array::uniform3(any::<String>()),
        number: u64,
        phase: f64,
    ) {
        let [name, reason, since] = &texts;
        let lost = no_signal(width, height, name, reason, since);
        let mut card = TestCard::new(width, height, name);
        let first = card.draw("12:34:56.789", 1, 0.0).clone();
        card.draw(reason, number, 1.0);
        prop_assert_eq!(card.draw("12:34:56.789", 1, 0.0), &first);
        for picture in [&lost, card.draw(since, number, phase)] {
            let jpeg = encode(&picture.pixels(), 80).unwrap();
            let admitted = admit(jpeg.into(), Lenience::Strict).unwrap();
            prop_assert_eq!((u32::from(admitted.width), u32::from(admitted.height)), (width, height));
        }
    }
}
