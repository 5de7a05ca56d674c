//! The one place that says whether a call is allowed.

use super::{Binding, Method, NetworkName};
use crate::{
    ids::NetworkId,
    text::{Account, Name, Project},
};
use serde::{Deserialize, Serialize};

/// What a call reaches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The networks.
    pub reach: Reach<'a>,
    /// The peers' accounts that are acted for.
    pub peers: Peers<'a>,
}

/// The networks that a call reaches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'a> {
    /// None in particular: what is not allowed does not show in the answer.
    Nothing,
    /// One that is on record, or about to be.
    Network {
        /// Its id.
        id: NetworkId,
        /// Its project, if it has one.
        project: &'a Project,
        /// Its name.
        name: &'a Name,
    },
    /// One that is not on record, or all of them.
    Everything,
}

/// The peers' accounts that a call acts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peers<'a> {
    /// It does not act.
    None,
    /// One.
    Account(&'a Account),
    /// Those of the whole network.
    All,
}

/// Why a call is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// Nothing is bound to the caller.
    NoRole,
    /// No role of the caller may call this.
    Role,
    /// A role may, but not in that network.
    Network,
    /// A role may, in that network, but not for that peer's account.
    PeerAccount,
}

impl Denial {
    /// The same in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoRole => "no role is bound to the caller",
            Self::Role => "no role of the caller may call this",
            Self::Network => "no role of the caller reaches that network",
            Self::PeerAccount => "no role of the caller acts for that peer's account",
        }
    }
}

/// Whether a caller with these bindings may call this on that; the binding that allows it.
pub fn judge<'b>(
    bindings: &'b [Binding],
    method: Method,
    target: Target<'_>,
) -> Result<&'b Binding, Denial> {
    let mut denial = if bindings.is_empty() {
        Denial::NoRole
    } else {
        Denial::Role
    };
    for binding in bindings.iter().filter(|it| it.allows(method)) {
        if !reaches(binding, target.reach) {
            denial = denial.max(Denial::Network);
        } else if !acts_for(binding, target.peers) {
            denial = denial.max(Denial::PeerAccount);
        } else {
            return Ok(binding);
        }
    }
    Err(denial)
}

fn reaches(binding: &Binding, reach: Reach<'_>) -> bool {
    match reach {
        Reach::Nothing => true,
        Reach::Everything => binding.is_everywhere(),
        Reach::Network { id, project, name } => {
            let is_named = |it: &NetworkName| match it {
                NetworkName::Id(named) => *named == id,
                NetworkName::Name(named, its) => named == project && its == name,
            };
            binding.is_everywhere()
                || binding.projects.contains(project)
                || binding.networks.iter().any(is_named)
        }
    }
}

fn acts_for(binding: &Binding, peers: Peers<'_>) -> bool {
    match peers {
        Peers::None => true,
        Peers::Account(account) => {
            binding.peer_accounts.is_empty() || binding.peer_accounts.contains(account)
        }
        Peers::All => binding.peer_accounts.is_empty(),
    }
}
