//! Pixel formats, and which of a camera's offers suits a wish best. Pure: no device is asked here.

use std::{fmt, str::FromStr};

use framecast_camera::{Format, Layout, Range, Size};

/// The four characters that name a pixel format.
///
/// Source: <https://docs.kernel.org/userspace-api/media/v4l/pixfmt.html>
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FourCc(pub(crate) u32);

/// What can be passed on or encoded, the most welcome first: compressed before raw, since a USB 2 camera reaches its
/// larger sizes and higher rates only so; then colour in fewer bits before colour in more, and grey last.
const KNOWN: [(&[u8; 4], Kind); 11] = [
    (b"MJPG", Kind::Jpeg),
    (b"JPEG", Kind::Jpeg),
    (b"YUYV", Kind::Raw(Layout::Yuyv)),
    (b"UYVY", Kind::Raw(Layout::Uyvy)),
    (b"NV12", Kind::Raw(Layout::Nv12)),
    (b"NV21", Kind::Raw(Layout::Nv21)),
    (b"YU12", Kind::Raw(Layout::I420)),
    (b"YV12", Kind::Raw(Layout::Yv12)),
    (b"RGB3", Kind::Raw(Layout::Rgb24)),
    (b"BGR3", Kind::Raw(Layout::Bgr24)),
    (b"GREY", Kind::Raw(Layout::Grey)),
];

#[derive(Clone, Copy)]
enum Kind {
    Jpeg,
    Raw(Layout),
}

impl FourCc {
    /// What its frames are, for rows of `stride` bytes and samples of that range; `None` if framecast can't use them.
    pub(crate) fn format(self, stride: u32, range: Range) -> Option<Format> {
        Some(match self.kind()? {
            Kind::Jpeg => Format::Jpeg,
            Kind::Raw(layout) => Format::Raw {
                layout,
                stride,
                range,
            },
        })
    }

    /// Its place among the formats that framecast can use; the first is the most welcome.
    fn rank(self) -> Option<usize> {
        KNOWN
            .iter()
            .position(|(name, _)| Self::from(**name) == self)
    }

    pub(crate) fn is_known(self) -> bool {
        self.rank().is_some()
    }

    /// Bytes in a row of that many pixels without a gap, in the first plane.
    pub(crate) fn row(self, width: u32) -> u32 {
        match self.kind() {
            Some(Kind::Raw(Layout::Yuyv | Layout::Uyvy)) => width.saturating_mul(2),
            Some(Kind::Raw(Layout::Rgb24 | Layout::Bgr24)) => width.saturating_mul(3),
            Some(Kind::Raw(_)) => width,
            _ => 0,
        }
    }

    /// The values that its samples take where the driver leaves that open, by the kernel's rule: those of video for colour
    /// differences, unless it is the colour space of JPEG. Grey is no exception there, but sensors that give it don't keep
    /// to that, so it is taken as it is.
    pub(crate) fn usual_range(self, of_jpeg: bool) -> Range {
        match self.kind() {
            Some(Kind::Raw(Layout::Rgb24 | Layout::Bgr24 | Layout::Grey)) => Range::Full,
            Some(Kind::Raw(_)) if !of_jpeg => Range::Limited,
            _ => Range::Full,
        }
    }

    fn kind(self) -> Option<Kind> {
        let known = KNOWN.iter().find(|(name, _)| Self::from(**name) == self);
        known.map(|(_, kind)| *kind)
    }

    fn is_jpeg(self) -> bool {
        matches!(self.kind(), Some(Kind::Jpeg))
    }
}

impl From<[u8; 4]> for FourCc {
    fn from(name: [u8; 4]) -> Self {
        Self(u32::from_le_bytes(name))
    }
}

impl FromStr for FourCc {
    type Err = String;

    /// Takes the kernel's four characters in any case, and what people call the formats.
    fn from_str(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let name = match upper.as_str() {
            "MJPEG" => "MJPG",
            "YUY2" => "YUYV",
            "I420" => "YU12",
            "RGB24" => "RGB3",
            "BGR24" => "BGR3",
            "GRAY" => "GREY",
            name => name,
        };
        let code = name
            .as_bytes()
            .try_into()
            .map(|name: [u8; 4]| Self::from(name));
        match code {
            Ok(code) if code.is_known() => Ok(code),
            _ => {
                let known: Vec<String> =
                    KNOWN.iter().map(|k| Self::from(*k.0).to_string()).collect();
                Err(format!(
                    "`{text}` is no pixel format that can be used: it must be one of {}",
                    known.join(", ")
                ))
            }
        }
    }
}

/// As in `YUYV`.
impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The highest bit says that the samples are big-endian, and is no part of the name.
        let [a, b, c, d] = (self.0 & 0x7fff_ffff).to_le_bytes();
        let text = [a, b, c, d].map(|byte| {
            if byte.is_ascii_graphic() {
                byte as char
            } else {
                ' '
            }
        });
        let text: String = text.iter().collect();
        f.write_str(text.trim_end())?;
        if self.0 >> 31 == 1 {
            f.write_str("-BE")?;
        }
        Ok(())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How pictures are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wish {
    /// Width and height; what the camera is good at if there is none.
    pub size: Option<Size>,
    /// Frames a second; up to 30 if there is none.
    pub fps: Option<f64>,
    /// This pixel format and no other.
    pub format: Option<FourCc>,
}

/// A size of one pixel format, and the rates that it comes at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Offer {
    pub(crate) format: FourCc,
    pub(crate) size: Size,
    /// Frames a second; empty if the camera doesn't say.
    pub(crate) rates: Vec<f64>,
}

/// The sizes that a pixel format has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sizes {
    /// These.
    Each(Vec<Size>),
    /// All from the least to the most, in steps.
    Range {
        /// The smallest.
        least: Size,
        /// The largest.
        most: Size,
        /// What two neighbouring sizes differ by in width and in height.
        step: Size,
    },
}

/// Frames a second where nobody asked for a number.
const USUAL_FPS: f64 = 30.0;
/// A rate counts as reached from here on: 29.97 is as good as 30.
const REACHED: f64 = 0.98;

impl Wish {
    /// The size to look for: what is asked, or what suits the format. Raw pictures take long to encode, and at larger
    /// sizes most cameras have few of them in a second.
    fn target(&self, offers: &[Offer]) -> Size {
        let compressed = offers.iter().any(|offer| offer.format.is_jpeg());
        self.size.unwrap_or(if compressed {
            Size::new(1280, 720)
        } else {
            Size::new(640, 480)
        })
    }

    /// The size within a range that is nearest to what is wanted.
    pub(crate) fn within(&self, format: FourCc, least: Size, most: Size, step: Size) -> Size {
        let target = self.size.unwrap_or(if format.is_jpeg() {
            Size::new(1280, 720)
        } else {
            Size::new(640, 480)
        });
        let side = |wanted: u32, least: u32, most: u32, step: u32| {
            let wanted = wanted.clamp(least, most.max(least));
            least + (wanted - least) / step.max(1) * step.max(1)
        };
        Size::new(
            side(target.width, least.width, most.width, step.width),
            side(target.height, least.height, most.height, step.height),
        )
    }

    /// The rate of these that is best: the lowest that is enough, or else the highest.
    pub(crate) fn rate(&self, rates: &[f64]) -> Option<f64> {
        let enough = rates.iter().copied().filter(|rate| match self.fps {
            Some(fps) => *rate >= fps * REACHED,
            None => *rate <= USUAL_FPS / REACHED,
        });
        let best = match self.fps {
            Some(_) => enough.min_by(f64::total_cmp),
            None => enough.max_by(f64::total_cmp),
        };
        let else_best = || match self.fps {
            Some(_) => rates.iter().copied().max_by(f64::total_cmp),
            None => rates.iter().copied().min_by(f64::total_cmp),
        };
        best.or_else(else_best)
    }

    /// The offer that suits best: not much too slow, then the nearest size, then fast enough, then the most welcome format.
    pub(crate) fn choose<'a>(&self, offers: &'a [Offer]) -> Option<&'a Offer> {
        let target = self.target(offers);
        let fps = self.fps.unwrap_or(USUAL_FPS);
        // A size that was asked for is worth any rate, if none was asked for.
        let lenient = self.size.is_some() && self.fps.is_none();
        offers
            .iter()
            .filter_map(|offer| Some((offer.format.rank()?, offer)))
            .min_by_key(|(rank, offer)| {
                let rate = self.rate(&offer.rates).unwrap_or(fps);
                let crawls = !lenient && rate < fps / 2.0;
                let short = (1.0 - (rate / fps).min(1.0)) * 100.0;
                // 25 where 30 is usual is no reason to prefer raw pictures.
                let short = if short <= 20.0 { 0 } else { short as u64 };
                (crawls, distance(offer.size, target), short, *rank)
            })
            .map(|(_, offer)| offer)
    }
}

/// How far a size is from what is wanted. Too small weighs double: what is too large can be made smaller.
fn distance(size: Size, wanted: Size) -> u64 {
    let side = |has: u32, wanted: u32| {
        let short = u64::from(wanted.saturating_sub(has));
        2 * short + u64::from(has.saturating_sub(wanted))
    };
    side(size.width, wanted.width) + side(size.height, wanted.height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(format: &str, width: u32, height: u32, rates: &[f64]) -> Offer {
        Offer {
            format: format.parse().unwrap(),
            size: Size::new(width, height),
            rates: rates.to_vec(),
        }
    }

    /// A usual USB 2 camera.
    fn webcam() -> Vec<Offer> {
        vec![
            offer("YUYV", 640, 480, &[30.0, 15.0]),
            offer("YUYV", 1280, 720, &[10.0]),
            offer("YUYV", 1920, 1080, &[5.0]),
            offer("MJPG", 640, 480, &[30.0, 15.0]),
            offer("MJPG", 1280, 720, &[30.0]),
            offer("MJPG", 1920, 1080, &[30.0]),
        ]
    }

    #[track_caller]
    fn chosen(offers: &[Offer], size: Option<(u32, u32)>, fps: Option<f64>) -> String {
        let wish = Wish {
            size: size.map(|(width, height)| Size::new(width, height)),
            fps,
            format: None,
        };
        let offer = wish.choose(offers).unwrap();
        let rate = wish.rate(&offer.rates).unwrap_or_default();
        format!("{} {} {rate}", offer.format, offer.size)
    }

    #[test]
    fn mjpeg_is_preferred_where_the_size_is_the_same() {
        assert_eq!(chosen(&webcam(), None, None), "MJPG 1280x720 30");
        assert_eq!(chosen(&webcam(), Some((640, 480)), None), "MJPG 640x480 30");
        let fast = Some(30.0);
        assert_eq!(
            chosen(&webcam(), Some((1920, 1080)), fast),
            "MJPG 1920x1080 30"
        );
    }

    #[test]
    fn the_lowest_rate_that_is_enough_is_taken() {
        let vga = Some((640, 480));
        assert_eq!(chosen(&webcam(), vga, Some(10.0)), "MJPG 640x480 15");
        assert_eq!(chosen(&webcam(), vga, Some(60.0)), "MJPG 640x480 30");
    }

    #[test]
    fn a_size_that_is_not_there_gets_the_nearest_and_rather_a_larger_one() {
        assert_eq!(chosen(&webcam(), Some((800, 600)), None), "MJPG 640x480 30");
        assert_eq!(
            chosen(&webcam(), Some((1200, 700)), None),
            "MJPG 1280x720 30"
        );
        assert_eq!(
            chosen(&webcam(), Some((4000, 3000)), None),
            "MJPG 1920x1080 30"
        );
    }

    #[test]
    fn without_a_wish_a_raw_camera_gives_a_size_that_moves() {
        let raw = [
            offer("YUYV", 640, 480, &[25.0]),
            offer("YUYV", 1280, 720, &[12.5]),
        ];
        assert_eq!(chosen(&raw, None, None), "YUYV 640x480 25");
        assert_eq!(chosen(&raw, Some((1280, 720)), None), "YUYV 1280x720 12.5");
        assert_eq!(
            chosen(&raw, Some((1280, 720)), Some(30.0)),
            "YUYV 640x480 25"
        );
    }

    #[test]
    fn the_most_welcome_raw_format_is_taken_and_unknown_ones_never() {
        let unknown = Offer {
            format: FourCc::from(*b"H264"),
            ..offer("GREY", 640, 480, &[30.0])
        };
        let offers = [
            unknown.clone(),
            offer("GREY", 640, 480, &[30.0]),
            offer("NV12", 640, 480, &[]),
        ];
        assert_eq!(chosen(&offers, None, None), "NV12 640x480 0");
        assert!(Wish::default().choose(&[unknown]).is_none());
    }

    #[test]
    fn a_range_gives_the_nearest_size_on_its_steps() {
        let wish = Wish {
            size: Some(Size::new(1001, 5000)),
            ..Wish::default()
        };
        let (least, most, step) = (Size::new(32, 32), Size::new(1920, 1088), Size::new(16, 0));
        let code = FourCc::from(*b"NV12");
        assert_eq!(wish.within(code, least, most, step), Size::new(992, 1088));
    }

    #[test]
    fn a_format_is_known_by_the_names_people_use() {
        for (typed, name) in [
            ("mjpeg", "MJPG"),
            ("yuy2", "YUYV"),
            ("I420", "YU12"),
            ("grey", "GREY"),
        ] {
            assert_eq!(typed.parse::<FourCc>().unwrap().to_string(), name);
        }
        let error = "H264".parse::<FourCc>().unwrap_err();
        assert!(error.contains("MJPG, JPEG, YUYV"), "{error}");
        assert_eq!(
            FourCc(u32::from_le_bytes(*b"Y16 ") | 1 << 31).to_string(),
            "Y16-BE"
        );
    }
}
