//! What a subscription allows is read in its region, and without the permission nothing is told.

use crate::support::{LOCAL, REMOTE, World, subscription};
use cloud::{Cloud as _, CloudErrorKind, NetworkRef, Operation};
use domain::{Provider, SeenQuotas};
use serde_json::json;
use testkit::arm::{Answer, Fault};

impl World {
    fn allows(&self, tenant: &str, quota: &str, limit: i64) {
        let key = (subscription(tenant), quota.to_owned());
        self.fake.with(|it| it.limits.insert(key, limit));
    }

    async fn told(&self, network: &NetworkRef) -> Result<SeenQuotas, CloudErrorKind> {
        let told = self.cloud.quotas(&network.at, &network.network).await;
        told.map_err(|error| error.kind)
    }
}

const USUAL: SeenQuotas = SeenQuotas {
    links: Some(500),
    pending_links: None,
    routes: Some(400),
    rules: Some(1000),
    groups_of_interface: None,
};

#[tokio::test]
async fn what_a_subscription_allows_is_told_in_its_region_and_each_goes_by_its_own() {
    let world = World::new().await;
    assert!(world.cloud.tells_quotas(&world.local.at));
    world.allows(LOCAL, "PeeringsPerVirtualNetwork", 1000);
    let more = SeenQuotas {
        links: Some(1000),
        ..USUAL
    };
    drop(world.fake.take_seen());
    assert_eq!(world.told(&world.local).await, Ok(more));
    assert_eq!(world.told(&world.remote).await, Ok(USUAL));
    let seen = world.fake.take_seen();
    let paths: Vec<_> = seen.iter().map(|it| it.path.clone()).collect();
    let path = |tenant: &str, location: &str| {
        let of = subscription(tenant);
        format!("/subscriptions/{of}/providers/Microsoft.Network/locations/{location}/usages")
    };
    assert_eq!(
        paths,
        [path(LOCAL, "westeurope"), path(REMOTE, "northeurope")]
    );
    let scope = |it: &NetworkRef| world.cloud.quota_scope(&it.at, &it.network);
    assert_eq!(scope(&world.local), subscription(LOCAL));
    assert_eq!(scope(&world.remote), subscription(REMOTE));
}

#[tokio::test]
async fn without_the_permission_which_is_named_nothing_is_told_and_all_else_goes_on() {
    let world = World::new().await;
    let permissions = world.cloud.permissions(Provider::Azure, Operation::Quotas);
    assert_eq!(permissions, ["Microsoft.Network/locations/usages/read"]);
    let denied = (LOCAL.to_owned(), "locations/usages/read".to_owned());
    world.fake.with(|it| it.denied.push(denied));
    assert_eq!(world.told(&world.local).await, Err(CloudErrorKind::Denied));
    world.both().await;
}

#[tokio::test]
async fn where_no_usages_are_served_no_quota_is_told() {
    let world = World::new().await;
    let missing = Answer::of_manager(404, "InvalidResourceType", "no such type");
    let none = Answer::new(200, json!({ "value": [] }));
    for answer in [missing, none] {
        let fault = Fault::Refused(answer);
        world.fake.fail_next("GET", "/usages", fault);
        let told = world.told(&world.local).await;
        assert_eq!(told, Err(CloudErrorKind::Unsupported));
    }
}
