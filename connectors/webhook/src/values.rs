//! How values are written into headers and bodies.

use chrono::{DateTime, SecondsFormat, Utc};
use http::HeaderValue;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::borrow::Cow;
use uuid::Uuid;

/// The longest value of a header that a record fills in; a longer one stands in the envelope alone.
const LONGEST: usize = 2048;

/// What is percent-encoded in a header's value, as CloudEvents has it: all but printable ASCII, and
/// of that the space, the quote and the percent sign.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// A value as a header can have it, unless it is too long for one.
pub(crate) fn encoded(value: &str) -> Option<HeaderValue> {
    // Borrowed where there is nothing to encode, which is nearly always.
    let value = Cow::from(utf8_percent_encode(value, ENCODED));
    (value.len() <= LONGEST).then(|| HeaderValue::from_str(&value).ok())?
}

/// A time as it is written everywhere: RFC 3339, in UTC.
pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A truth as a header has it.
pub(crate) fn truth(value: bool) -> HeaderValue {
    HeaderValue::from_static(if value { "true" } else { "false" })
}

/// An id as a header has it.
pub(crate) fn id(value: Uuid) -> Option<HeaderValue> {
    let mut buffer = Uuid::encode_buffer();
    HeaderValue::from_str(value.hyphenated().encode_lower(&mut buffer)).ok()
}
