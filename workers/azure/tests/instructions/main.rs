//! What the peer's owner is told is carried out, word for word as a shell reads it, at the Resource
//! Manager of the test kit: it joins the networks, and keeps the private one out.
//!
//! `az` is a program of these tests, over Azure's own library. With `PEERAGE_TEST_AZ` naming the
//! real one (not signed in, and with no network it needs), that one reads each command as well: it
//! has to understand it as far as asking who calls.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

use chrono::{DateTime, Utc};
use cloud::{
    Cloud as _, LinkState,
    instructions::{Instruction, JSON, SH, azure::for_peer},
};
use domain::{
    Provider, Region, Side,
    network::{
        Consent, LinkOption, LinkOptionSet, Network, NetworkEvent, NetworkRegistered, Peer,
        PeeringRemovalRequested, PeeringRequested, Terms, evolve,
    },
};
use std::{
    path::Path,
    process::{Command, Output},
};
use support::{LOCAL, OWNER, PEERING, REMOTE, World, nsg_id, vnet_id};
use testkit::venv;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// What they are told after these events.
fn told(then: impl IntoIterator<Item = NetworkEvent>) -> Vec<Instruction> {
    told_as(Consent::Owner, then)
}

fn told_as(consent: Consent, then: impl IntoIterator<Item = NetworkEvent>) -> Vec<Instruction> {
    let registered = NetworkRegistered {
        network_id: OWNER.network.unwrap(),
        project: "payments".parse().unwrap(),
        name: "events".parse().unwrap(),
        provider: Provider::Azure,
        region: Region::of(Provider::Azure, "westeurope").unwrap(),
        account: LOCAL.parse().unwrap(),
        cloud_network: vnet_id(LOCAL).parse().unwrap(),
        range: "10.1.0.0/16".parse().unwrap(),
        ipv6_ranges: Vec::new(),
        subnets: Vec::new(),
        cloud: None,
        generation: None,
    };
    let requested = PeeringRequested {
        peering_id: PEERING,
        peer: Peer {
            provider: Provider::Azure,
            account: REMOTE.parse().unwrap(),
            region: Region::of(Provider::Azure, "northeurope").unwrap(),
            cloud_network: vnet_id(REMOTE).parse().unwrap(),
            ranges: vec!["10.2.0.0/16".parse().unwrap()],
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
    let peering = network.peerings()[&PEERING].clone();
    for_peer(&network, &peering)
}

/// Runs a script in which `az` is the program of these tests.
async fn run(world: &World, script: &str) -> Output {
    let az = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/instructions/az.py");
    let python = venv::command("python").get_program().to_owned();
    let whole = format!("az() {{ \"$PYTHON\" \"$AZ\" \"$@\"; }}\n{script}");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &whole])
        .env("PYTHON", python)
        .env("AZ", az)
        .env("nsg", "guard")
        .env("ENDPOINT", world.fake.endpoint())
        .env("TOKEN", world.fake.token(REMOTE))
        .env("OTHER_TOKEN", world.fake.token(LOCAL));
    tokio::task::spawn_blocking(move || shell.output())
        .await
        .unwrap()
        .unwrap()
}

async fn done(world: &World, instructions: &[Instruction]) {
    for it in instructions {
        assert_eq!(it.language, SH, "{}", it.title);
        let output = run(world, &it.body).await;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success(),
            "{}\n{}\n{errors}",
            it.title,
            it.body
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_peers_owner_runs_joins_the_networks_keeps_the_private_one_out_and_parts_them() {
    let world = World::new().await;
    world.make(Side::Local).await;
    let all = told([]);
    assert_eq!(all.len(), 3);
    // The denial comes first: there is no moment at which the half is there without it.
    done(&world, &all[..1]).await;
    assert!(world.half(Side::Remote).is_none());
    let guard = world.fake.parent(&nsg_id(REMOTE)).unwrap();
    let [denial] = guard.children.as_slice() else {
        panic!("{guard:?}")
    };
    assert_eq!(denial.properties["access"], "Deny");
    assert_eq!(
        denial.properties["sourceAddressPrefixes"],
        serde_json::json!(["10.1.0.0/16"])
    );
    done(&world, &all[1..2]).await;
    let half = world.half(Side::Remote).unwrap();
    assert_eq!(
        half["allowVirtualNetworkAccess"], false,
        "it is made closed"
    );
    assert!(all[2].title.contains("once"), "{}", all[2].title);
    done(&world, &all[2..]).await;
    for side in Side::BOTH {
        let view = world.view(side).await.unwrap();
        assert_eq!(view.state, LinkState::Active, "{side}");
        assert_eq!(view.owner.map(|it| it.peering), Some(PEERING));
    }

    // They lend their gateway, once the private network is to use it.
    let borrowed = LinkOptionSet {
        peering_id: PEERING,
        side: Side::Local,
        option: LinkOption::RemoteGateways,
        enabled: true,
    };
    let lend = told([borrowed.into()]).pop().unwrap();
    done(&world, &[lend]).await;
    let half = world.half(Side::Remote).unwrap();
    assert_eq!(half["allowGatewayTransit"], true);
    assert_eq!(half["allowVirtualNetworkAccess"], true, "the rest stays");

    let removal = PeeringRemovalRequested {
        peering_id: PEERING,
        reason: "no longer needed".parse().unwrap(),
        requested_at: now(),
    };
    done(&world, &told([removal.into()])).await;
    assert!(world.half(Side::Remote).is_none());
    assert!(world.half(Side::Local).is_some(), "theirs alone");
}

/// Whoever has the printed role and nothing else carries out what the engine does at the peer.
#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_is_printed_is_enough_for_the_peers_side_and_for_nothing_beside_it() {
    let world = World::new().await;
    world.make(Side::Local).await;
    let role = told_as(Consent::Delegated, []).remove(0);
    assert_eq!(role.language, JSON);
    let role: serde_json::Value = serde_json::from_str(&role.body).unwrap();
    let actions: Vec<String> = serde_json::from_value(role["Actions"].clone()).unwrap();
    world.fake.with(|state| {
        state.roles.insert(REMOTE.to_owned(), actions);
    });
    // The library reads a rule that it has made, which the engine never does by itself: so the
    // denial is the engine's here, and the half is the library's.
    let all = told([]);
    done(&world, &all[1..2]).await;
    let group = world.cloud.create_group(&world.remote, OWNER).await;
    let group = group.unwrap();
    done(&world, &all[2..]).await;
    assert_eq!(
        world.view(Side::Remote).await.unwrap().state,
        LinkState::Active
    );
    let at = &world.remote.at;
    let whole: Vec<_> = vnet_id(REMOTE).split('/').map(str::to_owned).collect();
    let script = format!(
        "az network vnet delete --subscription {} --resource-group {} --name {}",
        whole[2], whole[4], whole[8]
    );
    let output = run(&world, &script).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("AuthorizationFailed"),
        "{said}"
    );
    world.remove(Side::Remote).await;
    world.cloud.delete_group(at, &group).await.unwrap();
    assert!(world.half(Side::Remote).is_none());
    assert!(world.fake.parent(&vnet_id(REMOTE)).is_some());
}

/// What these tests take for `az` is no more lenient than it.
#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_a_command_does_not_have_is_refused() {
    let world = World::new().await;
    let all = told([]);
    for wrong in ["--allow-everything", "--priority2 100"] {
        let script = all[0].body.trim_end().to_owned() + " " + wrong;
        let output = run(&world, &script).await;
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
    let guard = world.fake.parent(&nsg_id(REMOTE)).unwrap();
    assert!(guard.children.is_empty());
}

/// Without a session the real one ends with status 1, and with 2 if it does not know a word.
#[test]
fn the_real_az_understands_each_command_where_it_is_named() {
    let Some(az) = venv::az() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let borrowed = LinkOptionSet {
        peering_id: PEERING,
        side: Side::Local,
        option: LinkOption::RemoteGateways,
        enabled: true,
    };
    let removal = PeeringRemovalRequested {
        peering_id: PEERING,
        reason: "no longer needed".parse().unwrap(),
        requested_at: now(),
    };
    let status = |script: &str| {
        let whole = format!("az() {{ \"$AZ\" \"$@\"; }}\n{script}");
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &whole])
            .env("AZ", &az)
            .env("nsg", "guard");
        let output = shell.env("AZURE_CONFIG_DIR", home.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    let mut all = told([borrowed.into()]);
    all.extend(told([removal.into()]));
    for it in &all {
        let (code, said) = status(&it.body);
        assert_eq!(code, Some(1), "{}: {said}", it.title);
        assert!(said.contains("az login"), "{}: {said}", it.title);
    }
    let (code, _) = status(&(all[0].body.trim_end().to_owned() + " --allow-everything"));
    assert_eq!(code, Some(2), "it does tell what it does not know");
}
