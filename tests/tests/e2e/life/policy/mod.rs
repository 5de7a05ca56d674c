//! The policies that owners are given, against the calls that the engine really makes.
//!
//! At the end of every life on the strict EC2, each call that the engine made in one of the two
//! accounts must be allowed by what was printed for that side in the state in which it was made:
//! the action, on that resource, under those conditions, as IAM would judge it. People's calls drop
//! out by their keys: the log says which keys each role session was given, and to whom.
//!
//! `facts` says what a call takes, `iam` whether a statement gives it; `trial` shows that the
//! comparison notices whatever is missing, and that nothing is allowed which no life needs.

mod facts;
mod iam;
mod trial;

use self::facts::Facts;
use self::iam::{Needed, is_allowed};
use super::peering::Life;
use aws::{
    ec2::Tags,
    instructions::{for_engine, for_peer},
};
use chrono::{DateTime, TimeDelta, Utc};
use cloud::instructions::{Instruction, JSON};
use domain::network::{Consent, Network, NetworkEvent, evolve};
use journal::{Body, decode};
use peerage_tests::strict::Call;
use serde_json::Value;
use std::collections::BTreeSet;

/// The session name of the people of a world, when they enter an account.
const PEOPLE: &str = "oracle";

/// How long a pass may go on with what it planned before a person changed the policy. What it does
/// itself it writes down before it goes on.
const PASS: TimeDelta = TimeDelta::seconds(10);

/// The statements that were printed from this moment on: for the private network's side, and for
/// the peer's.
struct Printed {
    from: DateTime<Utc>,
    /// A person changed the network's policy then.
    is_change_of_policy: bool,
    statements: [Vec<Value>; 2],
}

/// A call of the engine's in the account of one of the sides, and what it takes.
struct Made {
    side: usize,
    began: DateTime<Utc>,
    needed: Vec<Needed>,
}

/// The calls of role sessions that are nobody's of the world.
fn made_by_the_engine(calls: &[Call]) -> impl Iterator<Item = &Call> {
    let sessions = calls.iter().filter(|call| {
        let name = call.parameters.get("RoleSessionName");
        call.action == "AssumeRole" && name.is_some_and(|name| name != PEOPLE)
    });
    let keys: BTreeSet<_> = sessions.filter_map(|call| call.issued.as_ref()).collect();
    let is_judged = |call: &&Call| ["ec2", "servicequotas"].contains(&call.service.as_str());
    calls
        .iter()
        .filter(move |call| is_judged(call) && keys.contains(&call.access_key))
}

fn statements(policies: &[Instruction]) -> Vec<Value> {
    let printed = policies.iter().filter(|it| it.language == JSON);
    let all = printed.map(|it| serde_json::from_str::<Value>(&it.body).unwrap());
    all.flat_map(|it| it["Statement"].as_array().unwrap().clone())
        .filter(|it| it["Action"] != "sts:AssumeRole")
        .collect()
}

/// What was printed in the state in which a call was made.
fn in_force(printed: &[Printed], at: DateTime<Utc>) -> &[Printed] {
    // Before anything was asked for there were plans, which read what the first policies allow.
    let now = printed.iter().rposition(|it| it.from <= at);
    let now = now.unwrap_or_default();
    let is_recent = |it: &&Printed| it.is_change_of_policy && it.from > at - PASS;
    let recent = printed[1..=now].iter().rev().take_while(is_recent).count();
    &printed[now - recent..=now]
}

/// One line for each permission that a call took and that nothing printed at its time gives.
fn complaints(made: &[Made], printed: &[Printed]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for call in made {
        let in_force = in_force(printed, call.began);
        for needed in &call.needed {
            let is_allowed = |it: &Printed| is_allowed(&it.statements[call.side], needed);
            if !in_force.iter().any(is_allowed) {
                let side = ["private network's", "peer's"][call.side];
                found.insert(format!(
                    "{} on {} is called in the {side} account, and no policy of that time allows it: {:?}",
                    needed.action, needed.resource, needed.context
                ));
            }
        }
    }
    found
}

impl Life {
    /// What was printed for each side, from each event on after which there was a peering; and what
    /// the events say of groups and rules.
    async fn printed(&self, facts: &mut Facts) -> Vec<Printed> {
        let mut printed = Vec::new();
        let mut state = Network::default();
        let tags = self.tags();
        for event in self.api.history(&self.network).await {
            let Body::Event(decoded) = decode(&event.r#type, 1, &event.raw_data) else {
                panic!("{} cannot be read", event.r#type);
            };
            facts.learn(&decoded, &self.network, &self.pair);
            let time = event.time.unwrap();
            let from = DateTime::from_timestamp(time.seconds, time.nanos as u32).unwrap();
            state = evolve(state, &decoded, from);
            let Network::Registered(network) = &state else {
                continue;
            };
            let mut both = [Vec::new(), Vec::new()];
            for peering in network.peerings().values() {
                both[0].extend(statements(&for_engine(network, peering, &tags)));
                if peering.terms.consent == Consent::Delegated {
                    both[1].extend(statements(&for_peer(network, peering, &tags)));
                }
            }
            if !network.peerings().is_empty() {
                printed.push(Printed {
                    from,
                    is_change_of_policy: matches!(decoded, NetworkEvent::NetworkPolicySet(_)),
                    statements: both,
                });
            }
        }
        printed
    }

    /// The tags that its configuration puts on everything.
    fn tags(&self) -> Tags {
        let tag = |(key, value): (String, String)| {
            let key = key.strip_prefix("cloud.aws.tags.")?;
            Some((key.to_owned(), value))
        };
        self.launch.keys().into_iter().filter_map(tag).collect()
    }

    /// What the engine called in the accounts of both sides; `None` where nobody takes notes.
    async fn made(&self, facts: &mut Facts) -> Option<Vec<Made>> {
        let calls = self.running.calls().await?;
        self.running.learn(&self.pair, facts).await;
        let sides = [&self.pair.local, &self.pair.remote].map(|it| it.place.account.clone());
        let made = made_by_the_engine(&calls).filter_map(|call| {
            let is_its = |account: &String| call.account.as_ref() == Some(account);
            Some(Made {
                side: sides.iter().position(is_its)?,
                began: call.began.parse().unwrap(),
                needed: facts.needed(call),
            })
        });
        Some(made.collect())
    }

    /// That nothing was called which the owners' policies did not allow then, where somebody takes
    /// notes.
    pub(super) async fn kept_to_the_policies(&self) {
        let mut facts = Facts::default();
        let printed = self.printed(&mut facts).await;
        if printed.is_empty() {
            return; // There was no peering, and so no policy.
        }
        let Some(made) = self.made(&mut facts).await else {
            return;
        };
        let complaints: Vec<_> = complaints(&made, &printed).into_iter().collect();
        assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    }
}
