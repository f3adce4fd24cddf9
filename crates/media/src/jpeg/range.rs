//! From the range of video, 16 to 235, to that of JFIF, 0 to 255.
//!
//! Source: ITU-R BT.601-7 §2.5.3; JFIF 1.02 §7.

/// Which values the samples of raw pixels take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Range {
    /// 0 is black and 255 white, as in a JPEG.
    #[default]
    Full,
    /// 16 is black and 235 white; colour differences go from 16 to 240. As in video.
    Limited,
}

/// Luma, or one of red, green and blue, brought to full range. Within half a step of the exact value; a few
/// instructions that compilers turn into vectors, where a table would take longer than the JPEG's transform.
#[inline]
pub(super) fn luma(sample: u8) -> u8 {
    // 149 / 128 for 255 / 219.
    let full = (u16::from(sample.saturating_sub(16)) * 149 + 64) >> 7;
    full.min(255) as u8
}

/// A colour difference, brought to full range. Within a step of the exact value.
#[inline]
pub(super) fn chroma(sample: u8) -> u8 {
    // 146 / 128 for 255 / 224, with 128 in the middle: 128 * 146 - 2240 is 128.5 * 128.
    let full = (u16::from(sample) * 146).saturating_sub(2240) >> 7;
    full.min(255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_mapped_as_the_standard_says() {
        for sample in 0..=255_u8 {
            let exact = (f64::from(sample) - 16.0) * 255.0 / 219.0;
            let apart = (f64::from(luma(sample)) - exact.clamp(0.0, 255.0)).abs();
            assert!(apart <= 0.56, "luma {sample}: {apart}");
            let exact = 128.0 + (f64::from(sample) - 128.0) * 255.0 / 224.0;
            let apart = (f64::from(chroma(sample)) - exact.clamp(0.0, 255.0)).abs();
            assert!(apart <= 0.76, "chroma {sample}: {apart}");
        }
        assert_eq!([luma(16), luma(235), chroma(128)], [0, 255, 128]);
    }
}
