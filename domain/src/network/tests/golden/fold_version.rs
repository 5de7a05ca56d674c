//! The fold's version is what the committed events fold to, so a fold that changes cannot keep it.
//!
//! The histories are made of the samples alone: a peering's life step by step, and at every step
//! each sample, and each sample after each other; and long walks among all of them, with minutes to
//! weeks between two events, for what is counted and what time forgets. An event type that is added
//! brings its sample, and with that its part of the version.

use super::*;
use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use sha2::{Digest as _, Sha256};

/// A life in the samples' own words. Whatever a sample says of its peering, it says of the same
/// one.
const LIFE: &[&str] = &[
    "NetworkRegistered",
    "PeeringRequested",
    "FirewallRestricted",
    "RouteAccepted",
    "ConnectorIngressAllowed",
    "PeeringInitiationStarted",
    "PeeringInitiated",
    "PeeringExpiryNear",
    "PeeringAccepted",
    "PeeringActivated",
    "RouteInstalled",
    "FirewallGroupCreated",
    "FirewallRuleAuthorized",
    "FirewallEnforced",
    "LinkOptionSet",
    "LinkOptionApplied",
    "FirewallExposed",
    "DriftDetected",
    "ProvisioningBlocked",
    "RouteWithdrawn",
    "PeeringRemovalRequested",
    "RouteRemoved",
    "FirewallRuleRevoked",
    "FirewallGroupRemoved",
    "LinkRemoved",
    "PeeringRemoved",
];

fn at(step: usize) -> DateTime<Utc> {
    Utc.timestamp_opt(1_772_355_600 + 60 * step as i64, 0)
        .unwrap()
}

/// The sample's event, about the network and the peering that all are about here.
fn of_the_same_peering(sample: &Sample) -> NetworkEvent {
    let mut data = sample.data.clone();
    if let Some(id) = data.get_mut("peering_id") {
        *id = json!("11111111-1111-4111-8111-111111111111");
    }
    let event = json!({ "type": sample.event_type, "data": data });
    serde_json::from_value(event).unwrap()
}

fn hashed(hash: &mut Sha256, state: &Network) {
    let mut folded = state.clone();
    folded.fold_ended();
    hash.update(serde_json::to_vec(&[state, &folded]).unwrap());
}

/// How many walks there are, and how long each is.
const WALKS: u64 = 24;
const STEPS: usize = 400;

/// One long walk: whatever comes up next, after any time, as long as the peering lives.
fn walked(walk: u64, all: &[NetworkEvent], hash: &mut Sha256) {
    let alive = |state: &Network| {
        let Network::Registered(network) = state else {
            return false;
        };
        network.live_peerings().next().is_some()
    };
    let begins = LIFE
        .iter()
        .take(14)
        .map(|it| of_the_same_peering(&sample(it)));
    let mut state = super::super::fold(begins);
    let (mut seed, mut now) = (walk, at(LIFE.len()));
    let mut draw = |most: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % most
    };
    for step in 0..STEPS {
        now += [
            TimeDelta::minutes(1),
            TimeDelta::hours(1),
            TimeDelta::hours(9),
            TimeDelta::hours(25),
            TimeDelta::days(40),
        ][draw(5)];
        let mut event = all[draw(all.len())].clone();
        if let NetworkEvent::ProvisioningBlocked(it) = &mut event {
            it.cause = BlockCause::ALL[draw(BlockCause::ALL.len())];
        }
        let after = evolve(state.clone(), &event, now);
        if alive(&after) {
            state = after;
        }
        if step % 8 == 7 {
            hashed(hash, &state);
        }
    }
}

fn computed() -> String {
    let mut all = samples();
    all.sort_by(|one, other| {
        let key = |it: &Sample| (it.event_type.clone(), it.version, it.variant.clone());
        key(one).cmp(&key(other))
    });
    let all: Vec<_> = all.iter().map(of_the_same_peering).collect();
    let mut hash = Sha256::new();
    let mut state = Network::default();
    for (step, event_type) in LIFE.iter().enumerate() {
        let next = of_the_same_peering(&sample(event_type));
        state = evolve(state, &next, at(step));
        hashed(&mut hash, &state);
        for one in &all {
            let after = evolve(state.clone(), one, at(step + 1));
            hashed(&mut hash, &after);
            if after == state || step % 5 != 4 {
                continue;
            }
            for other in &all {
                hashed(&mut hash, &evolve(after.clone(), other, at(step + 2)));
            }
        }
    }
    for walk in 0..WALKS {
        walked(walk, &all, &mut hash);
    }
    let hash = hash.finalize();
    hash.iter().take(8).map(|it| format!("{it:02x}")).collect()
}

#[test]
fn a_fold_that_has_changed_has_another_version() {
    let computed = computed();
    let path = folder().join("fold_version.txt");
    #[expect(
        clippy::disallowed_methods,
        reason = "a golden file is made anew on request"
    )]
    let is_made_anew = std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some();
    if is_made_anew {
        fs::write(&path, format!("{computed}\n")).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap();
    assert_eq!(
        computed,
        stored.trim(),
        "the committed events fold to something else than they did, so stored snapshots must not be \
         believed any more: PEERAGE_UPDATE_GOLDEN=1 cargo test -p peerage-domain fold_that_has_changed"
    );
}

#[test]
fn the_life_of_the_samples_gets_to_its_end() {
    let life = LIFE.iter().map(|it| of_the_same_peering(&sample(it)));
    let network = super::super::fold(life);
    let Network::Registered(network) = network else {
        panic!("the network is gone")
    };
    let peering = network.peerings().values().next().unwrap();
    assert_eq!(peering.life.name(), LifeName::Removed);
}
