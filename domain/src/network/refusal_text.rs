//! How the facts of a refusal are written in its message.

use crate::{place::Provider, range::Range};
use chrono::{DateTime, SecondsFormat, Utc};

pub(super) fn list(ranges: &[Range]) -> String {
    ranges
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

pub(super) fn told(providers: &[Provider]) -> String {
    let names: Vec<&str> = providers.iter().map(Provider::as_str).collect();
    names.join(", ")
}

/// A time as its event has it.
pub(super) fn written(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A length of time, in the largest unit that tells it whole.
pub(super) fn span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let whole = units
        .iter()
        .find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    match whole {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None => format!("{seconds} s"),
    }
}

/// What was probably meant by a region's name.
pub(super) fn meant(nearest: Option<&String>) -> String {
    match nearest {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => "check the spelling, regions are written as the provider writes them; \
                 `cloud.aws.regions` of the configuration adds new ones"
            .to_owned(),
    }
}
