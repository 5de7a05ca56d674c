//! Whether an endpoint only rehearses a call that says so.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Whether an endpoint honours `DryRun`: `auto`, `true` or `false`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DryRun {
    /// AWS's own endpoints do; of any other, it is taken that it does not.
    #[default]
    Auto,
    Honoured,
    /// Permissions are then not rehearsed at all.
    Ignored,
}

impl DryRun {
    /// What is known of it.
    pub fn known(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::Honoured => Some(true),
            Self::Ignored => Some(false),
        }
    }
}

impl Serialize for DryRun {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.known() {
            None => serializer.serialize_str("auto"),
            Some(known) => serializer.serialize_bool(known),
        }
    }
}

impl<'de> Deserialize<'de> for DryRun {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Words)
    }
}

struct Words;

impl de::Visitor<'_> for Words {
    type Value = DryRun;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("auto, true or false")
    }

    fn visit_bool<E: de::Error>(self, known: bool) -> Result<DryRun, E> {
        Ok(if known {
            DryRun::Honoured
        } else {
            DryRun::Ignored
        })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<DryRun, E> {
        match text {
            "auto" => Ok(DryRun::Auto),
            "true" => Ok(DryRun::Honoured),
            "false" => Ok(DryRun::Ignored),
            _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}
