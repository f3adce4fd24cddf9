//! Frame and scan headers (ITU-T T.81 §B.2.2 and §B.2.3).

use super::huffman::Tables;
use super::marker::{SOF0, SOF2};
use super::{Defect, MAX_PIXELS};

#[derive(Debug, Clone, Copy, Default)]
struct Component {
    id: u8,
    /// Blocks of it in one unit of an interleaved scan.
    blocks: u8,
    quantisation: u8,
}

/// What a frame header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    process: u8,
    pub(super) width: u16,
    pub(super) height: u16,
    components: [Component; 4],
    count: usize,
}

/// What a scan needs to have been defined before it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Needs {
    /// One bit for each quantisation table.
    pub(super) quantisation: u8,
    pub(super) huffman: Tables,
}

impl Frame {
    /// Reads the payload of a SOF0, SOF1 or SOF2 segment.
    pub(super) fn read(process: u8, payload: &[u8]) -> Result<Self, Defect> {
        let malformed = Defect::Segment(process);
        let (&[precision, h1, h0, w1, w0, count], listed) =
            payload.split_first_chunk().ok_or(malformed)?;
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        if !(SOF0..=SOF2).contains(&process) {
            return Err(Defect::Process(process));
        }
        if precision != 8 {
            return Err(Defect::Precision(precision));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(Defect::Components(count));
        }
        if width == 0 || height == 0 {
            return Err(Defect::Empty);
        }
        if u32::from(width) * u32::from(height) > MAX_PIXELS {
            return Err(Defect::TooLarge { width, height });
        }
        let mut frame = Self {
            process,
            width,
            height,
            components: [Component::default(); 4],
            count: usize::from(count),
        };
        if listed.len() != frame.count * 3 {
            return Err(malformed);
        }
        for (component, raw) in frame.components.iter_mut().zip(listed.chunks_exact(3)) {
            let (horizontal, vertical) = (raw[1] >> 4, raw[1] & 0x0F);
            if !(1..=4).contains(&horizontal) || !(1..=4).contains(&vertical) || raw[2] > 3 {
                return Err(malformed);
            }
            *component = Component {
                id: raw[0],
                blocks: horizontal * vertical,
                quantisation: raw[2],
            };
        }
        Ok(frame)
    }

    /// Whether the coding is progressive, which has no standard Huffman tables.
    pub(super) fn progressive(&self) -> bool {
        self.process == SOF2
    }

    /// Reads the payload of a SOS segment of this frame: what must have been defined for it.
    pub(super) fn scan(&self, payload: &[u8]) -> Result<Needs, Defect> {
        self.read_scan(payload)
            .ok_or(Defect::Segment(super::marker::SOS))
    }

    fn read_scan(&self, payload: &[u8]) -> Option<Needs> {
        let (&count, rest) = payload.split_first()?;
        let count = usize::from(count);
        let (listed, last) = rest.split_at_checked(count * 2)?;
        let &[first, end, approximation] = last else {
            return None;
        };
        if count == 0 || count > self.count {
            return None;
        }
        let spectral = if self.progressive() {
            first <= end && end <= 63 && (first > 0 || end == 0) && (first == 0 || count == 1)
        } else {
            // Cameras write nonsense here and decoders don't look at it.
            end <= 63
        };
        if !spectral || approximation >> 4 > 13 || approximation & 0x0F > 13 {
            return None;
        }
        let mut needs = Needs::default();
        let mut blocks = 0;
        for pair in listed.chunks_exact(2) {
            let (dc, ac) = (pair[1] >> 4, pair[1] & 0x0F);
            let component = self.components[..self.count]
                .iter()
                .find(|it| it.id == pair[0])?;
            if dc > 3 || ac > 3 {
                return None;
            }
            blocks += component.blocks;
            needs.quantisation |= 1 << component.quantisation;
            if first == 0 && (!self.progressive() || approximation >> 4 == 0) {
                needs.huffman.insert(0, dc);
            }
            if !self.progressive() || first > 0 {
                needs.huffman.insert(1, ac);
            }
        }
        // §B.2.3: at most ten blocks in a unit of an interleaved scan.
        (count == 1 || blocks <= 10).then_some(needs)
    }
}
