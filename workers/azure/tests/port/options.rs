//! What is switched on a half: read, changed and written back with all else that is set on it.

use crate::support::{LOCAL, OWNER, REMOTE, World, kind, subscription, vnet_id};
use cloud::{About, Cloud as _, CloudErrorKind};
use domain::{Side, network::LinkOption};
use serde_json::json;

const OPEN: LinkOption = LinkOption::VirtualNetworkAccess;

impl World {
    /// The other network of this side gets a range more, by its owner's hand.
    fn widen(&self, tenant: &str, prefix: &str) {
        self.fake.with(|state| {
            let key = vnet_id(tenant).to_lowercase();
            let parent = state.parents.get_mut(&key).unwrap();
            let space = &mut parent.body["properties"]["addressSpace"]["addressPrefixes"];
            space.as_array_mut().unwrap().push(json!(prefix));
        });
    }

    fn puts(&self) -> usize {
        let seen = self.fake.take_seen();
        seen.iter().filter(|it| it.method == "PUT").count()
    }
}

#[tokio::test]
async fn each_flag_is_changed_alone_and_all_others_are_written_back_as_they_were() {
    let world = World::new().await;
    world.both().await;
    world.fake.with(|state| {
        let parent = state
            .parents
            .get_mut(&vnet_id(LOCAL).to_lowercase())
            .unwrap();
        let mut children = parent.children.iter_mut();
        let half = children
            .find(|it| it.kind == "virtualNetworkPeerings")
            .unwrap();
        half.properties
            .insert("peerCompleteVnets".to_owned(), json!(false));
        half.properties
            .insert("doNotVerifyRemoteGateways".to_owned(), json!(true));
    });
    world
        .set(Side::Local, LinkOption::ForwardedTraffic, true)
        .await
        .unwrap();
    let before = world.half(Side::Local).unwrap();
    assert_eq!(before["allowForwardedTraffic"], true);
    assert_eq!(
        (
            &before["peerCompleteVnets"],
            &before["doNotVerifyRemoteGateways"]
        ),
        (&json!(false), &json!(true))
    );
    world
        .set(Side::Local, LinkOption::GatewayTransit, true)
        .await
        .unwrap();
    let after = world.half(Side::Local).unwrap();
    assert_eq!(after["allowForwardedTraffic"], true, "it stays");
    assert_eq!(after["allowVirtualNetworkAccess"], false, "it stays closed");
    let _ = world.puts();
    world
        .set(Side::Local, LinkOption::GatewayTransit, true)
        .await
        .unwrap();
    assert_eq!(world.puts(), 0, "what is so already is not put");
}

#[tokio::test]
async fn a_gateway_is_borrowed_once_it_is_lent_and_there_and_refused_before() {
    let world = World::new().await;
    world.both().await;
    let (lend, borrow) = (LinkOption::GatewayTransit, LinkOption::RemoteGateways);
    let refused = world.set(Side::Local, borrow, true).await.unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::Precondition);
    assert_eq!(refused.code.as_deref(), Some("RemoteVnetHasNoGateways"));
    world
        .fake
        .with(|it| it.gateways.push(vnet_id(REMOTE).to_lowercase()));
    let refused = world.set(Side::Local, borrow, true).await.unwrap_err();
    assert_eq!(
        refused.kind,
        CloudErrorKind::Precondition,
        "whatever the code is"
    );
    world.set(Side::Remote, lend, true).await.unwrap();
    world.set(Side::Local, borrow, true).await.unwrap();
    let view = world.view(Side::Local).await.unwrap();
    assert_eq!(view.first.option(borrow), Some(true));
}

#[tokio::test]
async fn who_has_a_gateway_or_uses_one_already_is_told_so_before_anything_is_changed() {
    let borrow = LinkOption::RemoteGateways;
    for about in [About::OwnGateway, About::OtherLinkOfOwn] {
        let world = World::new().await;
        world.both().await;
        let key = vnet_id(LOCAL).to_lowercase();
        let other = format!("{}/virtualNetworkPeerings/to-another", vnet_id(LOCAL));
        world.fake.with(|it| {
            it.gateways.push(vnet_id(REMOTE).to_lowercase());
            let own = it.parents.get_mut(&key).unwrap();
            let half = own
                .children
                .iter()
                .find(|it| it.kind == "virtualNetworkPeerings");
            let mut child = half.unwrap().clone();
            if about == About::OtherLinkOfOwn {
                child.name = "to-another".to_owned();
                child
                    .properties
                    .insert("useRemoteGateways".to_owned(), json!(true));
            } else {
                child.kind = "subnets".to_owned();
                child.name = "GatewaySubnet".to_owned();
                let used = json!([{ "id": "/…/virtualNetworkGateways/own/ipConfigurations/one" }]);
                child.properties = [("ipConfigurations".to_owned(), used)]
                    .into_iter()
                    .collect();
            }
            own.children.push(child);
        });
        world
            .set(Side::Remote, LinkOption::GatewayTransit, true)
            .await
            .unwrap();
        let _ = world.puts();
        let refused = world.set(Side::Local, borrow, true).await.unwrap_err();
        assert_eq!(
            (refused.kind, refused.about),
            (CloudErrorKind::Precondition, Some(about))
        );
        let named = if about == About::OtherLinkOfOwn {
            other
        } else {
            vnet_id(LOCAL)
        };
        assert!(refused.message.contains(&named), "{}", refused.message);
        assert_eq!(world.puts(), 0);
    }
}

#[tokio::test]
async fn only_the_half_that_says_so_is_synced_and_the_other_one_heals() {
    let world = World::new().await;
    world.both().await;
    world.widen(REMOTE, "10.9.0.0/16");
    let behind = world.view(Side::Local).await.unwrap();
    assert_eq!(behind.first.in_sync, Some(false));
    assert_eq!(
        behind.first.imports,
        ["10.2.0.0/16".parse().unwrap()],
        "what is in force"
    );
    assert_eq!(behind.second.ranges.len(), 2, "what is there");
    let other = world.view(Side::Remote).await.unwrap();
    assert_eq!(
        other.first.in_sync,
        Some(true),
        "it says that the other one is behind"
    );

    let sync = LinkOption::AddressSpaceSync;
    let _ = world.puts();
    world.set(Side::Remote, sync, true).await.unwrap();
    assert_eq!(world.puts(), 0);
    world.set(Side::Local, sync, true).await.unwrap();
    let seen = world.fake.take_seen();
    let put = seen.iter().find(|it| it.method == "PUT").unwrap();
    assert_eq!(
        put.query["syncRemoteAddressSpace"], "true",
        "in the query, not in the body"
    );
    for side in Side::BOTH {
        assert_eq!(world.view(side).await.unwrap().first.in_sync, Some(true));
    }
}

#[tokio::test]
async fn an_open_half_takes_new_ranges_in_only_once_they_are_kept_out() {
    let world = World::new().await;
    world.both().await;
    let group = world.cloud.create_group(&world.local, OWNER).await.unwrap();
    world.set(Side::Local, OPEN, true).await.unwrap();
    world.widen(REMOTE, "10.9.0.0/16");
    let sync = LinkOption::AddressSpaceSync;
    let refused = world.set(Side::Local, sync, true).await;
    assert_eq!(kind(refused), Some(CloudErrorKind::Precondition));
    assert!(!world.flows(LOCAL));
    let of = [world.local.network.clone()];
    let shown = world
        .cloud
        .firewall_groups(&world.local.at, &of)
        .await
        .unwrap();
    let own = shown.iter().find(|it| it.group == group).unwrap();
    let open = own.rules.iter().find(|it| it.rule.is_none()).unwrap();
    assert!(open.text.contains("no denial in guard"), "{}", open.text);
    world
        .cloud
        .revoke_rule(&world.local.at, &group, &open.id)
        .await
        .unwrap();
    world.set(Side::Local, sync, true).await.unwrap();
    assert!(!world.flows(LOCAL));
    assert_eq!(
        world.view(Side::Local).await.unwrap().first.in_sync,
        Some(true)
    );
}

#[tokio::test]
async fn a_half_that_has_lost_its_other_one_or_is_changing_takes_no_switch() {
    let world = World::new().await;
    let changing = world.begin(Side::Local).await.unwrap();
    let busy = world
        .set(Side::Local, LinkOption::ForwardedTraffic, true)
        .await;
    assert_eq!(kind(busy), Some(CloudErrorKind::Busy));
    world.settles(Side::Local, changing).await;
    world.make(Side::Remote).await;
    world.remove(Side::Remote).await;
    let alone = world
        .set(Side::Local, LinkOption::ForwardedTraffic, true)
        .await;
    assert_eq!(kind(alone), Some(CloudErrorKind::WrongState));
    let gone = world
        .set(Side::Remote, LinkOption::ForwardedTraffic, true)
        .await;
    assert_eq!(kind(gone), Some(CloudErrorKind::NotFound));
    let others = world
        .set(Side::Local, LinkOption::DnsResolution, true)
        .await;
    assert_eq!(kind(others), Some(CloudErrorKind::Unsupported));
}

#[tokio::test]
async fn a_process_that_never_heard_of_the_other_tenant_finds_it_out() {
    let mut world = World::new().await;
    world.both().await;
    world.restart();
    let _ = world.fake.take_seen();
    world
        .set(Side::Local, LinkOption::ForwardedTraffic, true)
        .await
        .unwrap();
    let seen = world.fake.take_seen();
    let asked = seen.iter().find(|it| it.tenant.is_none()).unwrap();
    assert!(
        asked.path.ends_with(&subscription(REMOTE)),
        "without a token: {}",
        asked.path
    );
    let put = seen.iter().find(|it| it.method == "PUT").unwrap();
    assert_eq!(put.others, [REMOTE]);
}
