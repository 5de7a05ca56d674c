//! From two networks to a link that is open, and back.

use crate::support::{LOCAL, OWNER, PEERING, REMOTE, World, id, kind, nsg_id, vnet, vnet_id};
use cloud::{
    Cloud as _, CloudError, CloudErrorKind, HalfAnswer, HalfState, LinkRole, LinkState, NetworkRef,
    NetworkView, group_name,
};
use domain::{
    Side,
    network::{InboundRule, LinkOption},
};
use serde_json::{Value, json};
use testkit::arm::{FakeArm, Fault};
use uuid::Uuid;

const OPEN: LinkOption = LinkOption::VirtualNetworkAccess;

impl World {
    pub(crate) async fn set(
        &self,
        side: Side,
        option: LinkOption,
        enabled: bool,
    ) -> Result<(), CloudError> {
        let (own, link) = (self.network(side), self.link());
        let end = LinkRole::First;
        self.cloud
            .set_option(own, &link, end, option, enabled.into())
            .await
    }

    /// Whether packets of the other network come in at this side, by more than what was declared:
    /// told by what Azure has, and by no code of the engine's.
    pub(crate) fn flows(&self, tenant: &str) -> bool {
        let parent = self.fake.parent(&vnet_id(tenant)).unwrap();
        let mut halves = parent
            .children
            .iter()
            .filter(|it| it.kind == "virtualNetworkPeerings");
        let open = halves.find(|it| it.properties["allowVirtualNetworkAccess"] == true);
        let Some(open) = open else {
            return false;
        };
        let from = &open.properties["remoteAddressSpace"]["addressPrefixes"];
        let guard = self.fake.parent(&nsg_id(tenant)).unwrap();
        let of = |it: &Value, member: &str| it[member].as_str().unwrap_or_default().to_owned();
        let rules = guard
            .children
            .iter()
            .map(|it| Value::Object(it.properties.clone()));
        let denies = |it: &Value| {
            let sources = it["sourceAddressPrefixes"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let mut all = from.as_array().into_iter().flatten();
            of(it, "access") == "Deny"
                && of(it, "direction") == "Inbound"
                && of(it, "protocol") == "*"
                && of(it, "destinationAddressPrefix") == "*"
                && of(it, "destinationPortRange") == "*"
                && all.all(|one| sources.contains(one))
        };
        !rules.into_iter().any(|it| denies(&it))
    }

    fn is_kept_closed(&self, after: &str) {
        for tenant in [LOCAL, REMOTE] {
            assert!(
                !self.flows(tenant),
                "{after}: the other network comes in at {tenant}"
            );
        }
    }
}

#[tokio::test]
async fn a_link_is_made_closed_guarded_opened_and_removed_and_never_lets_more_in_than_declared() {
    let world = World::new().await;
    for side in Side::BOTH {
        let answer = world.begin(side).await.unwrap();
        world.is_kept_closed("a half is asked for");
        world.settles(side, answer).await;
        let half = world.half(side).unwrap();
        for flag in [
            "allowVirtualNetworkAccess",
            "allowForwardedTraffic",
            "allowGatewayTransit",
            "useRemoteGateways",
        ] {
            assert_eq!(half[flag], false, "{flag}");
        }
    }
    for side in Side::BOTH {
        let refused = kind(world.set(side, OPEN, true).await);
        assert_eq!(
            refused,
            Some(CloudErrorKind::Precondition),
            "nothing denies yet"
        );
        assert_eq!(
            world.half(side).unwrap()["allowVirtualNetworkAccess"],
            false
        );
    }
    for side in Side::BOTH {
        let own = world.network(side);
        let group = world.cloud.create_group(own, OWNER).await.unwrap();
        world.is_kept_closed("a denial is put");
        world.set(side, OPEN, true).await.unwrap();
        world.is_kept_closed("a half is open");
        let rule = InboundRule {
            source: "10.1.0.0/16".parse().unwrap(),
            port: 2113,
            target: Some("10.2.0.4/32".parse().unwrap()),
        };
        world
            .cloud
            .authorize_rule(&own.at, &group, rule, OWNER)
            .await
            .unwrap();
        let view = world.view(side).await.unwrap();
        assert_eq!(view.state, LinkState::Active);
        let end = &view.first;
        assert_eq!(end.option(OPEN), Some(true));
        let deleted = world.cloud.delete_group(&own.at, &group).await;
        assert_eq!(
            kind(deleted),
            Some(CloudErrorKind::InUse),
            "it guards an open half"
        );
    }
    for side in [Side::Remote, Side::Local] {
        world.remove(side).await;
        world.is_kept_closed("a half is removed");
        assert_eq!(world.view(side).await, None);
    }
    for side in Side::BOTH {
        let at = &world.network(side).at;
        let name = format!("{}/{}", world.network(side).network, group_name(PEERING));
        let group = name.parse().unwrap();
        world.cloud.delete_group(at, &group).await.unwrap();
        let again = world.cloud.delete_group(at, &group).await;
        assert_eq!(kind(again), Some(CloudErrorKind::NotFound));
    }
    for tenant in [LOCAL, REMOTE] {
        assert!(
            world
                .fake
                .parent(&nsg_id(tenant))
                .unwrap()
                .children
                .is_empty()
        );
    }
}

#[tokio::test]
async fn whatever_answer_is_lost_and_whenever_the_process_dies_the_link_is_never_open_unguarded() {
    let mut steps = 0;
    for lost in 0.. {
        let mut world = World::new().await;
        let mut is_over = false;
        for step in 0..6 {
            let side = [Side::Local, Side::Remote][step % 2];
            if step == lost {
                for method in ["PUT", "DELETE"] {
                    world.fake.fail_next(method, "/", Fault::Lost);
                }
                is_over = true;
            }
            let own = world.network(side).clone();
            let first = match step / 2 {
                0 => world.begin(side).await.map(drop),
                1 => world.cloud.create_group(&own, OWNER).await.map(drop),
                _ => world.set(side, OPEN, true).await,
            };
            world.is_kept_closed("a step");
            if let Err(error) = first {
                assert!(step == lost, "{error}");
                assert_eq!(error.kind, CloudErrorKind::Ambiguous, "{error}");
                world.restart();
            }
            world.fake.with(|it| it.faults.clear());
            again(&world, side, step / 2).await;
            world.is_kept_closed("a step that was done again");
            steps += 1;
        }
        for side in Side::BOTH {
            let half = world.view(side).await.unwrap();
            assert_eq!(half.first.option(OPEN), Some(true), "{lost}, {side}");
        }
        if !is_over {
            break;
        }
    }
    assert!(steps > 30, "{steps} steps");
}

/// The step once more, by whoever reads first: it does no harm, and brings about what is missing.
async fn again(world: &World, side: Side, step: usize) {
    let own = world.network(side);
    for _ in 0..20 {
        let done = match step {
            0 => match world.begin(side).await {
                Ok(answer) => {
                    world.settles(side, answer).await;
                    let half = world.view(side).await;
                    match half.and_then(|it| it.half(side, own)).map(|it| it.state) {
                        Some(HalfState::Pending | HalfState::Connected)
                            if world.fake.with(|it| it.operations.len()) > 0 =>
                        {
                            return;
                        }
                        _ => Ok(()),
                    }
                }
                Err(error) => Err(error),
            },
            1 => world.cloud.create_group(own, OWNER).await.map(drop),
            _ => world.set(side, OPEN, true).await,
        };
        match kind(done) {
            None | Some(CloudErrorKind::AlreadyThere) => return,
            Some(CloudErrorKind::Busy) => {}
            Some(other) => panic!("step {step}, {side}: {other}"),
        }
    }
    panic!("step {step}, {side}: still busy");
}

#[tokio::test]
async fn the_first_half_waits_and_both_are_connected_once_the_other_stands() {
    let world = World::new().await;
    let answer = world.begin(Side::Local).await.unwrap();
    let updating = world.view(Side::Local).await.unwrap();
    assert_eq!(
        updating.state,
        LinkState::Provisioning,
        "the operation runs"
    );
    world.settles(Side::Local, answer).await;
    let alone = world.view(Side::Local).await.unwrap();
    assert_eq!(alone.state, LinkState::Pending);
    assert_eq!(
        alone.first.in_sync, None,
        "it says that the other is behind"
    );
    assert_eq!(alone.owner.map(|it| it.peering), Some(PEERING));
    assert!(alone.second.network.is_same(&world.remote));
    assert_eq!(world.view(Side::Remote).await, None);

    world.make(Side::Remote).await;
    for (side, others) in [(Side::Local, "10.2.0.0/16"), (Side::Remote, "10.1.0.0/16")] {
        let view = world.view(side).await.unwrap();
        assert_eq!(view.state, LinkState::Active);
        assert_eq!(view.first.in_sync, Some(true));
        assert_eq!(view.first.imports, [others.parse().unwrap()]);
        assert_eq!(
            view.second.network.at.account,
            world.network(side.other()).at.account
        );
    }
}

#[tokio::test]
async fn a_half_that_is_there_is_left_as_it_is_and_anothers_stands_in_the_way() {
    let world = World::new().await;
    world.both().await;
    world
        .set(Side::Local, LinkOption::ForwardedTraffic, true)
        .await
        .unwrap();
    let _ = world.fake.take_seen();
    let again = world.begin(Side::Local).await.unwrap();
    assert_eq!(again, HalfAnswer::Done { link: world.link() });
    let seen = world.fake.take_seen();
    assert!(seen.iter().all(|it| it.method == "GET"), "nothing is put");
    assert_eq!(
        world.half(Side::Local).unwrap()["allowForwardedTraffic"],
        true
    );

    let mut spec = world.spec();
    spec.second.network.network = vnet_id(LOCAL).replace("/net", "/third").parse().unwrap();
    let request = cloud::RequestId(uuid::Uuid::nil());
    let other = world.cloud.make_half(&spec, Side::Local, request).await;
    assert_eq!(kind(other), Some(CloudErrorKind::AlreadyThere));
}

#[tokio::test]
async fn a_half_that_has_lost_its_other_one_is_told_and_stands_in_the_way_until_it_is_put_again() {
    let world = World::new().await;
    world.both().await;
    world.remove(Side::Local).await;
    let left = world.view(Side::Remote).await.unwrap();
    assert_eq!(left.state, LinkState::Disconnected);
    assert_eq!(left.first.in_sync, None);
    assert_eq!(left.first.imports, []);
    let refused = world.begin(Side::Local).await.unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::WrongState);
    assert_eq!(refused.code.as_deref(), Some("RemotePeeringIsDisconnected"));
    world.make(Side::Remote).await;
    assert_eq!(
        world.view(Side::Remote).await.unwrap().state,
        LinkState::Pending
    );
    world.make(Side::Local).await;
    assert_eq!(
        world.view(Side::Local).await.unwrap().state,
        LinkState::Active
    );
}

#[tokio::test]
async fn a_half_is_removed_once_and_removing_what_is_not_there_says_so() {
    let world = World::new().await;
    world.both().await;
    let answer = world.begin_removal(Side::Remote).await.unwrap();
    assert_eq!(
        world.view(Side::Remote).await.unwrap().state,
        LinkState::Deleting
    );
    world.settles(Side::Remote, answer).await;
    let again = world.begin_removal(Side::Remote).await;
    assert_eq!(kind(again), Some(CloudErrorKind::NotFound));
    assert!(world.view(Side::Local).await.is_some(), "only one side's");
}

#[tokio::test]
async fn ids_are_the_same_in_any_case_of_their_letters() {
    let mut world = World::new().await;
    world.both().await;
    for network in [&mut world.local, &mut world.remote] {
        let spelt = network.network.as_str().to_uppercase();
        let spelt = spelt.replace("/SUBSCRIPTIONS/", "/subscriptions/");
        network.network = spelt.parse().unwrap();
    }
    let view = world.view(Side::Local).await.unwrap();
    assert!(
        view.half(Side::Local, &world.local).is_some()
            && view.second.network.is_same(&world.remote)
    );
    let again = world.begin(Side::Local).await.unwrap();
    assert_eq!(again, HalfAnswer::Done { link: world.link() });
    let of = [world.local.network.clone()];
    let shown = world.cloud.networks(&world.local.at, &of).await.unwrap();
    assert_eq!(shown[0].network, of[0], "in the spelling of whoever asks");
}

#[tokio::test]
async fn members_that_nobody_has_heard_of_are_nothing_to_fail_on() {
    let world = World::new().await;
    world.both().await;
    world.fake.with(|state| {
        let parent = state
            .parents
            .get_mut(&vnet_id(LOCAL).to_lowercase())
            .unwrap();
        parent
            .body
            .insert("sku".to_owned(), json!({"new": [1, {"deep": null}]}));
        for child in &mut parent.children {
            child
                .properties
                .insert("tomorrow".to_owned(), json!({"a": 1}));
        }
    });
    let view = world.view(Side::Local).await.unwrap();
    assert_eq!(view.state, LinkState::Active);
    let option = LinkOption::ForwardedTraffic;
    world.set(Side::Local, option, true).await.unwrap();
    let put = world
        .fake
        .take_seen()
        .into_iter()
        .rfind(|it| it.method == "PUT");
    let sent = put.unwrap().body["properties"].clone();
    assert!(
        sent.get("tomorrow").is_none(),
        "what is not known is not sent back: {sent}"
    );
}

#[tokio::test]
async fn a_network_elsewhere_is_absent_and_one_with_a_wrong_guid_is_told() {
    let mut world = World::new().await;
    let of = [world.local.network.clone(), world.remote.network.clone()];
    let mut elsewhere = world.local.at.clone();
    elsewhere.region = world.remote.at.region.clone();
    let shown = world.cloud.networks(&elsewhere, &of[..1]).await.unwrap();
    assert_eq!(shown, []);
    let unknown = "operation-of-nobody".parse().unwrap();
    let nobody = world.cloud.operation(&world.local.at, &unknown).await;
    assert_eq!(kind(nobody), Some(CloudErrorKind::NotFound));
    let identity = world.cloud.identity(&world.remote.at).await.unwrap();
    assert_eq!(identity, world.remote.at.account);
    // Two networks that are in sight at once: those of one tenant and region.
    let neighbour = id(LOCAL, "virtualNetworks", "neighbour");
    world
        .fake
        .plant(&neighbour, &vnet("westeurope", "10.3.0.0/16", None));
    world.remote = NetworkRef {
        at: world.local.at.clone(),
        network: neighbour.parse().unwrap(),
    };
    world.both().await;
    let of = [world.local.network.clone(), world.remote.network.clone()];
    let halves = async || world.cloud.links(&world.local.at, &of).await.unwrap();
    let told: Vec<_> = halves().await.into_iter().map(|it| it.message).collect();
    assert_eq!(told, [None, None], "the guid is that of the two networks");
    let wrong = Uuid::from_u128(0x4711);
    world.fake.with(|it| it.pair_guid = Some(wrong));
    for half in halves().await {
        let told = half.message.unwrap();
        assert!(told.contains(&wrong.to_string()), "{told}");
        assert_eq!(half.state, LinkState::Active, "nothing waits for it");
    }
}

/// A network's guid is its own: one that is made again under the same id has another, and one that
/// has none says nothing.
#[tokio::test]
async fn a_network_that_is_made_again_has_another_guid_and_nothing_else_tells_it() {
    let world = World::new().await;
    let of = [world.local.network.clone()];
    let shown = async || {
        let mut views = world.cloud.networks(&world.local.at, &of).await.unwrap();
        assert_eq!(views.len(), 1);
        views.remove(0)
    };
    let guid = |it: &FakeArm| it.parent(&vnet_id(LOCAL)).unwrap().guid.to_string();
    let make_again = |guid: Option<Uuid>| {
        world.fake.with(|it| {
            it.parents.remove(&vnet_id(LOCAL).to_ascii_lowercase());
            it.next_guid = guid;
        });
        let body = vnet("westeurope", "10.1.0.0/16", Some(&nsg_id(LOCAL)));
        world.fake.plant(&vnet_id(LOCAL), &body);
    };
    let before = shown().await;
    let id = before.immutable_id.as_ref().unwrap();
    assert_eq!(id.as_str(), guid(&world.fake));
    make_again(None);
    let after = shown().await;
    assert_ne!(after.immutable_id, before.immutable_id);
    assert_eq!(
        after.immutable_id.clone().unwrap().as_str(),
        guid(&world.fake)
    );
    let but_for_that = NetworkView {
        immutable_id: before.immutable_id.clone(),
        ..after
    };
    assert_eq!(but_for_that, before);
    make_again(Some(Uuid::nil()));
    assert_eq!(shown().await.immutable_id, None);
}

#[tokio::test]
async fn a_process_that_has_just_begun_learns_whose_the_other_network_is_and_takes_it_for_nobodys_else()
 {
    let mut world = World::new().await;
    world.both().await;
    for side in Side::BOTH {
        world.restart();
        let view = world.view(side).await.unwrap();
        let other = world.network(side.other());
        assert_eq!(view.second.network.at.account, other.at.account, "{side}");
        let before = world.fake.take_seen().len();
        assert!(before > 0);
        let _ = world.view(side).await.unwrap();
        let asked = world.fake.take_seen();
        let without = asked.iter().filter(|it| it.tenant.is_none()).count();
        assert_eq!(without, 0, "it is asked once");
    }
}

#[tokio::test]
async fn a_rule_of_the_denials_name_that_the_engine_did_not_make_is_neither_written_over_nor_removed()
 {
    // A denial of theirs is theirs as well: only the description says that one is the engine's.
    for access in ["Allow", "Deny"] {
        is_left_alone(access).await;
    }
}

async fn is_left_alone(access: &str) {
    let world = World::new().await;
    world.both().await;
    let name = group_name(PEERING);
    let id = format!("{}/securityRules/{name}", nsg_id(LOCAL));
    let theirs = json!({ "properties": {
        "access": access, "direction": "Inbound", "protocol": "Tcp", "priority": 300,
        "sourceAddressPrefix": "192.168.0.0/16", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "22",
    } });
    world.fake.plant(&id, &theirs);
    let before = world.fake.child(&nsg_id(LOCAL), "securityRules", &name);
    assert!(before.is_some());
    let made = world.cloud.create_group(&world.local, OWNER).await;
    assert_eq!(kind(made), Some(CloudErrorKind::Conflict));
    let group = format!("{}/{name}", world.local.network).parse().unwrap();
    let (at, of) = (&world.local.at, [world.local.network.clone()]);
    let shown = world.cloud.firewall_groups(at, &of).await.unwrap();
    assert!(shown.iter().all(|it| it.group != group), "{shown:#?}");
    // What stands for a missing denial is removed by putting the denial.
    let open = format!("{group}/open").parse().unwrap();
    let revoked = world
        .cloud
        .revoke_rule(&world.local.at, &group, &open)
        .await;
    assert_eq!(kind(revoked), Some(CloudErrorKind::Conflict));
    let deleted = world.cloud.delete_group(&world.local.at, &group).await;
    assert_eq!(kind(deleted), Some(CloudErrorKind::NotFound));
    let after = world.fake.child(&nsg_id(LOCAL), "securityRules", &name);
    assert_eq!(after, before);
}
