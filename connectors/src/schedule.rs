//! When a delivery that failed is tried again.

use domain::connector::{DelayBound, Resilience};
use std::time::Duration;

/// The pauses of the preset of Standard Webhooks, in seconds. The first attempt is at once.
const STANDARD: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// How much longer or shorter a pause may be, so that not all come at once.
const JITTER: f64 = 0.2;

/// How long to wait after so many attempts that failed, the first of them so long ago; nothing if
/// it is over.
pub(crate) fn pause(
    resilience: &Resilience,
    attempts: u32,
    since_first: Duration,
) -> Option<Duration> {
    match resilience {
        Resilience::None => None,
        Resilience::StandardWebhooks => {
            let at = usize::try_from(attempts.checked_sub(1)?).ok()?;
            STANDARD.get(at).copied().map(Duration::from_secs)
        }
        Resilience::DelayBounds {
            first_delay_bound,
            second_delay_bound,
            third_delay_bound,
        } => {
            let bounds = [first_delay_bound, second_delay_bound, third_delay_bound];
            let bound = bounds.into_iter().find(|it| lasts(it, since_first))?;
            Some(Duration::from_millis(bound.delay_ms))
        }
    }
}

/// The longest of its pauses.
pub(crate) fn longest(resilience: &Resilience) -> Duration {
    match resilience {
        Resilience::None => Duration::from_secs(60),
        Resilience::StandardWebhooks => Duration::from_secs(86_400),
        Resilience::DelayBounds {
            third_delay_bound, ..
        } => Duration::from_millis(third_delay_bound.delay_ms),
    }
}

/// The pause, longer or shorter by chance.
pub(crate) fn jittered(pause: Duration, chance: f64) -> Duration {
    pause.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance)
}

fn lasts(bound: &DelayBound, since_first: Duration) -> bool {
    u64::try_from(bound.upper_limit_ms)
        .map_or(true, |limit| since_first < Duration::from_millis(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connectors() -> Resilience {
        serde_json::from_str(r#"{"preset":"delay-bounds"}"#).unwrap()
    }

    #[test]
    fn standard_webhooks_makes_ten_attempts_in_75_hours_and_35_minutes() {
        let preset = Resilience::StandardWebhooks;
        let pauses: Vec<_> = (1..)
            .map_while(|it| pause(&preset, it, Duration::ZERO))
            .collect();
        assert_eq!(pauses.len() + 1, 10);
        let whole: Duration = pauses.iter().sum();
        assert_eq!(whole.as_secs() / 60, 75 * 60 + 35);
    }

    #[test]
    fn the_bounds_of_kurrentdbs_connectors_follow_one_another_and_the_last_has_no_end() {
        let preset = connectors();
        for (after, wait) in [
            (0, 5),
            (59, 5),
            (60, 600),
            (3_599, 600),
            (3_600, 3_600),
            (9_999_999, 3_600),
        ] {
            let found = pause(&preset, 1, Duration::from_secs(after));
            assert_eq!(found, Some(Duration::from_secs(wait)), "{after}");
        }
        assert_eq!(pause(&Resilience::None, 1, Duration::ZERO), None);
    }

    #[test]
    fn jitter_is_a_fifth_at_most() {
        let second = Duration::from_secs(10);
        assert_eq!(jittered(second, 0.0), Duration::from_secs(8));
        assert_eq!(jittered(second, 1.0), Duration::from_secs(12));
    }
}
