//! Times for people.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use prost_types::Timestamp;

/// The time of a timestamp, if it is one.
pub(super) fn time(at: &Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).ok()?)
}

/// A time as it is written everywhere, to the second; nothing for none.
pub(in crate::cli) fn when(at: Option<&Timestamp>) -> String {
    let time = at.and_then(time);
    time.map(|it| it.to_rfc3339_opts(SecondsFormat::Secs, true))
        .unwrap_or_default()
}

/// The time of day alone.
pub(super) fn clock(at: Option<&Timestamp>) -> String {
    at.and_then(time)
        .map(|it| it.format("%H:%M:%S").to_string())
        .unwrap_or_default()
}

/// A time to come, with how far off it was at this moment; nothing for none.
pub(super) fn with_time_left(at: Option<&Timestamp>, now: DateTime<Utc>) -> String {
    let Some(until) = at.and_then(time) else {
        return String::new();
    };
    format!("{} ({})", when(at), left(until - now))
}

fn left(left: TimeDelta) -> String {
    if left <= TimeDelta::zero() {
        "over".to_owned()
    } else {
        format!("{} left", span(left))
    }
}

/// A span of time, coarsely.
pub(in crate::cli) fn span(span: TimeDelta) -> String {
    match (span.num_days(), span.num_hours(), span.num_minutes()) {
        (0, 0, 0) => "less than a minute".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_told_as_coarsely_as_people_do() {
        let told = [-5, 0, 30, 65, 3 * 3_600 + 720, 6 * 86_400 + 23 * 3_600 + 60]
            .map(|seconds| left(TimeDelta::seconds(seconds)));
        assert_eq!(
            told,
            [
                "over",
                "over",
                "less than a minute left",
                "1 min left",
                "3 h 12 min left",
                "6 d 23 h left"
            ]
        );
    }

    #[test]
    fn a_timestamp_is_written_to_the_second_and_none_is_nothing() {
        let at = Timestamp {
            seconds: 1_772_355_600,
            nanos: 5,
        };
        assert_eq!(when(Some(&at)), "2026-03-01T09:00:00Z");
        assert_eq!(clock(Some(&at)), "09:00:00");
        assert_eq!(
            (when(None), with_time_left(None, Utc::now())),
            (String::new(), String::new())
        );
        assert_eq!(
            when(Some(&Timestamp {
                seconds: 0,
                nanos: -1
            })),
            ""
        );
    }
}
