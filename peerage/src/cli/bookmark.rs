//! Where a watch continues: a position of the log, or a bookmark of `--output json` as it stands
//! there, which also says in which log.

use crate::api::{POOL, v1};
use prost::{Message as _, Name as _};
use prost_reflect::DynamicMessage;
use std::str::FromStr;
use thiserror::Error;

/// What a caller continues after.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) struct After(v1::Bookmark);

/// A text that is neither.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no bookmark: it is an object of JSON with a position, as a watch prints it: {0}")]
pub(in crate::cli) struct NoBookmark(String);

impl After {
    pub(in crate::cli) fn position(position: String) -> v1::Bookmark {
        v1::Bookmark {
            position,
            ..v1::Bookmark::default()
        }
    }

    pub(in crate::cli) fn bookmark(after: Option<&Self>) -> v1::Bookmark {
        after.map(|it| it.0.clone()).unwrap_or_default()
    }
}

impl FromStr for After {
    type Err = NoBookmark;

    fn from_str(text: &str) -> Result<Self, NoBookmark> {
        if !text.starts_with('{') {
            return Ok(Self(Self::position(text.to_owned())));
        }
        let no = |why: String| NoBookmark(why);
        let name = v1::Bookmark::full_name();
        let form = POOL.get_message_by_name(&name);
        let form = form.ok_or_else(|| no(format!("{name} is no message of the API")))?;
        let mut document = serde_json::Deserializer::from_str(text);
        let read = DynamicMessage::deserialize(form, &mut document);
        let read = read.map_err(|error| no(error.to_string()))?;
        document.end().map_err(|error| no(error.to_string()))?;
        let bytes = read.encode_to_vec();
        let bookmark = v1::Bookmark::decode(bytes.as_slice());
        let bookmark = bookmark.map_err(|error| no(error.to_string()))?;
        if bookmark.position.is_empty() {
            return Err(no("it has no position".to_owned()));
        }
        Ok(Self(bookmark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Proto;

    #[test]
    fn a_bookmark_is_read_as_it_is_printed_and_a_position_stands_for_one_that_proves_nothing() {
        let bookmark = v1::Bookmark {
            position: "4711/4711".to_owned(),
            known_event: Some(v1::KnownEvent {
                position: "4700/4700".to_owned(),
                stream: "network-3f0c6a3e-6c5b-4a57-9d4e-0d1c2b3a4f5e".to_owned(),
                revision: 12,
                event_id: "0d1c2b3a-6c5b-4a57-9d4e-3f0c6a3e4f5e".to_owned(),
            }),
            ..v1::Bookmark::default()
        };
        let printed = serde_json::to_string(&Proto(&bookmark)).unwrap();
        let read: After = printed.parse().unwrap();
        assert_eq!(After::bookmark(Some(&read)), bookmark);
        let read: After = "4711/4711".parse().unwrap();
        let alone = After::bookmark(Some(&read));
        assert_eq!(
            (alone.position.as_str(), alone.known_event),
            ("4711/4711", None)
        );
        for wrong in [
            "{}",
            "{\"position\":1}",
            "{\"position\":\"1/1\"}}",
            "{\"at\":\"1/1\"}",
        ] {
            assert!(wrong.parse::<After>().is_err(), "{wrong}");
        }
    }
}
