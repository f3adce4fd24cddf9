//! An open device node: what it is, what it offers, and how it is set.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use framecast_camera::{Error, ErrorKind, Result, Size};
use rustix::fs::{Mode, OFlags, open};

use crate::{
    format::{FourCc, Offer, Sizes, Wish},
    kernel::{Plain, abi, call, text},
    trouble,
};

/// No driver lists more than that; one that never stops listing must not hold us up.
const MOST_LISTED: u32 = 512;

/// Frames a second.
#[derive(Clone, Debug, PartialEq)]
pub enum Rates {
    /// These.
    Each(Vec<f64>),
    /// All from the least to the most.
    Range {
        /// The slowest.
        least: f64,
        /// The fastest.
        most: f64,
    },
}

impl Rates {
    /// Those among which one can be chosen, the wanted one included if there is a choice of all.
    fn near(&self, fps: Option<f64>) -> Vec<f64> {
        match self {
            Self::Each(rates) => rates.clone(),
            Self::Range { least, most } => {
                let usual = fps.unwrap_or(30.0).max(*least).min(*most);
                vec![*least, usual, *most]
            }
        }
    }
}

/// An open device that can capture.
#[derive(Debug)]
pub(crate) struct Device {
    node: OwnedFd,
    path: PathBuf,
    /// What the driver calls the hardware.
    pub(crate) card: String,
    /// The kernel's driver.
    pub(crate) driver: String,
    /// Where it is plugged in, as in `usb-0000:00:14.0-1`.
    pub(crate) bus: String,
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.node.as_fd()
    }
}

impl Device {
    /// Opens the node at `path` if it is one that pictures come from.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let node = open(path, flags, Mode::empty())
            .map_err(|error| trouble::opening(path, error.into()))?;
        let unfit = |kind, why: &str| Error::new(kind, format!("{} {why}", path.display()));
        let mut capability = abi::Capability::zero();
        call::query_capability(node.as_fd(), &mut capability)
            .map_err(|error| unfit(ErrorKind::Invalid, "is no video device").with_source(error))?;
        let able = if capability.capabilities & abi::CAP_DEVICE_CAPS == 0 {
            capability.capabilities
        } else {
            // A camera's second node, for its metadata, shows the abilities of the first here alone.
            capability.device_caps
        };
        if able & abi::CAP_VIDEO_CAPTURE == 0 {
            return Err(if able & abi::CAP_VIDEO_CAPTURE_MPLANE == 0 {
                unfit(
                    ErrorKind::Invalid,
                    "is a node that gives no pictures: the camera has another",
                )
            } else {
                unfit(
                    ErrorKind::Unsupported,
                    "gives pictures in several buffers each, which can't be read yet",
                )
            });
        }
        if able & abi::CAP_STREAMING == 0 {
            return Err(unfit(ErrorKind::Unsupported, "can't share its buffers"));
        }
        Ok(Self {
            node,
            path: path.to_owned(),
            card: text(&capability.card),
            driver: text(&capability.driver),
            bus: text(&capability.bus_info),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The pixel formats that it has, each with the driver's words for it.
    pub(crate) fn formats(&self) -> Vec<(FourCc, String)> {
        let listed = (0..MOST_LISTED).map_while(|index| {
            let mut format = abi::FormatDescription {
                index,
                kind: abi::VIDEO_CAPTURE,
                ..abi::FormatDescription::zero()
            };
            call::enumerate_formats(self.as_fd(), &mut format).ok()?;
            Some((FourCc(format.pixelformat), text(&format.description)))
        });
        listed.collect()
    }

    /// The sizes that a format has; `None` if the driver doesn't say.
    pub(crate) fn sizes(&self, format: FourCc) -> Option<Sizes> {
        let mut sizes = Vec::new();
        for index in 0..MOST_LISTED {
            let mut size = abi::FrameSize {
                index,
                pixelformat: format.0,
                ..abi::FrameSize::zero()
            };
            if call::enumerate_sizes(self.as_fd(), &mut size).is_err() {
                break;
            }
            let sides = size.sides;
            if size.kind != abi::DISCRETE {
                return Some(Sizes::Range {
                    least: Size::new(sides[0], sides[3]),
                    most: Size::new(sides[1], sides[4]),
                    step: Size::new(sides[2], sides[5]),
                });
            }
            sizes.push(Size::new(sides[0], sides[1]));
        }
        (!sizes.is_empty()).then_some(Sizes::Each(sizes))
    }

    /// The rates that a format has at a size; none if the driver doesn't say.
    pub(crate) fn rates(&self, format: FourCc, size: Size) -> Rates {
        let mut rates = Vec::new();
        for index in 0..MOST_LISTED {
            let mut interval = abi::FrameInterval {
                index,
                pixelformat: format.0,
                width: size.width,
                height: size.height,
                ..abi::FrameInterval::zero()
            };
            if call::enumerate_intervals(self.as_fd(), &mut interval).is_err() {
                break;
            }
            let [first, longest, _] = interval.intervals;
            if interval.kind != abi::DISCRETE {
                if let (Some(most), Some(least)) = (rate(first), rate(longest)) {
                    return Rates::Range { least, most };
                }
                break;
            }
            rates.extend(rate(first));
        }
        Rates::Each(rates)
    }

    /// What could fulfil the wish: every usable format at its sizes, of a range the nearest.
    pub(crate) fn offers(&self, wish: &Wish) -> Vec<Offer> {
        let mut offers = Vec::new();
        for (format, _) in self.formats() {
            if !format.is_known() || wish.format.is_some_and(|forced| forced != format) {
                continue;
            }
            let sizes = match self.sizes(format) {
                Some(Sizes::Each(sizes)) => sizes,
                Some(Sizes::Range { least, most, step }) => {
                    vec![wish.within(format, least, most, step)]
                }
                None => vec![wish.size.unwrap_or(Size::new(640, 480))],
            };
            offers.extend(sizes.into_iter().map(|size| Offer {
                format,
                size,
                rates: self.rates(format, size).near(wish.fps),
            }));
        }
        offers
    }

    /// Asks for a format and size, and returns what the driver makes of it.
    pub(crate) fn set_format(&self, format: FourCc, size: Size) -> Result<abi::Pixels> {
        let mut wanted = abi::Format::zero();
        wanted.kind = abi::VIDEO_CAPTURE;
        let pixels = &mut wanted.body.pixels;
        (pixels.width, pixels.height) = (size.width, size.height);
        (pixels.pixelformat, pixels.field) = (format.0, abi::FIELD_NONE);
        // The stride stays 0, for the driver to choose.
        let what = format!("give {format} at {size}");
        self.told(&what, call::set_format(self.as_fd(), &mut wanted))?;
        Ok(wanted.body.pixels)
    }

    /// Asks for a rate and returns the one it will be, if the driver knows. To be done after the format is set, which
    /// resets it. That a driver has only one rate is no mistake.
    pub(crate) fn set_rate(&self, fps: f64) -> Option<f64> {
        let mut wanted = abi::StreamParameters::zero();
        wanted.kind = abi::VIDEO_CAPTURE;
        wanted.timeperframe = abi::Fraction {
            numerator: 1000,
            denominator: (fps * 1000.0).round() as u32,
        };
        call::set_parameters(self.as_fd(), &mut wanted).ok()?;
        if wanted.capability & abi::CAP_TIMEPERFRAME == 0 {
            return None;
        }
        rate(wanted.timeperframe)
    }

    /// Chooses one of the inputs of a grabber with several.
    pub(crate) fn set_input(&self, input: i32) -> Result<()> {
        let mut input = input;
        let what = format!("switch to input {input}");
        self.told(&what, call::set_input(self.as_fd(), &mut input))
    }

    /// The error of a call that sets something up, in words.
    pub(crate) fn told<T>(&self, what: &str, result: io::Result<T>) -> Result<T> {
        result.map_err(|error| trouble::starting(&self.path, what, error))
    }
}

/// Frames a second of a time per frame.
fn rate(interval: abi::Fraction) -> Option<f64> {
    let abi::Fraction {
        numerator,
        denominator,
    } = interval;
    (numerator > 0 && denominator > 0).then(|| f64::from(denominator) / f64::from(numerator))
}
