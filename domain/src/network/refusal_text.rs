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
