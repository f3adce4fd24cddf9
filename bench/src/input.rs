//! The pictures that all servers send: the same for all, made here.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use framecast_media::jpeg::{Layout, Pixels, Resize, encode, transcode};

/// The quality that framecast encodes in if nothing is said.
const QUALITY: u8 = 80;

/// A camera as all servers get it.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) name: &'static str,
    pub(crate) jpeg: PathBuf,
    pub(crate) fps: f64,
}

impl Input {
    /// The same camera with pictures as small as a server makes them for those who ask for a width.
    pub(crate) fn copy(&self, width: u32) -> Result<Self> {
        let size = Resize {
            width: Some(width),
            height: None,
        };
        let copy = transcode(&fs::read(&self.jpeg)?, size, QUALITY)?;
        let path = self.jpeg.with_file_name(format!("{width}.jpg"));
        fs::write(&path, copy.data)?;
        Ok(Self {
            name: "copy",
            jpeg: path,
            fps: self.fps,
        })
    }
}

/// A picture by its size in pixels and about its size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) name: &'static str,
    width: u32,
    height: u32,
    bytes: usize,
}

pub(crate) const SMALL: Picture = Picture {
    name: "18 kB",
    width: 640,
    height: 480,
    bytes: 18_000,
};
pub(crate) const LARGE: Picture = Picture {
    name: "160 kB",
    width: 1920,
    height: 1080,
    bytes: 160_000,
};

impl Picture {
    /// Writes the picture to a folder, for a camera with this rate.
    pub(crate) fn at(self, fps: f64, folder: &Path) -> Result<Input> {
        let jpeg = self.draw()?;
        let path = folder.join(format!("{}x{}.jpg", self.width, self.height));
        fs::write(&path, &jpeg).with_context(|| format!("{} can't be written", path.display()))?;
        Ok(Input {
            name: self.name,
            jpeg: path,
            fps,
        })
    }

    /// Slopes with some noise on them, in the best quality that has no more bytes than wanted.
    fn draw(self) -> Result<Vec<u8>> {
        let mut noise = 0x2545_F491_u32;
        let mut data = Vec::with_capacity((self.width * self.height * 3) as usize);
        for y in 0..self.height {
            for x in 0..self.width {
                noise ^= noise << 13;
                noise ^= noise >> 17;
                noise ^= noise << 5;
                let grain = noise & 7;
                let lit = 40 + x * 160 / self.width + grain;
                data.extend(
                    [lit, 40 + y * 160 / self.height + grain, 255 - lit].map(|it| it as u8),
                );
            }
        }
        let pixels = Pixels {
            layout: Layout::Rgb24,
            width: self.width,
            height: self.height,
            stride: self.width as usize * 3,
            data: &data,
        };
        let (mut best, mut low, mut high) = (encode(&pixels, 1)?, 1, 101);
        while high - low > 1 {
            let quality = u8::midpoint(low, high);
            let jpeg = encode(&pixels, quality)?;
            if jpeg.len() <= self.bytes {
                (best, low) = (jpeg, quality);
            } else {
                high = quality;
            }
        }
        Ok(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_nearly_as_large_as_they_are_called() {
        for picture in [SMALL, LARGE] {
            let bytes = picture.draw().unwrap().len();
            let share = bytes as f64 / picture.bytes as f64;
            assert!((0.9..=1.0).contains(&share), "{}: {bytes}", picture.name);
        }
    }
}
