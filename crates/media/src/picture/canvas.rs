//! The few shapes that the pictures are made of. Everything is clipped to the picture.

use super::Picture;

/// Red, green, blue.
pub(super) type Colour = [u8; 3];

/// A rectangle in pixels; it may reach beyond the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

impl Area {
    pub(super) fn new(x: i32, y: i32, width: i32, height: i32) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// The part of it that lies at `from` to `to` hundredths of its height.
    pub(super) fn band(self, from: i32, to: i32) -> Self {
        let (top, bottom) = (self.height * from / 100, self.height * to / 100);
        Self {
            y: self.y + top,
            height: bottom - top,
            ..self
        }
    }

    /// The part of it that lies in another.
    pub(super) fn within(self, other: Self) -> Self {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let right = (self.x + self.width).min(other.x + other.width);
        let bottom = (self.y + self.height).min(other.y + other.height);
        Self::new(x, y, right - x, bottom - y)
    }

    /// It without a margin on the left and the right.
    pub(super) fn narrowed(self, margin: i32) -> Self {
        Self {
            x: self.x + margin,
            width: self.width - 2 * margin,
            ..self
        }
    }
}

impl Picture {
    pub(super) fn area(&self) -> Area {
        Area::new(0, 0, side(self.width), side(self.height))
    }

    /// Colours an area by a function of the pixel's place in the picture.
    pub(super) fn paint(&mut self, area: Area, colour: impl Fn(i32, i32) -> Colour) {
        self.each(area, |x, y, pixel| pixel.copy_from_slice(&colour(x, y)));
    }

    pub(super) fn fill(&mut self, area: Area, colour: Colour) {
        self.paint(area, |_, _| colour);
    }

    /// Lays a colour over an area, as opaque (0 to 1) as a function of the pixel's place says.
    pub(super) fn blend(&mut self, area: Area, colour: Colour, opacity: impl Fn(i32, i32) -> f32) {
        self.each(area, |x, y, pixel| {
            let opacity = opacity(x, y).clamp(0.0, 1.0);
            if opacity > 0.0 {
                for (channel, over) in pixel.iter_mut().zip(colour) {
                    *channel = mix(*channel, over, opacity);
                }
            }
        });
    }

    /// Draws a shape with smooth edges, given as the signed distance of a point from its edge, negative inside.
    pub(super) fn shape(&mut self, area: Area, colour: Colour, distance: impl Fn(f32, f32) -> f32) {
        self.blend(area, colour, |x, y| {
            0.5 - distance(x as f32 + 0.5, y as f32 + 0.5)
        });
    }

    /// Copies an area from a picture of the same size.
    pub(super) fn restore(&mut self, area: Area, from: &Self) {
        let Some((columns, rows)) = self.clip(area) else {
            return;
        };
        for row in rows {
            let line = (row * self.width as usize + columns.start) * 3
                ..(row * self.width as usize + columns.end) * 3;
            self.rgb[line.clone()].copy_from_slice(&from.rgb[line]);
        }
    }

    fn each(&mut self, area: Area, mut change: impl FnMut(i32, i32, &mut [u8])) {
        let Some((columns, rows)) = self.clip(area) else {
            return;
        };
        let width = self.width as usize;
        for row in rows {
            let line =
                &mut self.rgb[(row * width + columns.start) * 3..(row * width + columns.end) * 3];
            for (column, pixel) in columns.clone().zip(line.chunks_exact_mut(3)) {
                change(column as i32, row as i32, pixel);
            }
        }
    }

    /// The columns and rows of an area that lie in the picture, `None` if there are none.
    fn clip(&self, area: Area) -> Option<(std::ops::Range<usize>, std::ops::Range<usize>)> {
        let range = |start: i32, length: i32, side: i32| {
            let end = start.saturating_add(length).min(side);
            let start = start.max(0);
            (start < end).then_some(start as usize..end as usize)
        };
        let whole = self.area();
        Some((
            range(area.x, area.width, whole.width)?,
            range(area.y, area.height, whole.height)?,
        ))
    }
}

/// The distance of a point from a circle's edge.
pub(super) fn circle(x: f32, y: f32, (centre_x, centre_y): (f32, f32), radius: f32) -> f32 {
    (x - centre_x).hypot(y - centre_y) - radius
}

/// The distance of a point from the edge of a box with round corners; `half` is half its width and height.
pub(super) fn rounded(x: f32, y: f32, centre: (f32, f32), half: (f32, f32), radius: f32) -> f32 {
    let (x, y) = (
        (x - centre.0).abs() - half.0 + radius,
        (y - centre.1).abs() - half.1 + radius,
    );
    x.max(0.0).hypot(y.max(0.0)) + x.max(y).min(0.0) - radius
}

/// The distance of a point from the edge of a line with round ends.
pub(super) fn stroke(x: f32, y: f32, from: (f32, f32), to: (f32, f32), radius: f32) -> f32 {
    let (along_x, along_y) = (to.0 - from.0, to.1 - from.1);
    let length = (along_x * along_x + along_y * along_y).max(f32::EPSILON);
    let t = (((x - from.0) * along_x + (y - from.1) * along_y) / length).clamp(0.0, 1.0);
    (x - from.0 - t * along_x).hypot(y - from.1 - t * along_y) - radius
}

/// A colour between two.
pub(super) fn between(from: Colour, to: Colour, share: f32) -> Colour {
    std::array::from_fn(|channel| mix(from[channel], to[channel], share.clamp(0.0, 1.0)))
}

fn mix(from: u8, to: u8, share: f32) -> u8 {
    (f32::from(from) + (f32::from(to) - f32::from(from)) * share).round() as u8
}

fn side(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}
