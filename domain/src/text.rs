//! Names that come from outside: bounded, printable, and never mixed up with each other.

use serde::{Deserialize, Serialize};
use std::{fmt, ops::RangeInclusive, str::FromStr};
use thiserror::Error;
use uuid::Uuid;

/// Why a text is not one of these names.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// The text is empty.
    #[error("must not be empty")]
    Empty,
    /// The text is too short.
    #[error("has {length} characters; {least} at least")]
    TooShort {
        /// How many characters it has.
        length: usize,
        /// How many it has to have.
        least: usize,
    },
    /// The text is too long.
    #[error("has {length} characters; {most} at most")]
    TooLong {
        /// How many characters it has.
        length: usize,
        /// How many it may have.
        most: usize,
    },
    /// The text has a character that is not allowed.
    #[error("must not contain `{found}`; {allowed}")]
    Character {
        /// The character.
        found: char,
        /// Which characters are allowed, in words.
        allowed: &'static str,
    },
}

macro_rules! text_type {
    ($($(#[doc = $doc:literal])* $name:ident, $most:literal $(from $least:literal)?, $test:expr, $allowed:literal;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The most characters such a name may have.
            pub const MOST: usize = $most;

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        #[cfg(test)]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "description": concat!($($doc),*).trim(),
                    "type": "string",
                    "minLength": 1 $(- 1 + $least)?,
                    "maxLength": $most,
                })
            }
        }

        impl FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let least = 1 $(- 1 + $least)?;
                checked(text, least..=Self::MOST, $test, $allowed).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    )*};
}

text_type! {
    /// The project (organisation unit) that a private network belongs to.
    Project, 63, name_character, "use letters, digits, `-`, `_` and `.`";
    /// A private network's name for people.
    Name, 63, name_character, "use letters, digits, `-`, `_` and `.`";
    /// Who owns a network at the provider: an AWS account, a GCP project, an Azure tenant.
    Account, 64, name_character, "use letters, digits, `-`, `_` and `.`";
    /// The provider's id of a network: an AWS VPC id, a GCP network name, an Azure VNet resource
    /// id.
    CloudNetwork, 512, path_character, "use letters, digits and `-_./()`";
    /// The id that a cloud gives a network once and gives no other one, whatever its name: the
    /// `resourceGuid` of an Azure VNet, the number of a GCP network. (An AWS VPC id is such an id
    /// itself.)
    ImmutableId, 64, name_character, "use letters, digits, `-`, `_` and `.`";
    /// The provider's id of a subnet.
    Subnet, 512, |c| path_character(c) || c == '*', "use letters, digits and `-_./()`, or `*` alone for all";
    /// The provider's id of a peering link.
    Link, 512, path_character, "use letters, digits and `-_./()`";
    /// The provider's name of an operation that takes a while.
    CloudOperation, 512, path_character, "use letters, digits and `-_./()`";
    /// The provider's id of a route table.
    RouteTable, 512, path_character, "use letters, digits and `-_./()`";
    /// The provider's id of a firewall group: an AWS security group, a GCP policy, an Azure NSG.
    FirewallGroup, 512, path_character, "use letters, digits and `-_./()`";
    /// The provider's id of one firewall rule.
    FirewallRule, 512, path_character, "use letters, digits and `-_./()`";
    /// The provider's id of a list in front of subnets: an AWS network ACL.
    AccessList, 512, path_character, "use letters, digits and `-_./()`";
    /// The provider's id of a network interface of a machine.
    Interface, 512, path_character, "use letters, digits and `-_./()`";
    /// The key of a tag that people put on things at a cloud.
    TagKey, 128, |c: char| !c.is_control(), "leave out control characters";
    /// The value of such a tag.
    TagValue, 256, |c: char| !c.is_control(), "leave out control characters";
    /// What names an orphan: the provider's id of it; of a route, the table's and the destination;
    /// of an entry that denies, the list's and the number.
    OrphanId, 600, |c| c == ':' || path_character(c), "use letters, digits and `-_./():`";
    /// What the engine shows beside who it is when it enters an account, unique to one tenant
    /// (AWS: the external id of a role's trust policy, 2 to 1224 characters).
    ExternalId, 128, name_character, "use letters, digits, `-`, `_` and `.`";
    /// Where something answers that stands in for a cloud, like `http://127.0.0.1:5000`.
    Endpoint, 512, |c: char| c.is_ascii_graphic(), "use printable ASCII characters, and no spaces";
    /// Why somebody asked for something, in their own words.
    Reason, 500, |c: char| !c.is_control(), "leave out control characters";
    /// A person, a service or a worker that sends commands, or an issuer that vouches for them.
    ActorName, 256, |c: char| !c.is_control(), "leave out control characters";
    /// Who answers for a peering or for what it admits: a person or a team.
    OwnerName, 128, |c: char| !c.is_control(), "leave out control characters";
    /// Where a change is tracked: the id of a ticket or of a change request.
    Ticket, 128, |c: char| !c.is_control() && !c.is_whitespace(), "leave out spaces and control characters";
    /// A connector's id, as its owner chose it.
    ConnectorId, 50 from 5, |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'), "use letters, digits, `-` and `_`";
    /// A connector's name for people.
    ConnectorName, 50 from 3, |c: char| !c.is_control(), "leave out control characters";
    /// The URL of an endpoint, perhaps with placeholders in its path.
    Url, 2048 from 8, |c: char| c.is_ascii_graphic(), "use printable ASCII characters, and no spaces";
    /// The name of a header.
    HeaderField, 128, |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'), "use letters, digits, `-` and `_`";
    /// What a header says, a user's name and the like.
    HeaderText, 4096, |c: char| c.is_ascii_graphic() || c == ' ', "use printable ASCII characters";
    /// A host by its name or address, like `hooks.internal.example.com`.
    HostName, 255, |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '[' | ']'), "use letters, digits and `-_.:[]`";
    /// The name of a file in a folder.
    FileName, 100, name_character, "use letters, digits, `-`, `_` and `.`";
    /// What a filter looks for.
    Pattern, 1024, |c: char| !c.is_control(), "leave out control characters";
}

impl Account {
    /// Whether both name one account. An Azure tenant is a UUID, the same however it is written; an
    /// AWS account and a GCP project have one form.
    pub fn is_same(&self, other: &Self) -> bool {
        let uuid = |it: &Self| it.as_str().parse::<Uuid>().ok();
        self == other || uuid(self).is_some_and(|own| uuid(other) == Some(own))
    }
}

impl CloudNetwork {
    /// What an Azure resource id begins with, which is the same in any case.
    const RESOURCE: &str = "/subscriptions/";

    /// Whether both name one network of an account.
    pub fn is_same(&self, other: &Self) -> bool {
        let (one, other) = (self.as_str(), other.as_str());
        let is_resource = one.get(..Self::RESOURCE.len());
        let is_resource = is_resource.is_some_and(|it| it.eq_ignore_ascii_case(Self::RESOURCE));
        one == other || is_resource && one.eq_ignore_ascii_case(other)
    }
}

impl Subnet {
    /// What stands for every subnet of a network, those that come later too.
    pub const ALL: &str = "*";

    /// Whether every subnet is meant.
    pub fn are_all(subnets: &[Self]) -> bool {
        matches!(subnets, [only] if only.as_str() == Self::ALL)
    }
}

fn name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn path_character(c: char) -> bool {
    name_character(c) || matches!(c, '/' | '(' | ')')
}

fn checked(
    text: &str,
    lengths: RangeInclusive<usize>,
    allowed: impl Fn(char) -> bool,
    hint: &'static str,
) -> Result<String, TextError> {
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    let (length, least, most) = (text.chars().count(), *lengths.start(), *lengths.end());
    if length < least {
        return Err(TextError::TooShort { length, least });
    }
    if length > most {
        return Err(TextError::TooLong { length, most });
    }
    match text.chars().find(|c| !allowed(*c)) {
        Some(found) => Err(TextError::Character {
            found,
            allowed: hint,
        }),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_bounded_and_printable() {
        assert_eq!(
            "orders-prod_1.eu".parse::<Name>().map(String::from),
            Ok("orders-prod_1.eu".to_owned())
        );
        assert_eq!("".parse::<Name>(), Err(TextError::Empty));
        assert_eq!(
            "x".repeat(64).parse::<Name>(),
            Err(TextError::TooLong {
                length: 64,
                most: 63
            })
        );
        assert!(matches!(
            "a b".parse::<Name>(),
            Err(TextError::Character { found: ' ', .. })
        ));
        assert!(matches!(
            "a\u{0}".parse::<ActorName>(),
            Err(TextError::Character { .. })
        ));
        assert!("vnets/(a)/b".parse::<CloudNetwork>().is_ok());
    }
}
