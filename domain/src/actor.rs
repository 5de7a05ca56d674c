//! Who sends a command and why: what stands beside each event for the audit.

use crate::{
    claim::Claim,
    cloud_mode::ServedClouds,
    place::Places,
    text::{ActorName, Reason, TextError, Ticket},
};
use serde::{Deserialize, Deserializer, Serialize};
use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

/// Who sent a command. What a credential proved and what a caller merely said are kept apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// Who the credential says it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<ActorName>,
    /// How that was proved: `token`, `mtls` and the like; `engine` of what the engine does by
    /// itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<ActorName>,
    /// Who vouches for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<ActorName>,
    /// Who the caller said it is, unproved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed: Option<ActorName>,
}

impl Actor {
    /// Somebody of whom nothing is proved.
    pub fn claimed(name: ActorName) -> Self {
        Self {
            claimed: Some(name),
            ..Self::default()
        }
    }

    /// Part of the engine, in what it puts on record by itself: no caller has that method.
    pub fn of_engine(name: ActorName) -> Self {
        Self {
            subject: Some(name),
            method: "engine".parse().ok(),
            ..Self::default()
        }
    }

    /// The one name to show: what is proved, or else what is claimed.
    pub fn name(&self) -> Option<&ActorName> {
        self.subject.as_ref().or(self.claimed.as_ref())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().map_or("unknown", ActorName::as_str))
    }
}

/// A plain text is a claim.
impl FromStr for Actor {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::claimed)
    }
}

/// Four fields, or the plain text that an actor was before it had any.
impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            subject: Option<ActorName>,
            method: Option<ActorName>,
            issuer: Option<ActorName>,
            claimed: Option<ActorName>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Stored {
            Text(ActorName),
            Fields(Fields),
        }
        Ok(match Stored::deserialize(deserializer)? {
            Stored::Text(name) => Self::claimed(name),
            Stored::Fields(Fields {
                subject,
                method,
                issuer,
                claimed,
            }) => Self {
                subject,
                method,
                issuer,
                claimed,
            },
        })
    }
}

/// What a caller says about a command beside its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Why the command is sent, in the caller's words.
    pub reason: Option<Reason>,
    /// Where the change is tracked: the id of a ticket or of a change request.
    pub ticket: Option<Ticket>,
    /// Which clouds the engine serves that takes the command; `None` where nobody has said.
    pub clouds: Option<Arc<ServedClouds>>,
    /// What other registered networks have of what the command asks for.
    pub claims: Vec<Claim>,
}

impl Context {
    /// What the engine that takes the command knows of places.
    pub fn places(&self) -> Cow<'_, Places> {
        match &self.clouds {
            Some(clouds) => Cow::Borrowed(clouds.places()),
            None => Cow::Owned(Places::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_plain_text_decodes_as_a_claim_and_is_written_as_four_fields() {
        let old: Actor = serde_json::from_value(json!("anna")).expect("an actor");
        assert_eq!(old, "anna".parse().expect("an actor"));
        assert_eq!(
            serde_json::to_value(&old).expect("json"),
            json!({ "claimed": "anna" })
        );
    }

    #[test]
    fn what_is_proved_is_shown_before_what_is_claimed() {
        let actor: Actor = serde_json::from_value(
            json!({ "subject": "svc-deploy", "method": "token", "issuer": "idp", "claimed": "anna" }),
        )
        .expect("an actor");
        assert_eq!(actor.to_string(), "svc-deploy");
        assert_eq!(actor.claimed.as_ref().map(ActorName::as_str), Some("anna"));
        assert!(serde_json::from_value::<Actor>(json!(7)).is_err());
    }
}
