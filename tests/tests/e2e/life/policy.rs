//! The policies that owners are given, against the calls that the engine really makes.
//!
//! At the end of every life on the strict EC2, what the engine called in each of the two accounts
//! must be allowed by what was printed for that side while the life went on. People's calls drop
//! out by their keys: the log says which keys each role session was given, and to whom.

use super::peering::Life;
use super::worlds::{RunningWorld, World};
use aws::instructions::{for_engine, for_peer};
use cloud::instructions::{Instruction, JSON};
use domain::network::{Consent, Network, evolve};
use journal::{Body, decode};
use peerage_tests::strict::Call;
use serde_json::Value;
use std::collections::BTreeSet;

/// Actions of both sides, as IAM spells them: the private network's, and the peer's.
type Actions = [BTreeSet<String>; 2];

/// The session name of the people of a world, when they enter an account.
const PEOPLE: &str = "oracle";

/// What the engine called in these two accounts.
fn called(calls: &[Call], accounts: [&str; 2]) -> Actions {
    let sessions = calls.iter().filter(|call| {
        let name = call.parameters.get("RoleSessionName");
        call.action == "AssumeRole" && name.is_some_and(|name| name != PEOPLE)
    });
    let keys: BTreeSet<_> = sessions.filter_map(|call| call.issued.as_ref()).collect();
    accounts.map(|account| {
        let ours = calls.iter().filter(|call| {
            call.service == "ec2"
                && call.account.as_deref() == Some(account)
                && keys.contains(&call.access_key)
        });
        ours.map(|call| format!("ec2:{}", call.action)).collect()
    })
}

/// What these policies allow.
fn permitted(policies: &[Instruction]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for printed in policies.iter().filter(|it| it.language == JSON) {
        let policy: Value = serde_json::from_str(&printed.body).unwrap();
        for statement in policy["Statement"].as_array().unwrap() {
            // One action, or several.
            let action = &statement["Action"];
            let actions = action
                .as_array()
                .map_or(std::slice::from_ref(action), Vec::as_slice);
            found.extend(actions.iter().map(|it| it.as_str().unwrap().to_owned()));
        }
    }
    found
}

/// One line for each action that was called and is not allowed.
fn complaints(called: &Actions, allowed: &Actions) -> Vec<String> {
    let sides = ["private network's", "peer's"];
    let all = sides.iter().zip(called.iter().zip(allowed));
    all.flat_map(|(side, (called, allowed))| {
        called
            .difference(allowed)
            .map(move |it| format!("{it} is called in the {side} account, and no policy allows it"))
    })
    .collect()
}

impl Life {
    /// What was printed for each side, at each moment of this life.
    async fn allowed(&self) -> Actions {
        let mut allowed = Actions::default();
        let mut state = Network::default();
        for event in self.api.history(&self.network).await {
            let Body::Event(decoded) = decode(&event.r#type, 1, &event.raw_data) else {
                panic!("{} cannot be read", event.r#type);
            };
            state = evolve(state, &decoded, chrono::DateTime::<chrono::Utc>::UNIX_EPOCH);
            let Network::Registered(network) = &state else {
                continue;
            };
            for peering in network.peerings.values() {
                allowed[0].extend(permitted(&for_engine(network, peering)));
                if peering.terms.consent == Consent::Delegated {
                    allowed[1].extend(permitted(&for_peer(network, peering)));
                }
            }
        }
        allowed
    }

    async fn called(&self) -> Option<Actions> {
        let calls = self.running.calls().await?;
        let [local, remote] = [&self.pair.local, &self.pair.remote].map(|it| &*it.place.account);
        Some(called(&calls, [local, remote]))
    }

    /// That nothing was called which the owners' policies do not allow, where somebody takes notes.
    pub(super) async fn kept_to_the_policies(&self) {
        let Some(called) = self.called().await else {
            return;
        };
        let allowed = self.allowed().await;
        if allowed.iter().all(BTreeSet::is_empty) {
            return; // There was no peering, and so no policy.
        }
        let complaints = complaints(&called, &allowed);
        assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    }
}

#[tokio::test]
async fn no_action_that_the_engine_calls_can_be_taken_out_of_a_policy_unnoticed() {
    let life = Life::active(RunningWorld::of(World::Strict).await).await;
    let remove = ["peering", "remove", &life.peering, "--reason", "the end"];
    life.says(&remove).await;
    let (called, allowed) = (life.called().await.unwrap(), life.allowed().await);
    assert_eq!(complaints(&called, &allowed), Vec::<String>::new());
    for (side, wanted) in [
        (0, "ec2:CreateVpcPeeringConnection"),
        (1, "ec2:AcceptVpcPeeringConnection"),
    ] {
        assert!(called[side].contains(wanted), "{wanted}: {called:?}");
        for action in &called[side] {
            let mut less = allowed.clone();
            less[side].remove(action);
            assert_eq!(complaints(&called, &less).len(), 1, "{action}");
        }
    }
    life.ends().await;
}
