//! What the private network admits, as a file says it: a source, with a port where it is not
//! KurrentDB's, and beside it, where that is said, who answers for it and when it ends.

use super::values::{time, when};
use crate::{api::v1, cli::args::admitted};
use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::fmt;

/// One source and port.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Admit {
    pub(super) rule: v1::InboundRule,
    /// Who answers for it. Left out: as on record.
    pub(super) owner: Option<String>,
    /// When it ends by itself. Left out: as on record.
    pub(super) expires: Option<DateTime<Utc>>,
}

/// Who answers for what is admitted, and when it ends.
pub(super) type Terms = (Option<String>, Option<DateTime<Utc>>);

/// The table that says more than the source.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time")]
    expires: Option<DateTime<Utc>>,
}

impl Admit {
    /// What is on record of it.
    pub(super) fn on_record(rule: &v1::InboundRule, peering: &v1::Peering) -> Self {
        let mut said = peering.admissions.iter();
        let said = said.find(|it| it.rule.as_ref() == Some(rule));
        let tenure = said.and_then(|it| it.tenure.clone()).unwrap_or_default();
        Self {
            rule: rule.clone(),
            owner: Some(tenure.owner).filter(|it| !it.is_empty()),
            expires: tenure.expires_at.as_ref().and_then(when),
        }
    }

    /// What holds of it when it is admitted anew, where `end` is that of all of which no other is
    /// named.
    pub(super) fn terms(&self, end: Option<DateTime<Utc>>) -> Terms {
        (self.owner.clone(), self.expires.or(end))
    }

    /// What people call it.
    pub(super) fn full_name(&self) -> String {
        format!("{}:{}", self.rule.source, self.rule.port)
    }
}

/// How that reads behind what is admitted.
pub(super) fn told((owner, expires): &Terms) -> String {
    let owner = owner.as_ref().map(|it| format!(" of {it}"));
    let expires = expires.map(|at| format!(" until {at}"));
    format!(
        "{}{}",
        owner.unwrap_or_default(),
        expires.unwrap_or_default()
    )
}

impl Serialize for Admit {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let source = self.full_name();
        if self.owner.is_none() && self.expires.is_none() {
            return to.serialize_str(&source);
        }
        let table = Table {
            source,
            owner: self.owner.clone(),
            expires: self.expires,
        };
        table.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Admit {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = from.deserialize_any(Written)?;
        Ok(Self {
            rule: admitted(&written.source).map_err(D::Error::custom)?,
            owner: written.owner,
            expires: written.expires,
        })
    }
}

/// A text or a table.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Table;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SOURCE[:PORT], like \"10.30.0.0/16:2113\", or a table with `source`")
    }

    fn visit_str<E>(self, text: &str) -> Result<Table, E> {
        Ok(Table {
            source: text.to_owned(),
            owner: None,
            expires: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Table, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map))
    }
}
