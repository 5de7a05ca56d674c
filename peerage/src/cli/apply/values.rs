//! Values that stand in several parts of a file.

use crate::cli::args::Side;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The side that is meant where none is named.
pub(super) fn local() -> Side {
    Side::Local
}

/// A time of the record, as a file has it.
pub(super) fn when(time: &prost_types::Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.seconds, 0)
}

/// Times: as a TOML time, or as a text.
pub(super) mod time {
    use super::*;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Time(toml::value::Datetime),
        Text(String),
    }

    #[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
    pub(in super::super) fn serialize<S: Serializer>(
        time: &Option<DateTime<Utc>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let text = time.map(|it| it.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        text.serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<DateTime<Utc>>, D::Error> {
        let text = match Written::deserialize(from)? {
            Written::Time(time) => time.to_string(),
            Written::Text(text) => text,
        };
        let time = DateTime::parse_from_rfc3339(&text);
        let time = time.map_err(|_| D::Error::custom("write a time like 2027-03-01T09:00:00Z"))?;
        Ok(Some(time.to_utc()))
    }
}
