//! Arithmetic on what was measured. No clock, no socket.

use std::time::Duration;

/// The value that `percent` of `values` do not exceed (nearest rank). `None` for no values.
pub(crate) fn percentile<T: Ord + Copy>(values: &mut [T], percent: f64) -> Option<T> {
    values.sort_unstable();
    let rank = (percent / 100.0 * values.len() as f64).ceil() as usize;
    values.get(rank.max(1) - 1).copied()
}

/// Frames that a number of bytes are, of a stream whose parts take `part` bytes each with all that goes around them.
pub(crate) fn frames(bytes: u64, part: f64) -> f64 {
    if part > 0.0 { bytes as f64 / part } else { 0.0 }
}

/// Bytes that each part takes on the wire, of what was received between the ends of the first and of the last part.
///
/// `ends` are the places in the stream where parts were complete, in their order. `None` below two parts.
pub(crate) fn part_size(ends: &[u64]) -> Option<f64> {
    let (first, last) = (ends.first()?, ends.last()?);
    let parts = ends.len() - 1;
    (parts > 0).then(|| (last - first) as f64 / parts as f64)
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_there() {
        let mut values: Vec<u32> = (1..=100).rev().collect();
        assert_eq!(percentile(&mut values, 50.0), Some(50));
        assert_eq!(percentile(&mut values, 95.0), Some(95));
        assert_eq!(percentile(&mut values, 100.0), Some(100));
        assert_eq!(percentile(&mut values, 0.0), Some(1));
        assert_eq!(percentile(&mut [7], 99.0), Some(7));
        assert_eq!(percentile(&mut [3, 9], 51.0), Some(9));
        assert_eq!(percentile::<u32>(&mut [], 50.0), None);
    }

    #[test]
    fn discarded_bytes_are_frames_by_the_size_of_a_part() {
        // A head of 100 bytes, then parts of 1050, 1050 and 1051.
        let ends = [1150, 2200, 3251];
        let part = part_size(&ends).unwrap();
        assert!((part - 1050.5).abs() < 1e-9);
        assert!((frames(2101, part) - 2.0).abs() < 1e-9);
        assert!(part_size(&ends[..1]).is_none());
        assert!(part_size(&[]).is_none());
        assert!(frames(5000, 0.0).abs() < 1e-9);
    }
}
