//! What the peer's owner is told is carried out, word for word as a shell reads it, at the fake
//! Compute: it joins the networks, and keeps the private one out. `gcloud` is a program of these
//! tests, over Google's own library.

#![allow(clippy::unwrap_used)]

#[path = "../port/world.rs"]
#[allow(dead_code)]
mod world;

use chrono::{DateTime, Utc};
use cloud::{
    Cloud as _, CloudErrorKind, Groundwork as _, HalfState, LetsIn, Rehearsal, Rehearsed, Source,
    Traffic,
    instructions::{Instruction, SH, gcp::for_peer},
    lets_in,
};
use domain::{
    Provider, Side,
    network::{
        Consent, InboundRule, Network, NetworkEvent, NetworkRegistered, Peer,
        PeeringRemovalRequested, PeeringRequested, Terms, evolve,
    },
};
use gcp_fake::Temper;
use serde_json::json;
use std::process::{Command, Output};
use testkit::{venv, workspace};
use world::{LOCAL, OWNER, REMOTE, Scene};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// What they are told after these events.
fn told(scene: &Scene, then: impl IntoIterator<Item = NetworkEvent>) -> Vec<Instruction> {
    told_as(scene, Consent::Owner, then)
}

fn told_as(
    scene: &Scene,
    consent: Consent,
    then: impl IntoIterator<Item = NetworkEvent>,
) -> Vec<Instruction> {
    let registered = NetworkRegistered {
        network_id: OWNER.network.unwrap(),
        project: "payments".parse().unwrap(),
        name: "events".parse().unwrap(),
        provider: Provider::Gcp,
        region: scene.local.at.region.clone(),
        account: LOCAL.parse().unwrap(),
        cloud_network: scene.local.network.clone(),
        range: "10.10.0.0/16".parse().unwrap(),
        ipv6_ranges: Vec::new(),
        subnets: Vec::new(),
        cloud: None,
        generation: None,
    };
    let requested = PeeringRequested {
        peering_id: OWNER.peering,
        peer: Peer {
            provider: Provider::Gcp,
            account: REMOTE.parse().unwrap(),
            region: scene.remote.at.region.clone(),
            cloud_network: scene.remote.network.clone(),
            ranges: vec!["10.20.0.0/16".parse().unwrap()],
            subnets: Vec::new(),
        },
        requested_at: now(),
        terms: Terms {
            consent,
            ..Terms::default()
        },
        external_id: None,
    };
    let first: [NetworkEvent; 2] = [registered.into(), requested.into()];
    let all = first.into_iter().chain(then);
    let folded = all.fold(Network::default(), |state, event| {
        evolve(state, &event, now())
    });
    let Network::Registered(network) = folded else {
        panic!("the network is not on record")
    };
    let peering = network.peerings()[&OWNER.peering].clone();
    for_peer(&network, &peering)
}

/// Runs a script in which `gcloud` is the program of these tests.
async fn run(scene: &Scene, script: &str) -> Output {
    let gcloud = workspace::root().join("workers/gcp/tests/instructions/gcloud.py");
    let python = venv::command("python").get_program().to_owned();
    let whole = format!("gcloud() {{ \"$PYTHON\" \"$GCLOUD\" \"$@\"; }}\n{script}");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &whole])
        .env("PYTHON", python)
        .env("GCLOUD", gcloud)
        .env("engine", "peerage@engines.iam.gserviceaccount.com")
        .env("ENDPOINT", scene.fake.endpoint());
    tokio::task::spawn_blocking(move || shell.output())
        .await
        .unwrap()
        .unwrap()
}

async fn done(scene: &Scene, instructions: &[Instruction]) {
    for it in instructions {
        assert_eq!(it.language, SH, "{}", it.title);
        let output = run(scene, &it.body).await;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success(),
            "{}\n{}\n{errors}",
            it.title,
            it.body
        );
    }
}

/// Whether anything of the private network gets into the peer's.
async fn lets(scene: &Scene) -> LetsIn {
    let of = std::slice::from_ref(&scene.remote.network);
    let from = ["10.10.0.0/16".parse().unwrap()];
    let any = Traffic {
        source: Source::Ranges(from.to_vec()),
        target: None,
        protocol: None,
        ports: None,
    };
    let lists = scene
        .cloud
        .access_lists(&scene.remote.at, of)
        .await
        .unwrap();
    let verdicts = lists.iter().map(|it| lets_in(&it.entries, &any, &from));
    verdicts.max().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_peers_owner_runs_joins_the_networks_keeps_the_private_one_out_and_parts_them() {
    let scene = Scene::set(Temper::instant()).await;
    scene.make(Side::Local).await;
    // A network that admits whatever is private, as networks often do.
    let open = json!({
        "name": "allow-internal", "network": format!("projects/{REMOTE}/global/networks/orders"),
        "direction": "INGRESS", "priority": 1000, "sourceRanges": ["10.0.0.0/8"],
        "allowed": [{"IPProtocol": "all"}],
    });
    scene.fake.firewall(REMOTE, open);
    assert_eq!(lets(&scene).await, LetsIn::Yes);
    let all = told(&scene, []);
    assert_eq!(all.len(), 2);
    done(&scene, &all).await;
    for side in Side::BOTH {
        assert_eq!(scene.state(side).await, HalfState::Connected, "{side}");
    }
    assert_eq!(lets(&scene).await, LetsIn::No);

    let removal = PeeringRemovalRequested {
        peering_id: OWNER.peering,
        reason: "no longer needed".parse().unwrap(),
        requested_at: now(),
    };
    done(&scene, &told(&scene, [removal.into()])).await;
    assert_eq!(scene.state(Side::Remote).await, HalfState::Absent);
    assert_ne!(
        scene.state(Side::Local).await,
        HalfState::Absent,
        "theirs alone"
    );
}

/// What they keep out stands behind what the engine is told to admit.
#[tokio::test(flavor = "multi_thread")]
async fn where_the_engine_keeps_the_peers_side_what_it_admits_passes_the_owners_denial() {
    let scene = Scene::set(Temper::instant()).await;
    for side in Side::BOTH {
        scene.make(side).await;
    }
    let open = json!({
        "name": "default-allow-internal",
        "network": format!("projects/{REMOTE}/global/networks/orders"),
        "direction": "INGRESS", "priority": 65534, "sourceRanges": ["10.0.0.0/8"],
        "allowed": [{"IPProtocol": "all"}],
    });
    scene.fake.firewall(REMOTE, open);
    assert_eq!(lets(&scene).await, LetsIn::Yes);
    let all = told_as(&scene, Consent::Delegated, []);
    assert_eq!(all.len(), 2, "a role, and the denial: {all:?}");
    done(&scene, &all[1..]).await;
    assert_eq!(lets(&scene).await, LetsIn::No);
    let made = scene.cloud.create_group(&scene.remote, OWNER).await;
    let group = made.unwrap();
    let rule = InboundRule {
        source: "10.10.0.0/16".parse().unwrap(),
        port: 9092,
        target: None,
    };
    let at = &scene.remote.at;
    let put = scene.cloud.authorize_rule(at, &group, rule, OWNER);
    put.await.unwrap();
    let denial = format!("peerage-{}-deny", OWNER.peering);
    let rule = |name: &String| scene.fake.firewall_named(REMOTE, name).unwrap();
    let number = |name: &String| rule(name)["priority"].as_u64().unwrap();
    let all = scene.fake.firewalls_of(REMOTE).into_iter();
    let admits = |name: &String| {
        rule(name)["allowed"]
            .as_array()
            .is_some_and(|it| !it.is_empty())
    };
    let ours: Vec<_> = all
        .filter(|it| it.starts_with("peerage-") && admits(it))
        .collect();
    assert!(!ours.is_empty(), "the declared port");
    for it in &ours {
        assert!(number(it) < number(&denial), "{it} goes first");
    }
}

/// The role is made and given as the text says, and is all that the engine has from then on.
#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_is_printed_is_enough_for_the_peers_side_and_for_nothing_beside_it() {
    let scene = Scene::set(Temper::instant()).await;
    scene.make(Side::Local).await;
    let role = &told_as(&scene, Consent::Delegated, [])[..1];
    done(&scene, role).await;
    let driven: Vec<_> = scene.fake.calls().into_iter().map(|it| it.method).collect();
    for method in gcp_fake::OF_IAM {
        assert!(driven.iter().any(|it| it == method), "{method}");
    }
    let rehearsal = Rehearsal::CreateGroup {
        network: scene.remote.clone(),
        owner: OWNER,
    };
    let granted = scene.cloud.rehearse(&rehearsal).await.unwrap();
    assert_eq!(granted, Rehearsed::Allowed);
    scene.make(Side::Remote).await;
    assert_eq!(scene.state(Side::Remote).await, HalfState::Connected);
    let at = &scene.remote.at;
    let group = scene
        .cloud
        .create_group(&scene.remote, OWNER)
        .await
        .unwrap();
    scene.cloud.delete_group(at, &group).await.unwrap();
    scene.remove(Side::Remote).await;
    // What the engine does for demonstrations alone is none of it.
    let range = "10.30.0.0/16".parse().unwrap();
    let refused = scene.cloud.create_network(at, range, "demo").await;
    assert_eq!(refused.unwrap_err().kind, CloudErrorKind::Denied);
}

/// What these tests take for `gcloud` is no more lenient than it.
#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_a_command_does_not_have_is_refused() {
    let scene = Scene::set(Temper::instant()).await;
    for it in told(&scene, []) {
        let script = it.body.trim_end().to_owned() + " --allow-everything";
        let output = run(&scene, &script).await;
        assert_eq!(output.status.code(), Some(2), "{}", it.title);
    }
}
