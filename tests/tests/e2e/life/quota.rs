//! A network that has as many links as it may have: found before the first write, and gone on from
//! once there is room.
//!
//! How much is allowed is set for a whole world, so each of these worlds belongs to one test.

use super::peering::{Life, text};
use super::worlds::RunningWorld;
use crate::support::world::Pair;
use peerage::api::v1::Side;
use peerage_tests::oracle::{Expected, Wanted};
use std::sync::Arc;

in_every_world!(with_room_for_one: a_network_without_room_is_found_before_anything_is_made_and_joined_once_there_is_room);

impl Life {
    /// Somebody joins the private network with one that is none of the engine's business.
    async fn somebody_takes_the_room(&self) -> (Pair, String) {
        let mut place = self.pair.remote.place.clone();
        place.account = place.account.replacen("222222", "333333", 1);
        let wanted = Wanted {
            name: "other".to_owned(),
            place,
            cidr: "10.40.0.0/16".to_owned(),
        };
        let other = self.people().prepare(&[wanted]).remove("other").unwrap();
        let pair = Pair {
            local: self.pair.local.clone(),
            remote: other,
        };
        let link = self.people().ask_for_link(&pair.local, &pair.remote);
        self.accepted_by(&pair.remote.place, &link).await;
        for place in pair.places() {
            self.shows(&place, &link, "active").await;
        }
        (pair, link)
    }
}

async fn a_network_without_room_is_found_before_anything_is_made_and_joined_once_there_is_room(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::registered(running).await;
    let (taken, link) = life.somebody_takes_the_room().await;
    let mut theirs = taken.expected(&link).peerings.remove(0);
    theirs.tags = None;
    let before = life.running.changes(&life.pair).await.map(|it| it.len());

    life.asks(&[]).await;
    life.agrees().await;
    let blocked = life.is_blocked("quota_exceeded").await.block.unwrap();
    assert_eq!(blocked.side(), Side::Local, "{blocked:?}");
    assert!(
        blocked.message.contains(&life.pair.local.vpc) && blocked.message.contains("1 links of 1"),
        "{blocked:?}"
    );
    life.judge(&Expected {
        peerings: vec![theirs],
        ..Expected::default()
    });
    assert_eq!(
        life.running.changes(&life.pair).await.map(|it| it.len()),
        before,
        "nothing was changed"
    );
    let types = life.types(0).await;
    assert!(
        !types.contains(&"PeeringInitiationStarted".to_owned()),
        "{types:?}"
    );

    life.people().delete_link(&life.pair.local.place, &link);
    life.shows(&life.pair.local.place, &link, "deleted").await;
    assert_eq!(life.converged().await.block, None);
    assert!(
        life.types(0)
            .await
            .contains(&"ProvisioningUnblocked".to_owned())
    );
    life.judge(&life.expected());
    life.ends().await;
}

#[tokio::test]
async fn a_link_too_many_waits_as_the_account_tells_and_is_made_once_the_quota_was_raised() {
    let mut life = Life::registered(RunningWorld::telling_of_room_for_one().await).await;
    life.somebody_takes_the_room().await;
    life.asks(&[]).await;
    life.agrees().await;
    let blocked = life.is_blocked("quota_exceeded").await.block.unwrap();
    assert!(blocked.message.contains("1 links of 1"), "{blocked:?}");
    let seen = life.told("NetworkQuotasSeen", 2).await;
    assert_eq!(seen[0]["quotas"]["links"], 1, "{seen:#?}");
    let types = life.types(0).await;
    let asked_for = "PeeringInitiationStarted".to_owned();
    assert!(!types.contains(&asked_for), "{types:?}");

    let strict = life.running.strict();
    strict.set("active_per_vpc", 2).await;
    // A person who has it planned need not wait until the engine asks by itself.
    let plan = life.says(&["peering", "plan", &life.peering]).await;
    let of_kind = |kind: &str| {
        let checks = plan["checks"].as_array().unwrap().iter();
        let of_kind = checks.filter(|it| it["kind"] == kind);
        let outcomes = of_kind.map(|it| text(&it["outcome"]));
        outcomes.collect::<Vec<_>>()
    };
    assert_eq!(of_kind("CHECK_KIND_QUOTAS"), ["CHECK_OUTCOME_PASSED"; 2]);
    assert_eq!(
        of_kind("CHECK_KIND_LINK_QUOTA"),
        ["CHECK_OUTCOME_PASSED"; 2]
    );
    assert_eq!(life.converged().await.block, None);
    life.ends().await;
}

#[tokio::test]
async fn an_account_that_does_not_tell_its_quotas_holds_nothing_up_and_the_doctor_names_the_permission()
 {
    let running = RunningWorld::telling_of_room_for_one().await;
    let mut life = Life::registered(running).await;
    let account = life.pair.remote.place.account.clone();
    let strict = life.running.strict();
    strict.deny(&account, "ListServiceQuotas").await;
    life.asks(&[]).await;
    life.agrees().await;
    life.converged().await;
    assert_eq!(life.told("NetworkQuotasSeen", 1).await.len(), 1);
    let found = life.says(&["doctor"]).await;
    let all = found.as_array().unwrap();
    let untold = |it: &&serde_json::Value| text(&it["text"]).starts_with("quotas, remote side");
    let untold: Vec<_> = all.iter().filter(untold).collect();
    let [hint] = untold[..] else {
        panic!("{found:#}")
    };
    assert_eq!(hint["severity"], "note", "{hint}");
    let said = text(&hint["text"]);
    assert!(said.contains("servicequotas:ListServiceQuotas"), "{said}");
    life.ends().await;
}
