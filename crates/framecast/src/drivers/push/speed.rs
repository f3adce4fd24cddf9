use std::time::Instant;

/// Tells a sender that is too fast from one whose network delivers in bursts: two seconds' worth may come at once.
#[derive(Debug)]
pub(super) struct Speed {
    rate: f64,
    budget: f64,
    last: Option<Instant>,
}

impl Speed {
    pub(super) fn new(rate: f64) -> Self {
        Self {
            rate,
            budget: Self::most(rate),
            last: None,
        }
    }

    fn most(rate: f64) -> f64 {
        (rate * 2.0).max(1.0)
    }

    pub(super) fn allows(&mut self, now: Instant) -> bool {
        if let Some(last) = self.last {
            let earned = now.saturating_duration_since(last).as_secs_f64() * self.rate;
            self.budget = (self.budget + earned).min(Self::most(self.rate));
        }
        self.last = Some(now);
        let allowed = self.budget >= 1.0;
        if allowed {
            self.budget -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn allowed(rate: f64, gap: Duration, frames: u32) -> bool {
        let start = Instant::now();
        let mut speed = Speed::new(rate);
        (0..frames).all(|n| speed.allows(start + gap * n))
    }

    #[test]
    fn a_sender_at_the_rate_is_never_too_fast() {
        assert!(allowed(60.0, Duration::from_micros(16_667), 10_000));
    }

    #[test]
    fn a_flood_is_forgotten_as_soon_as_it_is_over() {
        let start = Instant::now();
        let mut speed = Speed::new(10.0);
        for _ in 0..10_000 {
            speed.allows(start);
        }
        assert!(!speed.allows(start));
        assert!(speed.allows(start + Duration::from_millis(150)));
    }

    #[test]
    fn a_burst_is_forgiven_and_a_flood_is_not() {
        assert!(allowed(30.0, Duration::ZERO, 60));
        assert!(!allowed(30.0, Duration::ZERO, 61));
        assert!(!allowed(30.0, Duration::from_millis(10), 1_000));
    }
}
