//! Times and spans as protobuf writes them.

use chrono::{DateTime, Utc};
use prost_types::Timestamp;

pub(super) fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: at.timestamp(),
        nanos: i32::try_from(at.timestamp_subsec_nanos().min(999_999_999)).unwrap_or_default(),
    }
}

/// The time that was sent; `None` if there is no such time (protobuf: years 1 to 9999).
pub(super) fn time(sent: &Timestamp) -> Option<DateTime<Utc>> {
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_300_799;
    let nanos = u32::try_from(sent.nanos)
        .ok()
        .filter(|it| *it < 1_000_000_000)?;
    (FIRST..=LAST)
        .contains(&sent.seconds)
        .then(|| DateTime::from_timestamp(sent.seconds, nanos))
        .flatten()
}

/// A span; none at all where it is negative. The library's own conversion cannot take every number
/// that may be sent.
pub(super) fn span(sent: &prost_types::Duration) -> std::time::Duration {
    match (u64::try_from(sent.seconds), u32::try_from(sent.nanos)) {
        (Ok(seconds), Ok(nanos)) => std::time::Duration::new(seconds, nanos),
        (Err(_), _) | (_, Err(_)) => std::time::Duration::ZERO,
    }
}

pub(super) fn duration(span: std::time::Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(span).unwrap_or(prost_types::Duration {
        seconds: i64::MAX,
        nanos: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_same_there_and_back_and_what_is_no_time_is_none() {
        let at = "2026-03-01T09:00:00.123456789Z".parse().expect("a time");
        assert_eq!(time(&timestamp(at)), Some(at));
        let of = |seconds, nanos| time(&Timestamp { seconds, nanos });
        assert_eq!(of(i64::MAX, 0), None);
        assert_eq!(of(0, -1), None);
        assert_eq!(of(0, 1_000_000_000), None);
    }

    #[test]
    fn any_numbers_are_a_span_and_what_is_negative_is_none() {
        let of = |seconds, nanos| super::span(&prost_types::Duration { seconds, nanos });
        assert_eq!(of(3, 500), std::time::Duration::new(3, 500));
        assert_eq!(of(0, 2_000_000_000), std::time::Duration::from_secs(2));
        let longest = std::time::Duration::new(i64::MAX.unsigned_abs(), 2_147_483_647);
        assert_eq!(of(i64::MAX, i32::MAX), longest);
        for (seconds, nanos) in [
            (-1, 0),
            (0, -1),
            (i64::MIN, i32::MIN),
            (i64::MIN, 0),
            (1, -1),
        ] {
            assert_eq!(
                of(seconds, nanos),
                std::time::Duration::ZERO,
                "{seconds} {nanos}"
            );
        }
    }
}
