//! A stream's metadata: the JSON of the newest `$metadata` event in its metadata stream.
//!
//! As a real server does: a known key with a number out of its range counts as not said, one with a
//! value of another type voids the whole of it, one that is written twice is what it was last.
//! Unknown keys are kept as they were written.

use chrono::TimeDelta;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

/// The `$tb` that hides every event of a stream: the mark of a soft delete.
pub(crate) const SOFT_DELETED: u64 = i64::MAX as u64;

const TRUNCATE_BEFORE: &str = "$tb";

/// What the store makes of a stream's metadata. The default is that of a stream without any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StreamMetadata {
    /// Only this many of the newest events are visible.
    pub(crate) max_count: Option<u64>,
    /// Only events younger than this are visible.
    pub(crate) max_age: Option<TimeDelta>,
    /// Only events with this number or a greater one are visible.
    pub(crate) truncate_before: Option<u64>,
    /// Who may do what.
    pub(crate) acl: Option<Acl>,
}

/// The roles that may read, write and delete a stream, and read and write its metadata. `None`: not
/// said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub(crate) struct Acl {
    #[serde(rename = "$r", default, deserialize_with = "roles")]
    pub(crate) read: Option<Vec<String>>,
    #[serde(rename = "$w", default, deserialize_with = "roles")]
    pub(crate) write: Option<Vec<String>>,
    #[serde(rename = "$d", default, deserialize_with = "roles")]
    pub(crate) delete: Option<Vec<String>>,
    #[serde(rename = "$mr", default, deserialize_with = "roles")]
    pub(crate) read_metadata: Option<Vec<String>>,
    #[serde(rename = "$mw", default, deserialize_with = "roles")]
    pub(crate) write_metadata: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct KnownKeys {
    #[serde(rename = "$maxCount")]
    max_count: Option<i64>,
    #[serde(rename = "$maxAge")]
    max_age: Option<i64>,
    #[serde(rename = "$tb")]
    truncate_before: Option<i64>,
    /// Of no account here, and yet a number.
    #[serde(rename = "$cacheControl")]
    _cache_control: Option<i64>,
    #[serde(rename = "$acl")]
    acl: Option<Acl>,
}

impl StreamMetadata {
    /// Reads the data of a `$metadata` event. Anything that is no metadata counts as none.
    pub(crate) fn parse(data: &[u8]) -> Self {
        let keys = serde_json::from_slice::<Map<String, Value>>(data)
            .and_then(|keys| serde_json::from_value::<KnownKeys>(Value::Object(keys)));
        let Ok(keys) = keys else {
            return Self::default();
        };
        let positive = |value: &i64| *value > 0;
        Self {
            max_count: keys.max_count.filter(positive).map(i64::unsigned_abs),
            max_age: keys
                .max_age
                .filter(positive)
                .and_then(TimeDelta::try_seconds),
            truncate_before: keys.truncate_before.and_then(|it| u64::try_from(it).ok()),
            acl: keys.acl,
        }
    }

    /// Whether the stream is soft deleted: nothing visible until it is written again.
    pub(crate) fn is_soft_deleted(&self) -> bool {
        self.truncate_before == Some(SOFT_DELETED)
    }
}

/// The same metadata with another `$tb`, every other key as it was and where it was. `None` if
/// `data` is no object.
pub(crate) fn with_truncate_before(data: &[u8], number: u64) -> Option<Vec<u8>> {
    let mut keys: IndexMap<String, Box<RawValue>> = serde_json::from_slice(data).ok()?;
    let number = RawValue::from_string(number.to_string()).ok()?;
    keys.insert(TRUNCATE_BEFORE.to_owned(), number);
    serde_json::to_vec(&keys).ok()
}

/// The metadata that a soft delete leaves behind: it replaces all there was.
pub(crate) fn soft_deleted() -> Vec<u8> {
    format!("{{\"{TRUNCATE_BEFORE}\":{SOFT_DELETED}}}").into_bytes()
}

fn roles<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    let roles = Option::<OneOrMany>::deserialize(from)?;
    Ok(roles.map(|roles| match roles {
        OneOrMany::One(role) => vec![role],
        OneOrMany::Many(roles) => roles,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> StreamMetadata {
        StreamMetadata::parse(json.as_bytes())
    }

    #[test]
    fn known_keys_are_read_and_unknown_ones_are_ignored() {
        let metadata =
            parse(r#"{"$maxCount":3,"$maxAge":60,"$tb":4,"$cacheControl":1,"mine":[1]}"#);
        assert_eq!(metadata.max_count, Some(3));
        assert_eq!(metadata.max_age, TimeDelta::try_seconds(60));
        assert_eq!(metadata.truncate_before, Some(4));
    }

    #[test]
    fn a_number_out_of_its_range_counts_as_not_said_and_the_other_keys_hold() {
        let truncated = StreamMetadata {
            truncate_before: Some(1),
            ..StreamMetadata::default()
        };
        for json in [
            r#"{"$maxCount":0,"$tb":1}"#,
            r#"{"$maxCount":-7,"$tb":1}"#,
            r#"{"$maxAge":0,"$tb":1}"#,
            r#"{"$maxAge":-1,"$tb":1}"#,
            r#"{"$cacheControl":0,"$tb":1}"#,
        ] {
            assert_eq!(parse(json), truncated, "{json}");
        }
        let counted = parse(r#"{"$tb":-4,"$maxCount":4}"#);
        assert_eq!(
            (counted.max_count, counted.truncate_before),
            (Some(4), None)
        );
    }

    #[test]
    fn a_value_of_another_type_voids_the_whole_metadata() {
        for json in [
            r#"{"$maxCount":"x","$tb":4}"#,
            r#"{"$maxCount":1.5,"$tb":4}"#,
            r#"{"$maxAge":true,"$tb":4}"#,
            r#"{"$cacheControl":"1","$tb":4}"#,
            r#"{"$maxCount":9223372036854775808,"$tb":4}"#,
            r#"{"$maxCount":1e30,"$tb":4}"#,
            r#"{"$acl":"$userStreamAcl","$tb":4}"#,
            r#"{"$acl":{"$r":7},"$tb":4}"#,
            "nope",
            "[]",
            "",
        ] {
            assert_eq!(parse(json), StreamMetadata::default(), "{json}");
        }
    }

    #[test]
    fn a_key_that_is_written_twice_is_what_it_was_last() {
        let metadata = parse(r#"{"$tb":4,"$maxCount":3,"$tb":2}"#);
        assert_eq!(
            (metadata.truncate_before, metadata.max_count),
            (Some(2), Some(3))
        );
    }

    #[test]
    fn roles_are_one_name_or_a_list() {
        let acl = parse(r#"{"$acl":{"$r":"ouro","$w":["a","b"]}}"#)
            .acl
            .unwrap();
        assert_eq!(acl.read, Some(vec!["ouro".to_owned()]));
        assert_eq!(acl.write, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(acl.delete, None);
    }

    #[test]
    fn a_soft_delete_is_recognised_as_one() {
        assert!(StreamMetadata::parse(&soft_deleted()).is_soft_deleted());
        assert!(!parse(r#"{"$tb":2}"#).is_soft_deleted());
    }

    #[test]
    fn a_new_truncate_before_keeps_the_other_keys_in_their_order() {
        let changed = |json: &str| {
            with_truncate_before(json.as_bytes(), 2).map(|json| String::from_utf8(json).unwrap())
        };
        assert_eq!(changed(r#"{"mine":1}"#).unwrap(), r#"{"mine":1,"$tb":2}"#);
        assert_eq!(
            changed(r#"{"$tb":9,"z":{"b":1,"a":2}}"#).unwrap(),
            r#"{"$tb":2,"z":{"b":1,"a":2}}"#
        );
        assert_eq!(changed("nope"), None);
    }
}
