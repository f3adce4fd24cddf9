//! Which of the pictures that were fetched are frames.

use std::time::{Duration, Instant};

use bytes::Bytes;

/// How long the same picture may come again and again before it counts as a frame once more, so that a camera whose
/// picture stays the same does not look dead.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);

/// Passes over a picture that is the one before it.
#[derive(Debug, Default)]
pub(super) struct Repeats(Option<(Bytes, Instant)>);

impl Repeats {
    /// Whether `picture`, fetched at `now`, is a frame.
    pub(super) fn is_news(&mut self, picture: &Bytes, now: Instant) -> bool {
        if let Some((last, since)) = &self.0
            && last == picture
            && now.saturating_duration_since(*since) < SIGN_OF_LIFE
        {
            return false;
        }
        self.0 = Some((picture.clone(), now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_picture_is_a_frame_again_only_after_a_while() {
        let mut repeats = Repeats::default();
        let (one, two) = (Bytes::from_static(b"1"), Bytes::from_static(b"2"));
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(repeats.is_news(&one, start));
        assert!(!repeats.is_news(&one, after(1)));
        assert!(repeats.is_news(&two, after(1)));
        assert!(!repeats.is_news(&two, after(3)));
        assert!(repeats.is_news(&two, after(4)));
        assert!(!repeats.is_news(&two, after(6)));
    }
}
