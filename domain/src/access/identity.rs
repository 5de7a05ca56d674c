//! Who a credential says that somebody is.

use crate::{actor::Actor, text::ActorName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How somebody proves who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A bearer token that an issuer signed.
    Token,
    /// A certificate, over mutual TLS.
    Mtls,
    /// The user that a process runs as, at the other end of a Unix socket.
    Socket,
}

impl Proof {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Token, Self::Mtls, Self::Socket];

    /// Its name, as the configuration and the audit write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Mtls => "mtls",
            Self::Socket => "socket",
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One person or service: equal names at two issuers are two of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Subject {
    /// How it is proved.
    pub method: Proof,
    /// Who vouches for it: an issuer's URL, the name of an authority, or this machine.
    pub issuer: ActorName,
    /// The name there.
    pub subject: ActorName,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} of {})", self.subject, self.method, self.issuer)
    }
}

/// A subject and what else its credential says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who.
    pub subject: Subject,
    /// Other names of the same subject at the same issuer, which a binding may use.
    pub also: Vec<ActorName>,
    /// The groups that the issuer counts it to.
    pub groups: Vec<ActorName>,
}

impl Identity {
    /// The actor of what it does; what a caller claims stays a claim.
    pub fn actor(&self, claimed: Option<ActorName>) -> Actor {
        let Subject {
            method,
            issuer,
            subject,
        } = &self.subject;
        Actor {
            subject: Some(subject.clone()),
            method: method.as_str().parse().ok(),
            issuer: Some(issuer.clone()),
            claimed,
        }
    }
}
