//! Marker codes and what they mean inside entropy-coded data (ITU-T T.81 §B.1.1.3, table B.1).

pub(crate) const SOF0: u8 = 0xC0;
pub(crate) const SOF2: u8 = 0xC2;
pub(crate) const DHT: u8 = 0xC4;
pub(crate) const JPG: u8 = 0xC8;
pub(crate) const DAC: u8 = 0xCC;
pub(crate) const SOF15: u8 = 0xCF;
pub(crate) const RST0: u8 = 0xD0;
pub(crate) const RST7: u8 = 0xD7;
pub(crate) const SOI: u8 = 0xD8;
pub(crate) const EOI: u8 = 0xD9;
pub(crate) const SOS: u8 = 0xDA;
pub(crate) const DQT: u8 = 0xDB;
pub(crate) const DNL: u8 = 0xDC;
pub(crate) const DRI: u8 = 0xDD;
pub(crate) const DHP: u8 = 0xDE;
pub(crate) const EXP: u8 = 0xDF;
pub(crate) const APP0: u8 = 0xE0;
pub(crate) const APP1: u8 = 0xE1;
pub(crate) const APP2: u8 = 0xE2;
pub(crate) const APP15: u8 = 0xEF;
pub(crate) const COM: u8 = 0xFE;

/// What the byte after an `FF` says in the middle of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InScan {
    /// A stuffed zero or a restart marker: the scan goes on.
    Data,
    /// Another `FF`: a fill byte, and that second `FF` may begin a marker.
    Fill,
    /// The end of the picture.
    End,
    /// Another picture begins, so this one was cut off.
    Start,
    /// A segment between two scans.
    Segment,
    /// Nothing that may stand here: the data is damaged.
    Damage,
}

/// Sorts the byte after an `FF` found in a scan.
pub(crate) fn in_scan(code: u8) -> InScan {
    match code {
        0x00 | RST0..=RST7 => InScan::Data,
        0xFF => InScan::Fill,
        EOI => InScan::End,
        SOI => InScan::Start,
        DHT | SOS | DQT | DNL | DRI | APP0..=APP15 | COM => InScan::Segment,
        _ => InScan::Damage,
    }
}

/// Whether `bytes` hold a start or an end of a picture that a reader searching for markers would fall for.
pub(crate) fn hides_marker(bytes: &[u8]) -> bool {
    memchr::memchr_iter(0xFF, bytes).any(|at| matches!(bytes.get(at + 1), Some(&SOI | &EOI)))
}
