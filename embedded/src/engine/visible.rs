//! Which of a stream's events can be seen.

use chrono::TimeDelta;

use super::Head;
use crate::model::{StreamMetadata, Ticks};

/// What a reader finds at a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// Never written, or soft deleted.
    Missing,
    /// Ended for ever.
    Deleted,
    /// There, with this as the number of its last event; nothing below `from` can be seen.
    Present { from: u64, last: u64 },
}

/// The smallest number that `$maxCount` and `$tb` leave visible.
fn lower_bound(metadata: &StreamMetadata, last: u64) -> u64 {
    let by_count = metadata
        .max_count
        .map_or(0, |count| (last + 1).saturating_sub(count));
    by_count.max(metadata.truncate_before.unwrap_or(0))
}

/// The time before which events are too old to be seen.
pub(crate) fn expired_before(max_age: Option<TimeDelta>, now: Ticks) -> Option<Ticks> {
    max_age.map(|age| now.before(age))
}

impl Visibility {
    /// What is visible of a stream by its own head and the metadata that applies to it, age apart.
    pub(crate) fn of(head: &Head, metadata: &StreamMetadata) -> Self {
        match head {
            Head {
                tombstoned: true, ..
            } => Self::Deleted,
            Head { last: None, .. } => Self::Missing,
            _ if metadata.is_soft_deleted() => Self::Missing,
            Head {
                last: Some(last), ..
            } => Self::Present {
                from: lower_bound(metadata, *last),
                last: *last,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(json: &str, last: Option<u64>, tombstoned: bool) -> Visibility {
        let head = Head {
            last,
            tombstoned,
            ..Head::default()
        };
        Visibility::of(&head, &StreamMetadata::parse(json.as_bytes()))
    }

    #[test]
    fn the_greater_bound_wins() {
        for (json, from) in [
            ("{}", 0),
            (r#"{"$maxCount":3}"#, 7),
            (r#"{"$maxCount":30}"#, 0),
            (r#"{"$tb":4}"#, 4),
            (r#"{"$tb":8,"$maxCount":3}"#, 8),
            (r#"{"$tb":2,"$maxCount":3}"#, 7),
            (r#"{"$tb":10}"#, 10),
        ] {
            assert_eq!(
                seen(json, Some(9), false),
                Visibility::Present { from, last: 9 },
                "{json}"
            );
        }
    }

    #[test]
    fn what_was_never_written_or_is_soft_deleted_is_missing() {
        assert_eq!(seen("{}", None, false), Visibility::Missing);
        assert_eq!(
            seen(r#"{"$tb":9223372036854775807}"#, Some(9), false),
            Visibility::Missing
        );
    }

    #[test]
    fn a_tombstone_outlasts_everything() {
        assert_eq!(seen("{}", Some(9), true), Visibility::Deleted);
        assert_eq!(seen("{}", None, true), Visibility::Deleted);
    }

    #[test]
    fn age_is_counted_from_now() {
        let now = Ticks(100 * 10_000_000);
        assert_eq!(
            expired_before(TimeDelta::try_seconds(40), now),
            Some(Ticks(60 * 10_000_000))
        );
        assert_eq!(expired_before(None, now), None);
    }
}
