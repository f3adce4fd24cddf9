//! Text in the fixed-width fonts of embedded-graphics, enlarged as far as there is room.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle, iso_8859_1};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::text::Baseline;
use embedded_graphics::text::renderer::TextRenderer;

use super::Picture;
use super::canvas::{Area, Colour};

/// From the largest to the smallest that can be read.
const FONTS: [&MonoFont<'static>; 6] = [
    &iso_8859_1::FONT_10X20,
    &iso_8859_1::FONT_9X15_BOLD,
    &iso_8859_1::FONT_7X13_BOLD,
    &iso_8859_1::FONT_6X10,
    &iso_8859_1::FONT_5X8,
    &iso_8859_1::FONT_4X6,
];

/// Fonts lower than this, in pixels, look clumsy when they are enlarged.
const ENLARGED: i32 = 15;

/// A font and how many times it is enlarged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Face {
    font: &'static MonoFont<'static>,
    factor: i32,
}

impl Face {
    /// The largest face in which `letters` letters take at most this room, in pixels.
    pub(super) fn fit(letters: usize, width: i32, height: i32) -> Option<Self> {
        let letters = i32::try_from(letters.max(1)).ok()?;
        FONTS
            .into_iter()
            .filter_map(|font| {
                let (wide, high) = cell(font);
                let factor = (width / wide.checked_mul(letters)?).min(height / high);
                let factor = if high < ENLARGED {
                    factor.min(1)
                } else {
                    factor
                };
                (factor > 0).then_some(Self { font, factor })
            })
            // The first of the largest: a large font looks better than a small one enlarged.
            .reduce(|best, face| {
                if face.height() > best.height() {
                    face
                } else {
                    best
                }
            })
    }

    /// The largest face of at most this height in which a line has room for at least `letters` letters; where there
    /// is none, the smallest.
    pub(super) fn roomy(letters: usize, width: i32, height: i32) -> Self {
        Self::fit(letters, width, height).unwrap_or(Self {
            font: FONTS[FONTS.len() - 1],
            factor: 1,
        })
    }

    /// The height of a line, in pixels.
    pub(super) fn height(self) -> i32 {
        cell(self.font).1 * self.factor
    }

    /// Pixels from one line of a paragraph to the next.
    pub(super) fn leading(self) -> i32 {
        self.height() * 6 / 5
    }

    /// How many letters a line of this width has room for.
    pub(super) fn letters(self, width: i32) -> usize {
        usize::try_from(width / (cell(self.font).0 * self.factor)).unwrap_or(0)
    }
}

impl Picture {
    /// Writes a line in the middle of an area; what doesn't fit its width is cut off.
    pub(super) fn line(&mut self, text: &str, area: Area, face: Face, colour: Colour) {
        let text: String = text
            .chars()
            .take(face.letters(area.width))
            .map(printable)
            .collect();
        let mask = Mask::write(&text, face.font);
        let (width, height) = (mask.width * face.factor, mask.height * face.factor);
        let x = area.x + (area.width - width) / 2;
        let y = area.y + (area.height - height) / 2;
        let columns = Place::all(mask.width, face.factor);
        let rows = Place::all(mask.height, face.factor);
        self.blend(Area::new(x, y, width, height), colour, |column, row| {
            mask.covered(columns[(column - x) as usize], rows[(row - y) as usize])
        });
    }

    /// Writes a line as large as it fits, or with its end cut off if it fits in no size.
    pub(super) fn fitted(&mut self, text: &str, area: Area, colour: Colour) {
        let face = Face::roomy(text.chars().count(), area.width, area.height);
        if face.height() <= area.height {
            self.line(text, area, face, colour);
        }
    }
}

/// Breaks a text into lines of at most `letters` letters, between words where it can.
pub(super) fn wrap(text: &str, letters: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut room = letters;
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        let gap = usize::from(room < letters);
        if word.len() + gap > room && gap > 0 {
            lines.push(String::new());
            room = letters;
        }
        while word.len() > room && letters > 0 {
            let rest = word.split_off(room);
            if let Some(line) = lines.last_mut() {
                line.extend(word);
            }
            lines.push(String::new());
            (word, room) = (rest, letters);
        }
        if let Some(line) = lines.last_mut() {
            if room < letters {
                line.push(' ');
                room -= 1;
            }
            room = room.saturating_sub(word.len());
            line.extend(word);
        }
    }
    lines
}

/// What the fonts hold; they show the rest as a question mark.
fn printable(letter: char) -> char {
    if letter.is_control() || letter.is_whitespace() {
        ' '
    } else {
        letter
    }
}

fn cell(font: &MonoFont<'_>) -> (i32, i32) {
    let size = font.character_size;
    (size.width as i32, size.height as i32)
}

/// A line of text as a font draws it, one byte a pixel.
struct Mask {
    width: i32,
    height: i32,
    set: Vec<u8>,
}

impl Mask {
    fn write(text: &str, font: &'static MonoFont<'static>) -> Self {
        let (wide, height) = cell(font);
        let width = wide * i32::try_from(text.chars().count()).unwrap_or(0);
        let mut mask = Self {
            width,
            height,
            set: vec![0; (width * height) as usize],
        };
        let style = MonoTextStyle::new(font, BinaryColor::On);
        let Ok(_) = style.draw_string(text, Point::zero(), Baseline::Top, &mut mask);
        mask
    }

    fn at(&self, x: i32, y: i32) -> f32 {
        let inside = (0..self.width).contains(&x) && (0..self.height).contains(&y);
        if inside {
            f32::from(self.set[(y * self.width + x) as usize])
        } else {
            0.0
        }
    }

    /// How far a pixel of the enlarged mask is covered, by its places across and down: the edges are smoothed, so that
    /// the letters look drawn rather than laid of bricks.
    fn covered(&self, across: Place, down: Place) -> f32 {
        let (x, y) = (across.pixel, down.pixel);
        let top = self.at(x, y) * (1.0 - across.beyond) + self.at(x + 1, y) * across.beyond;
        let bottom =
            self.at(x, y + 1) * (1.0 - across.beyond) + self.at(x + 1, y + 1) * across.beyond;
        let share = top * (1.0 - down.beyond) + bottom * down.beyond;
        (share - 0.46) * across.sharpness + 0.5
    }
}

/// Where a pixel of something enlarged lies between the centres of two pixels of the original.
#[derive(Clone, Copy)]
struct Place {
    pixel: i32,
    /// How far it is on its way to the next, from 0 to 1.
    beyond: f32,
    sharpness: f32,
}

impl Place {
    /// Those of all pixels of a side that had `side` pixels.
    fn all(side: i32, factor: i32) -> Vec<Self> {
        let place = |pixel: i32| {
            let halves = 2 * pixel + 1 - factor;
            Self {
                pixel: halves.div_euclid(2 * factor),
                beyond: halves.rem_euclid(2 * factor) as f32 / (2 * factor) as f32,
                sharpness: if factor == 1 { 2.0 } else { factor as f32 },
            }
        };
        (0..side * factor).map(place).collect()
    }
}

impl OriginDimensions for Mask {
    fn size(&self) -> Size {
        Size::new(self.width as u32, self.height as u32)
    }
}

impl DrawTarget for Mask {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, colour) in pixels {
            if (0..self.width).contains(&x) && (0..self.height).contains(&y) {
                self.set[(y * self.width + x) as usize] = u8::from(colour.is_on());
            }
        }
        Ok(())
    }
}
