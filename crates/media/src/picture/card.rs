use super::Picture;
use super::canvas::{Area, Colour, between, circle, rounded};
use super::text::Face;

const GROUND: Colour = [17, 21, 28];
const GRID: Colour = [36, 43, 54];
const PANEL: Colour = [8, 10, 14];
const RING: Colour = [235, 240, 245];
const TEXT: Colour = [244, 247, 250];
const QUIET: Colour = [150, 162, 178];
const MARK: Colour = [64, 196, 255];

/// 75 % bars, as of SMPTE ECR 1-1978.
const BARS: [Colour; 7] = [
    [191, 191, 191],
    [191, 191, 0],
    [0, 191, 191],
    [0, 191, 0],
    [191, 0, 191],
    [191, 0, 0],
    [0, 0, 191],
];

/// The strip below the bars: with the blue channel alone, both look the same.
const REVERSE: [Colour; 7] = [
    BARS[6], [19; 3], BARS[4], [19; 3], BARS[2], [19; 3], BARS[0],
];

/// Grey steps from black to white.
const STEPS: i32 = 11;

/// A test picture that moves: colour bars, a grid and a circle, grey steps, and over them a clock, the number of the
/// frame and a mark that runs from left to right.
///
/// ```
/// let mut card = framecast_media::picture::TestCard::new(320, 240, "lab");
/// let picture = card.draw("12:00:00.040", 1, 0.02);
/// assert_eq!((picture.width, picture.height), (320, 240));
/// ```
#[derive(Debug, Clone)]
pub struct TestCard {
    /// All that stays the same.
    ground: Picture,
    picture: Picture,
    clock: Area,
    number: Area,
    track: Area,
}

impl TestCard {
    /// Draws all that stays the same, once. The size is brought into 1 to [`MAX_SIDE`](super::MAX_SIDE) pixels.
    #[must_use]
    pub fn new(width: u32, height: u32, name: &str) -> Self {
        let mut ground = Picture::black(width, height);
        let whole = ground.area();
        columns(&mut ground, whole.band(0, 27), &BARS);
        columns(&mut ground, whole.band(27, 33), &REVERSE);
        grid(&mut ground, whole.band(33, 90));
        let steps: Vec<Colour> = (0..STEPS)
            .map(|step| between([0; 3], [255; 3], step as f32 / (STEPS - 1) as f32))
            .collect();
        columns(&mut ground, whole.band(90, 100), &steps);
        ring(&mut ground);

        let texts = whole.narrowed(whole.width / 40);
        let panel = panel_of(whole);
        ground.shape(panel, PANEL, |x, y| {
            box_of(panel, panel.height as f32 / 8.0, x, y) + 0.5
        });
        ground.fitted(name, texts.band(37, 45).narrowed(whole.width / 8), QUIET);
        let track = whole.band(80, 88).narrowed(whole.width / 16);
        ruler(&mut ground, track);
        Self {
            picture: ground.clone(),
            ground,
            clock: panel.band(6, 94),
            number: texts.band(70, 78).narrowed(whole.width / 8),
            track,
        }
    }

    /// Draws what changes: a clock, such as `12:34:56.789`, the number of the frame, and the mark at `phase` of its
    /// way, from 0 on the left to 1 on the right.
    ///
    /// Only the areas of these are drawn anew.
    pub fn draw(&mut self, clock: &str, number: u64, phase: f64) -> &Picture {
        for area in [self.clock, self.number, self.track] {
            self.picture.restore(area, &self.ground);
        }
        self.picture
            .fitted(clock, self.clock.narrowed(self.clock.width / 24), TEXT);
        // Sized for more digits than there are, lest it jumps when it grows.
        let number = format!("FRAME {number:06}");
        let face = Face::roomy(number.len().max(16), self.number.width, self.number.height);
        if face.height() <= self.number.height {
            self.picture.line(&number, self.number, face, QUIET);
        }
        self.mark(phase);
        &self.picture
    }

    /// The mark, with a tail that fades behind it.
    fn mark(&mut self, phase: f64) {
        let phase = if phase.is_finite() {
            phase.clamp(0.0, 1.0)
        } else {
            0.0
        };
        let track = self.track;
        let radius = (track.height as f32 * 0.32).max(1.0);
        let room = (track.width as f32 - 2.0 * radius).max(0.0);
        let centre = (track.x as f32 + radius + room * phase as f32, middle(track));
        let tail = track.width as f32 / 6.0;
        // The track's height is room enough for the mark.
        let reach = Area::new(
            centre.0 as i32 - track.height,
            track.y,
            track.height * 2,
            track.height,
        );
        let around = reach.within(track);
        self.picture.blend(track, MARK, |x, y| {
            let behind = centre.0 - (x as f32 + 0.5);
            let inside = (y as f32 + 0.5 - centre.1).abs() < radius * 0.5;
            if inside && (0.0..tail).contains(&behind) {
                0.6 * (1.0 - behind / tail)
            } else {
                0.0
            }
        });
        self.picture
            .shape(around, MARK, |x, y| circle(x, y, centre, radius));
        self.picture
            .shape(around, TEXT, |x, y| circle(x, y, centre, radius * 0.45));
    }
}

fn middle(area: Area) -> f32 {
    area.y as f32 + area.height as f32 / 2.0
}

/// Columns of equal width side by side.
fn columns(picture: &mut Picture, area: Area, colours: &[Colour]) {
    picture.paint(area, |x, _| {
        let column = (x - area.x) as usize * colours.len() / area.width.max(1) as usize;
        colours[column.min(colours.len() - 1)]
    });
}

fn grid(picture: &mut Picture, area: Area) {
    let whole = picture.area();
    let cell = (whole.height / 18).max(4);
    let line = (whole.height / 720).max(1);
    // Lines run through the centre of the picture.
    let on = |place: i32, side: i32| (place - side / 2).rem_euclid(cell) < line;
    picture.paint(area, |x, y| {
        if on(x, whole.width) || on(y, whole.height) {
            GRID
        } else {
            GROUND
        }
    });
}

/// The circle that shows whether pixels are square.
fn ring(picture: &mut Picture) {
    let whole = picture.area();
    let centre = (whole.width as f32 / 2.0, whole.height as f32 / 2.0);
    let radius = whole.width.min(whole.height) as f32 * 0.46;
    let half = (radius / 160.0).max(0.5);
    picture.shape(whole, RING, |x, y| {
        circle(x, y, centre, radius).abs() - half
    });
}

fn panel_of(whole: Area) -> Area {
    let margin = (whole.width - (whole.height * 3 / 2).min(whole.width * 94 / 100)) / 2;
    whole.band(46, 69).narrowed(margin)
}

fn box_of(area: Area, radius: f32, x: f32, y: f32) -> f32 {
    let half = (area.width as f32 / 2.0, area.height as f32 / 2.0);
    rounded(x, y, (area.x as f32 + half.0, middle(area)), half, radius)
}

/// The line on which the mark runs, with ticks at the tenths.
fn ruler(picture: &mut Picture, track: Area) {
    let line = (track.height / 16).max(1);
    picture.fill(
        Area::new(
            track.x,
            track.y + (track.height - line) / 2,
            track.width,
            line,
        ),
        QUIET,
    );
    for tick in 0..=10 {
        let high = track.height / if tick % 5 == 0 { 2 } else { 4 };
        let x = track.x + (track.width - line) * tick / 10;
        picture.fill(
            Area::new(x, track.y + (track.height - high) / 2, line, high),
            QUIET,
        );
    }
}
