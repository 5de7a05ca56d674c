//! The ways out: removed without a trace, abandoned with a list, retired; and killed on the way.

use super::peering::{Life, first, last, text};
use super::worlds::RunningWorld;
use crate::support::SOON;
use peerage::api::v1::{Leftover, leftover, removal::Cause};
use peerage_tests::wait;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

in_every_world!(
    a_removed_peering_leaves_nothing_its_routes_go_before_its_link_and_its_network_can_retire,
    an_abandoned_peering_stays_as_it_stands_and_what_that_is_is_listed,
    an_engine_killed_in_the_middle_of_a_removal_leaves_nothing_in_the_end,
    a_request_that_nobody_accepted_can_be_taken_back,
    a_request_that_is_not_active_by_its_deadline_is_taken_back,
);

async fn a_removed_peering_leaves_nothing_its_routes_go_before_its_link_and_its_network_can_retire(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    let before = life.history().await.len();
    let retire = ["network", "retire", &life.network, "--reason", "moved"];
    life.is_refused(&retire, "NETWORK_IN_USE").await;
    let gone = life
        .says(&[
            "peering",
            "remove",
            &life.peering,
            "--reason",
            "no longer needed",
        ])
        .await;
    assert_eq!(
        (&gone["peering"]["state"], &gone["peering"]["leftovers"]),
        (&"PEERING_STATE_REMOVED".into(), &Value::Array(Vec::new())),
        "{gone:#}"
    );
    life.judge_clean();
    let types = life.types(before).await;
    let link = first(&types, "LinkRemoved");
    assert!(
        last(&types, "RouteRemoved") < link && last(&types, "FirewallRuleRevoked") < link,
        "{types:?}"
    );
    assert!(
        link < first(&types, "FirewallGroupRemoved") && types.last().unwrap() == "PeeringRemoved",
        "{types:?}"
    );
    assert_eq!(
        types.iter().filter(|it| *it == "RouteRemoved").count(),
        2,
        "{types:?}"
    );
    if let Some(changes) = life.running.changes(&life.pair).await {
        let actions: Vec<_> = changes.into_iter().map(|it| it.action).collect();
        let link = first(&actions, "DeleteVpcPeeringConnection");
        assert!(
            last(&actions, "DeleteRoute") < link
                && last(&actions, "RevokeSecurityGroupIngress") < link,
            "{actions:?}"
        );
        assert!(link < first(&actions, "DeleteSecurityGroup"), "{actions:?}");
    }
    life.is_refused(
        &[
            "route",
            "accept",
            &life.peering,
            "--side",
            "local",
            "--destination",
            "10.30.0.0/17",
        ],
        "PEERING_ENDED",
    )
    .await;

    life.says(&retire).await;
    let network = life.engine.json(&["network", "show", &life.network]).await;
    assert_eq!(network["network"]["retiredReason"], "moved", "{network:#}");
    let peer = life.peer();
    let again: Vec<&str> = ["peering", "request"]
        .into_iter()
        .chain(peer.iter().map(String::as_str))
        .collect();
    life.is_refused(&again, "NETWORK_RETIRED").await;
    life.ends().await;
}

async fn an_abandoned_peering_stays_as_it_stands_and_what_that_is_is_listed(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    let seen = life.converged().await;
    life.says(&[
        "peering",
        "abandon",
        &life.peering,
        "--reason",
        "the peer keeps it",
        "--yes",
    ])
    .await;
    let gone = life.lives("abandoned").await;
    let listed: BTreeSet<String> = gone.leftovers.iter().map(told).collect();
    let is_listed = |kind: &str, id: &str| {
        listed
            .iter()
            .any(|it| it.starts_with(&format!("{kind} ")) && it.contains(id))
    };
    assert!(is_listed("link", &seen.link), "{listed:#?}");
    for table in [
        &life.pair.local.extra_route_table,
        &life.pair.remote.main_route_table,
    ] {
        assert!(is_listed("route", table), "{table} in {listed:#?}");
    }
    for group in seen.firewall.iter().map(|it| &it.group) {
        assert!(is_listed("firewall_group", group), "{group} in {listed:#?}");
    }
    assert!(is_listed("firewall_rule", "sgr-"), "{listed:#?}");
    assert_eq!(listed.len(), 6, "that is all: {listed:#?}");
    life.judge(&life.expected());
    life.is_refused(
        &["peering", "remove", &life.peering, "--reason", "too late"],
        "PEERING_ENDED",
    )
    .await;
    life.says(&["network", "retire", &life.network, "--reason", "moved"])
        .await;
    life.ends().await;
}

async fn an_engine_killed_in_the_middle_of_a_removal_leaves_nothing_in_the_end(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::active(running).await;
    // How many findings of the removal are on record at the next kill.
    for kill in [1, 3, 4] {
        if kill == 1 {
            life.says(&[
                "peering",
                "remove",
                &life.peering,
                "--reason",
                "no longer needed",
                "--no-wait",
            ])
            .await;
        }
        wait::until("that many steps of a removal", SOON, || async {
            let types: Vec<_> = life
                .api
                .history(&life.network)
                .await
                .into_iter()
                .map(|it| it.r#type)
                .collect();
            // The read models may be behind what was acknowledged.
            let asked = types
                .iter()
                .rposition(|it| it == "PeeringRemovalRequested")?;
            let steps = types.len() - 1 - asked;
            (steps >= kill).then_some(())
        })
        .await;
        life.crashes().await;
    }
    let gone = life.lives("removed").await;
    assert!(gone.leftovers.is_empty(), "{gone:#?}");
    life.judge_clean();
    let types = life.types(0).await;
    assert_eq!(
        types.iter().filter(|it| *it == "PeeringRemoved").count(),
        1,
        "{types:?}"
    );
    life.ends().await;
}

async fn a_request_that_nobody_accepted_can_be_taken_back(running: Arc<RunningWorld>) {
    let mut life = Life::registered(running).await;
    life.asks(&["--consent", "owner"]).await;
    let waiting = life.lives("awaiting_acceptance").await;
    life.shows(&life.pair.remote.place, &waiting.link, "pending-acceptance")
        .await;
    let gone = life
        .says(&[
            "peering",
            "remove",
            &life.peering,
            "--reason",
            "asked the wrong network",
        ])
        .await;
    assert_eq!(text(&gone["peering"]["state"]), "PEERING_STATE_REMOVED");
    life.judge_clean();
    life.ends().await;
}

async fn a_request_that_is_not_active_by_its_deadline_is_taken_back(running: Arc<RunningWorld>) {
    let mut life = Life::registered(running).await;
    life.asks(&["--consent", "owner", "--deadline", "3s"]).await;
    let gone = life.lives("removed").await;
    let cause = gone.removal.and_then(|it| it.cause);
    let passed = gone.deadline.map(Cause::DeadlinePassed);
    assert!(passed.is_some() && cause == passed, "{cause:?}, {passed:?}");
    assert_eq!(life.told("PeeringDeadlinePassed", 1).await.len(), 1);
    life.judge_clean();
    life.ends().await;
}

/// What was left, as one line: its kind and its ids.
fn told(leftover: &Leftover) -> String {
    use leftover::Leftover as What;
    match leftover.leftover.as_ref().expect("a kind") {
        What::PossibleLink(_) => "possible_link ".to_owned(),
        What::Link(it) => format!("link {}", it.link),
        What::Half(it) => format!("half {:?} {}", it.side(), it.link),
        What::PossibleHalf(it) => format!("possible_half {:?} {}", it.side(), it.link),
        What::Route(it) => format!("route {} {}", it.route_table, it.destination),
        What::OtherRoute(it) => format!("other_route {} {}", it.route_table, it.destination),
        What::FirewallGroup(it) => format!("firewall_group {}", it.group),
        What::FirewallRule(it) => format!("firewall_rule {}", it.rule_id),
        What::Denial(it) => format!("denial {it:?}"),
        What::PossibleThing(it) => format!("possible_thing {it:?}"),
    }
}
