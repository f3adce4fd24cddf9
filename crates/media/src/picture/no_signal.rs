use super::Picture;
use super::canvas::{Area, Colour, between, circle, rounded, stroke};
use super::text::{Face, wrap};

const TOP: Colour = [30, 33, 40];
const BOTTOM: Colour = [12, 13, 17];
const TEXT: Colour = [240, 242, 245];
const QUIET: Colour = [158, 166, 178];
const FAINT: Colour = [104, 111, 122];
const ICON: Colour = [120, 128, 140];
const ALARM: Colour = [232, 72, 60];

/// The picture that stands in for a camera that gives none: its name, why, and since when.
///
/// `reason` is wrapped and cut off where it takes too much room; `since` is a text such as `since 12:34:56`. The size
/// is brought into 1 to [`MAX_SIDE`](super::MAX_SIDE) pixels.
#[must_use]
pub fn no_signal(width: u32, height: u32, name: &str, reason: &str, since: &str) -> Picture {
    let mut picture = Picture::black(width, height);
    let whole = picture.area();
    picture.paint(whole, |_, y| {
        between(TOP, BOTTOM, y as f32 / whole.height as f32)
    });
    let texts = whole.narrowed(whole.width / 20);
    picture.fitted(name, texts.band(7, 15), QUIET);
    if whole.height >= 96 {
        camera(&mut picture, texts.band(20, 40));
    }
    picture.fitted("NO SIGNAL", texts.band(43, 62), TEXT);
    let bar = texts.band(64, 65);
    let margin = (bar.width - whole.height / 4) / 2;
    picture.fill(
        Area {
            height: bar.height.max(1),
            ..bar.narrowed(margin)
        },
        ALARM,
    );
    explain(&mut picture, reason, texts.band(68, 88));
    picture.fitted(since, texts.band(90, 96), FAINT);
    picture
}

/// The reason, in as many lines as there is room for.
fn explain(picture: &mut Picture, reason: &str, area: Area) {
    // About forty letters make a line that reads well.
    let letters = reason.chars().count().clamp(24, 40);
    let face = Face::roomy(letters, area.width, area.height / 4);
    let room = usize::try_from(area.height / face.leading()).unwrap_or(0);
    let mut lines = wrap(reason, face.letters(area.width));
    if lines.len() > room {
        lines.truncate(room);
        if let Some(last) = lines.last_mut() {
            let kept = face.letters(area.width).saturating_sub(3);
            *last = last.chars().take(kept).chain("...".chars()).collect();
        }
    }
    for (line, index) in lines.iter().zip(0..) {
        let area = Area {
            y: area.y + index * face.leading(),
            height: face.height(),
            ..area
        };
        picture.line(line, area, face, QUIET);
    }
}

/// A camera, crossed out.
fn camera(picture: &mut Picture, area: Area) {
    let unit = area.height as f32 / 20.0;
    let centre = (
        area.x as f32 + area.width as f32 / 2.0,
        area.y as f32 + area.height as f32 / 2.0,
    );
    let place = |x: f32, y: f32| (centre.0 + x * unit, centre.1 + y * unit);
    let body = place(-3.0, 0.0);
    picture.shape(area, ICON, |x, y| {
        rounded(x, y, body, (10.0 * unit, 7.0 * unit), 2.0 * unit)
    });
    // The finder, which widens towards the front.
    let (tip, wide) = (place(8.0, 0.0), 5.0 * unit);
    picture.shape(area, ICON, |x, y| {
        let along = (x - tip.0) / (6.0 * unit);
        let edge = (y - tip.1).abs() - wide * (0.35 + 0.65 * along);
        edge.max(tip.0 - x).max(x - tip.0 - 6.0 * unit)
    });
    let shade = between(TOP, BOTTOM, 0.3);
    picture.shape(area, shade, |x, y| circle(x, y, body, 3.6 * unit));
    let (from, to) = (place(-12.0, 9.0), place(12.0, -9.0));
    picture.shape(area, shade, |x, y| stroke(x, y, from, to, 1.9 * unit));
    picture.shape(area, ALARM, |x, y| stroke(x, y, from, to, 0.9 * unit));
}
