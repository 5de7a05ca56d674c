//! What misleads: credentials of another account, copies of what the engine made, reads that cannot
//! be made, people who were faster. Nothing of anybody else's is touched then, and nothing of the
//! engine's is lost sight of.

use super::{Life, ingress, is_clean, remove};
use crate::provisioner::{
    settings::ProvisionerSettings,
    testing::{CLIENTS, Fuse, Log, cloud, owner, peering_id, range},
};
use cloud::{LinkRole, LinkState, Operation, RouteTarget};
use domain::{
    Side,
    network::{
        AcceptRoute, BlockCause, Consent, DriftPolicy, ExposurePolicy, Policy, SetPolicy, Terms,
        WithdrawRoute,
    },
    text::Subnet,
};
use simulated::SimulatedSettings;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn an_account_that_is_another_shows_nothing_and_nothing_is_taken_for_gone() {
    for side in Side::BOTH {
        let mut life = Life::active().await;
        let (account, before) = (life.network(side).at.account, life.log.events().len());
        life.cloud
            .out_of_band()
            .mix_up(&account, &"999999999999".parse().unwrap());
        life.says(remove());
        life.look_for(Duration::from_secs(3600)).await;
        assert_eq!(
            life.log.peering().blocked.map(|it| (it.cause, it.side)),
            Some((BlockCause::WrongAccount, side))
        );
        let gone = ["LinkRemoved", "FirewallGroupRemoved", "PeeringRemoved"];
        assert!(
            !life
                .log
                .names(before)
                .iter()
                .any(|name| gone.contains(name)),
            "{:?}",
            life.log.names(before)
        );
        life.cloud.out_of_band().sort_out(&account);
        life.settles().await;
        is_clean(&life.cloud.world(), "with the right account at last");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_out_of_sight_in_another_account_has_not_drifted() {
    let mut life = Life::active().await;
    let account = life.network(Side::Local).at.account;
    life.cloud
        .out_of_band()
        .mix_up(&account, &"999999999999".parse().unwrap());
    tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
    life.look_for(Duration::from_secs(3600)).await;
    assert_eq!(
        life.log.peering().blocked.map(|it| it.cause),
        Some(BlockCause::WrongAccount)
    );
    assert_eq!(life.count("DriftDetected"), 0);
    life.cloud.out_of_band().sort_out(&account);
    life.settles().await;
    assert!(life.log.peering().is_converged());
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_the_engines_group_is_somebody_elses_and_stays() {
    let mut life = Life::active().await;
    let remote = life.network(Side::Remote);
    let copy = life
        .cloud
        .out_of_band()
        .group(&remote, "a-copy", &["tcp 22 from 10.0.0.0/8"])
        .unwrap();
    life.cloud
        .out_of_band()
        .tag_group(&remote, &copy, Some(owner()));
    life.looks_again().await;
    let exposures = life.log.peering().firewall.remote.exposures;
    assert_eq!(
        exposures
            .values()
            .map(|it| &it.exposure.group)
            .collect::<Vec<_>>(),
        [&copy],
        "its tag is no hiding place"
    );
    life.says(remove());
    life.settles().await;
    let world = life.cloud.world();
    let groups: Vec<_> = world.networks[&remote.to_string()]
        .groups
        .iter()
        .map(|it| it.id.clone())
        .collect();
    assert!(groups.contains(&copy), "{groups:?}");
    assert_eq!(
        (
            life.log.peering().life.as_str(),
            life.count("FirewallGroupCreated")
        ),
        ("removed", 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_somebody_adds_to_the_engines_own_group_is_an_exposure_under_every_policy() {
    for drift in DriftPolicy::ALL {
        let mut life = Life::active().await;
        life.says(SetPolicy {
            policy: Policy {
                drift,
                exposure: ExposurePolicy::Report,
                ..Policy::default()
            },
        });
        let (remote, group) = (
            life.network(Side::Remote),
            life.log.peering().firewall.remote.group.unwrap(),
        );
        life.cloud
            .out_of_band()
            .admit(&remote, &group, "everything from 0.0.0.0/0");
        tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
        life.look_for(Duration::from_secs(600)).await;
        assert_eq!(
            (
                life.count("FirewallExposed"),
                life.log.peering().firewall.remote.exposures.len()
            ),
            (1, 1),
            "{drift:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_links_of_ours_the_one_on_record_is_removed_and_the_other_is_named() {
    let mut life = Life::active().await;
    let another = life.somebodys(Side::Local, LinkState::Pending);
    for end in [LinkRole::First, LinkRole::Second] {
        life.cloud.out_of_band().tag(&another, end, Some(owner()));
    }
    life.says(remove());
    life.blocks(BlockCause::Conflict, Side::Local).await;
    assert!(
        life.log
            .peering()
            .blocked
            .unwrap()
            .message
            .contains(another.as_str())
    );
    life.cloud.out_of_band().delete(&another, LinkRole::First);
    life.settles().await;
    is_clean(&life.cloud.world(), "once the other is gone");
}

#[tokio::test(start_paused = true)]
async fn an_exception_ends_on_record_and_closes_where_it_can_whatever_else_cannot_be_seen() {
    let mut life = Life::active().await;
    life.says(ingress(&life, Some(Duration::from_secs(3600))));
    life.settles().await;
    life.cloud.out_of_band().cut();
    tokio::time::advance(Duration::from_secs(3600)).await;
    life.look_for(Duration::from_secs(60)).await;
    assert_eq!(
        (
            life.count("ConnectorIngressRevoked"),
            life.log.peering().ingress.len()
        ),
        (1, 0)
    );
    life.cloud.out_of_band().mend();
    life.settles().await;
    assert!(life.log.peering().firewall.remote.rules.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_link_that_became_active_in_time_is_not_taken_back_because_nobody_looked() {
    let mut life = Life::asked_for();
    let deadline = Some((life.clock)() + Duration::from_secs(7200));
    life.log = Log::with_terms(Terms {
        consent: Consent::Owner,
        deadline,
        renew: false,
        accept_open: None,
    })
    .told_by(&life.clock);
    life.look_for(Duration::from_secs(600)).await;
    life.cloud.out_of_band().accept(&life.link());
    tokio::time::advance(Duration::from_secs(7200)).await;
    life.settles().await;
    assert_eq!(
        (
            life.count("PeeringDeadlinePassed"),
            life.log.peering().is_converged()
        ),
        (0, true)
    );
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_request_is_seen_behind_a_strangers_link() {
    let mut life = Life::asked_for();
    life.log = Log::with_consent(Consent::Owner).told_by(&life.clock);
    life.look_for(Duration::from_secs(600)).await;
    life.cloud.out_of_band().reject(&life.link());
    life.somebodys(Side::Remote, LinkState::Active);
    life.settles().await;
    assert_eq!(life.log.peering().life.as_str(), "rejected");
}

#[tokio::test(start_paused = true)]
async fn a_subnet_that_is_not_there_opens_no_table() {
    let mut life = Life::asked_for();
    let link = life.somebodys(Side::Remote, LinkState::Active);
    let (local, main) = (life.network(Side::Local), life.main_table(Side::Local));
    life.log = Log::adopting(&link).told_by(&life.clock);
    let first: Subnet = "subnet-1".parse().unwrap();
    life.cloud.out_of_band().drop_subnet(&local, &first);
    life.look_for(Duration::from_secs(3600)).await;
    assert!(
        !life
            .routes(Side::Local)
            .iter()
            .any(|(table, _)| *table == main),
        "{:?}",
        life.routes(Side::Local)
    );
    let blocked = life.log.peering().blocked.unwrap();
    assert!(
        blocked.cause == BlockCause::NotFound && blocked.message.contains("subnet-1"),
        "{}",
        blocked.message
    );
}

#[tokio::test(start_paused = true)]
async fn a_route_that_a_person_puts_back_after_it_was_withdrawn_is_theirs() {
    let mut life = Life::active().await;
    let (local, table) = (
        life.network(Side::Local),
        life.routes(Side::Local)[0].0.clone(),
    );
    life.says(WithdrawRoute {
        peering_id: peering_id(),
        side: Side::Local,
        destination: range(CLIENTS),
    });
    life.settles().await;
    assert!(life.routes(Side::Local).is_empty());
    life.cloud.out_of_band().route(
        &local,
        &table,
        CLIENTS.parse().unwrap(),
        RouteTarget::Link(life.link()),
    );
    life.looks_again().await;
    assert_eq!(
        (life.routes(Side::Local).len(), life.count("DriftDetected")),
        (1, 1),
        "it is reported, and stays"
    );
    life.says(AcceptRoute {
        peering_id: peering_id(),
        side: Side::Local,
        destination: range(CLIENTS),
    });
    life.settles().await;
    assert!(
        life.log.peering().is_converged() && life.routes(Side::Local).len() == 2,
        "{:?}",
        life.routes(Side::Local)
    );
}

#[tokio::test(start_paused = true)]
async fn an_exposure_that_comes_back_each_time_it_is_revoked_ends_in_a_block_and_not_in_a_fight() {
    let mut life = Life::active().await;
    let remote = life.network(Side::Remote);
    let group = life
        .cloud
        .out_of_band()
        .group(&remote, "legacy", &[])
        .unwrap();
    life.says(SetPolicy {
        policy: Policy {
            exposure: ExposurePolicy::Enforce {
                groups: [group.clone()].into(),
            },
            ..Policy::default()
        },
    });
    for _ in 0..8 {
        life.cloud
            .out_of_band()
            .admit(&remote, &group, "tcp 22 from 10.0.0.0/8");
        tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
        life.look_for(Duration::from_secs(240)).await;
    }
    assert_eq!(
        life.log.peering().blocked.map(|it| it.cause),
        Some(BlockCause::RepairUndone)
    );
    assert_eq!(life.count("ExposureCleared"), 3);
    life.says(SetPolicy {
        policy: Policy::default(),
    });
    life.settles().await;
    assert_eq!(
        (life.log.peering().blocked, life.count("ExposureCleared")),
        (None, 3),
        "reported only, as is the policy now"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_made_and_is_not_shown_yet_is_not_left_behind_by_a_removal() {
    let late = SimulatedSettings {
        visibility: Duration::from_secs(60)..=Duration::from_secs(120),
        ..SimulatedSettings::instant(7)
    };
    for steps in 0..60 {
        let mut life = Life::asked_for();
        life.cloud = cloud(late.clone(), &life.clock);
        let link = life.somebodys(Side::Local, LinkState::Active);
        life.log = Log::adopting_now(&link, &life.clock);
        if life
            .run(Fuse::at(steps), Duration::from_secs(30))
            .await
            .is_some()
        {
            assert!(steps > 20, "nothing was killed after {steps} steps");
            break;
        }
        life.memories = Default::default();
        life.says(remove());
        life.settles().await;
        tokio::time::advance(Duration::from_secs(600)).await;
        // The link is somebody's, and stays.
        life.cloud.out_of_band().delete(&link, LinkRole::First);
        is_clean(
            &life.cloud.world(),
            &format!("killed after {steps} steps and removed"),
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_on_record_of_a_table_that_no_longer_serves_is_over_once_it_is_gone_there() {
    let mut life = Life::active().await;
    let (local, routes) = (life.network(Side::Local), life.routes(Side::Local));
    let table = routes
        .iter()
        .map(|(table, _)| table.clone())
        .find(|table| *table != life.main_table(Side::Local))
        .unwrap();
    life.cloud.out_of_band().drop_table(&local, &table);
    life.looks_again().await;
    let installed = &life.log.peering().routes.local[&range(CLIENTS)].installed;
    assert!(
        !installed.contains_key(&table) && !installed.is_empty(),
        "{installed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_closed_on_one_side_does_not_wait_for_the_other_to_be_seen() {
    for operation in [
        Operation::RouteTables,
        Operation::Links,
        Operation::FirewallGroups,
    ] {
        let mut life = Life::active().await;
        life.says(ingress(&life, Some(Duration::from_secs(3600))));
        life.settles().await;
        let (remote, blinded) = (
            life.network(Side::Remote),
            life.network(Side::Local).at.account,
        );
        let open = |life: &Life| {
            life.cloud.world().networks[&remote.to_string()]
                .groups
                .iter()
                .map(|it| it.rules.len())
                .sum::<usize>()
        };
        assert_eq!(open(&life), 1);
        life.cloud.out_of_band().deny_call(&blinded, operation);
        tokio::time::advance(Duration::from_secs(3600)).await;
        life.look_for(Duration::from_secs(600)).await;
        assert_eq!(
            life.log.peering().blocked.map(|it| (it.cause, it.side)),
            Some((BlockCause::PermissionDenied, Side::Local))
        );
        assert_eq!(
            (open(&life), life.count("FirewallRuleRevoked")),
            (0, 1),
            "{operation:?} is denied at the local side"
        );
        life.cloud.out_of_band().allow(&blinded);
        life.settles().await;
        assert!(life.log.peering().is_converged());
    }
}
