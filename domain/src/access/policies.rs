//! Which policy is in force where: the aggregate of the stream `access-policy`.

use super::{AccessEvent, AccessPoliciesDiffered, AccessPolicyEnforced, Enforced, Policy};
use crate::{ledger::Digest, text::ActorName};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// What each server enforces, as far as it is on record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    by_host: BTreeMap<ActorName, InForce>,
}

/// A policy in force at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Its hash.
    pub hash: Digest,
    /// Itself.
    pub policy: Policy,
    /// The issuers of tokens that are believed.
    pub issuers: Vec<ActorName>,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// A server judges by this policy from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enforce {
    /// The server.
    pub host: ActorName,
    /// The policy.
    pub policy: Policy,
    /// Its hash.
    pub hash: Digest,
    /// The issuers of tokens that are believed.
    pub issuers: Vec<ActorName>,
}

impl Policies {
    /// What this server enforces.
    pub fn at(&self, host: &ActorName) -> Option<&InForce> {
        self.by_host.get(host)
    }

    /// Every server with what it enforces.
    pub fn all(&self) -> impl Iterator<Item = (&ActorName, &InForce)> {
        self.by_host.iter()
    }

    /// The servers that were last heard of with another policy than this.
    pub fn others(&self, host: &ActorName, hash: &Digest) -> Vec<Enforced> {
        let different = self
            .by_host
            .iter()
            .filter(|(at, it)| *at != host && it.hash != *hash);
        different
            .map(|(at, it)| Enforced {
                host: at.clone(),
                hash: it.hash.clone(),
            })
            .collect()
    }
}

/// What is put on record: each start and each change, and that others differ.
pub fn decide(policies: &Policies, command: Enforce) -> Vec<AccessEvent> {
    let Enforce {
        host,
        policy,
        hash,
        issuers,
    } = command;
    let others = policies.others(&host, &hash);
    let enforced = AccessPolicyEnforced {
        host: host.clone(),
        hash: hash.clone(),
        policy,
        issuers,
    };
    let mut events = vec![AccessEvent::AccessPolicyEnforced(enforced)];
    if !others.is_empty() {
        events.push(AccessEvent::AccessPoliciesDiffered(
            AccessPoliciesDiffered { host, hash, others },
        ));
    }
    events
}

/// What an event of that time does.
pub fn evolve(mut policies: Policies, event: &AccessEvent, time: DateTime<Utc>) -> Policies {
    match event {
        AccessEvent::AccessPolicyEnforced(it) => {
            let in_force = InForce {
                hash: it.hash.clone(),
                policy: it.policy.clone(),
                issuers: it.issuers.clone(),
                since: time,
            };
            policies.by_host.insert(it.host.clone(), in_force);
        }
        AccessEvent::AccessPoliciesDiffered(_) | AccessEvent::AccessDenied(_) => {}
    }
    policies
}
