//! From a request to an active peering: accepted by the engine, or by the peer's owner, who then
//! keeps that side.

use super::peering::{INGRESS, Life, data, text};
use super::worlds::RunningWorld;
use peerage::api::v1::{AcceptedBy, PeeringState, Side};
use peerage_tests::oracle::{Expected, Rule};
use serde_json::json;
use std::sync::Arc;

/// From where the private network's nodes call out.
const NODES: &str = "10.20.1.0/24";

in_every_world!(
    a_peering_with_a_connectors_ingress_stands_in_both_networks_until_the_ingress_is_closed,
    a_peering_that_the_owner_accepts_is_on_record_with_the_evidence_and_that_side_is_left_alone,
    a_plan_says_in_order_what_would_be_done_and_does_none_of_it,
    an_ingress_with_an_end_closes_by_itself,
);

async fn a_peering_with_a_connectors_ingress_stands_in_both_networks_until_the_ingress_is_closed(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    life.judge(&life.expected());
    let (port, reason) = (INGRESS.0.to_string(), INGRESS.1);
    let allow = [
        "firewall",
        "allow",
        &life.peering,
        "--target",
        "10.30.7.0/24",
        "--port",
        &port,
        "--reason",
        reason,
    ];
    life.is_refused(
        &[&allow[..], &["--expires", "1h"]].concat(),
        "NODES_NOT_ON_RECORD",
    )
    .await;
    life.says(&["network", "nodes", &life.network, NODES]).await;
    let allow = [&allow[..], &["--no-expiry"]].concat();
    let allowed = life.says(&allow).await;
    let ingress = text(&allowed["ingressId"]);
    assert_eq!(
        allowed["advisories"][0]["code"], "ADVISORY_CODE_INGRESS_NOT_AIMED",
        "{allowed:#}"
    );
    let peering = life.converged().await;
    assert_eq!(
        peering
            .ingress
            .iter()
            .map(|it| it.reason.as_str())
            .collect::<Vec<_>>(),
        [reason]
    );
    let open = life.with_ingress();
    life.judge(&open);
    let allowed = data(&life.history().await, "ConnectorIngressAllowed");
    assert_eq!(
        (allowed.len(), &allowed[0]["reason"], &allowed[0]["target"]),
        (1, &json!(reason), &json!("10.30.7.0/24"))
    );

    // A group's rule is aimed at no target: what could not be closed by itself is not opened.
    let mut another = allow.clone();
    another[4] = "10.30.8.0/24";
    life.is_refused(&another, "INGRESS_NOT_APART").await;
    life.judge(&open);
    life.says(&["firewall", "revoke", &life.peering, &ingress])
        .await;
    life.converged().await;
    life.judge(&life.expected());
    life.is_refused(
        &["firewall", "revoke", &life.peering, &ingress],
        "INGRESS_UNKNOWN",
    )
    .await;
    life.ends().await;
}

impl Life {
    /// What stands there while the exception is open: the target's port admits the private network
    /// at the peer, and nothing else does.
    fn with_ingress(&self) -> Expected {
        let mut expected = self.expected();
        let port = INGRESS.0.into();
        let tags = expected.security_groups[1].tags.clone();
        expected.security_groups[1].ingress = vec![Rule {
            protocol: "tcp".to_owned(),
            from: port,
            to: port,
            source: NODES.to_owned(),
            tags,
        }];
        expected
    }
}

async fn a_peering_that_the_owner_accepts_is_on_record_with_the_evidence_and_that_side_is_left_alone(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::registered(running).await;
    life.asks(&["--consent", "owner"]).await;
    life.agrees().await;
    let waiting = life.lives("awaiting_acceptance").await;
    assert_eq!(
        waiting.block, None,
        "nothing is wrong: somebody is waited for"
    );
    assert!(
        waiting.expires_at.is_some() && waiting.acceptance.is_none(),
        "{waiting:#?}"
    );
    let shown = life
        .engine
        .cli(&["peering", "show", &life.peering])
        .await
        .done();
    let (link, region) = (
        waiting.link.as_str(),
        life.pair.remote.place.region.as_str(),
    );
    for words in [
        &["aws ec2 accept-vpc-peering-connection", link, region][..],
        &[
            "aws ec2 describe-vpc-peering-connections",
            &life.pair.local.vpc,
            &life.pair.remote.vpc,
        ],
        &["aws ec2 create-route", &life.pair.local.cidr],
        &["\"ec2:AcceptVpcPeeringConnection\"", "\"2012-10-17\""],
    ] {
        words
            .iter()
            .for_each(|word| assert!(shown.contains(word), "{word} in:\n{shown}"));
    }

    life.owner_accepts(link).await;
    let peering = life.converged().await;
    assert_eq!(peering.state(), PeeringState::Active);
    let evidence = peering.acceptance.expect("evidence");
    let remote = &life.pair.remote.place.account;
    assert_eq!(
        (
            evidence.accepted_by(),
            &evidence.account,
            evidence.seen_from()
        ),
        (AcceptedBy::Owner, remote, Side::Local)
    );
    assert!(evidence.seen_at.is_some(), "{evidence:?}");
    let mut expected = life.expected();
    expected.route_tables[2].routes.clear();
    expected.security_groups.truncate(1);
    life.judge(&expected);
    if let Some(changes) = life.running.changes(&life.pair).await {
        // The one change there is the owner's own.
        let of_peer: Vec<_> = changes
            .iter()
            .filter(|it| it.account.as_ref() == Some(remote))
            .map(|it| it.action.as_str())
            .collect();
        assert_eq!(
            of_peer,
            [
                "CreateVpc",
                "CreateSubnet",
                "CreateSubnet",
                "CreateRouteTable",
                "AssociateRouteTable",
                "AcceptVpcPeeringConnection"
            ]
        );
    }
    life.ends().await;
}

async fn a_plan_says_in_order_what_would_be_done_and_does_none_of_it(running: Arc<RunningWorld>) {
    let life = Life::registered(running).await;
    let before = (
        life.people().dump(&life.pair.places()),
        life.history().await,
        life.running.changes(&life.pair).await.map(|it| it.len()),
    );
    let peer = life.peer();
    let plan = life
        .says(
            &[
                &["peering", "plan"][..],
                &peer.iter().map(String::as_str).collect::<Vec<_>>(),
            ]
            .concat(),
        )
        .await;
    let checks = plan["checks"].as_array().unwrap();
    assert!(
        checks.len() > 10
            && checks
                .iter()
                .all(|it| it["outcome"] != "CHECK_OUTCOME_FAILED"),
        "{checks:#?}"
    );
    assert!(
        checks
            .iter()
            .any(|it| it["kind"] == "CHECK_KIND_RANGES_DISJOINT"
                && it["outcome"] == "CHECK_OUTCOME_PASSED"),
        "{checks:#?}"
    );
    let actions: Vec<_> = plan["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (text(&it["kind"]), text(&it["side"])))
        .collect();
    let place = |action: &str| {
        actions
            .iter()
            .position(|it| it.0 == action)
            .unwrap_or_else(|| panic!("no {action} in {actions:?}"))
    };
    assert!(
        place("ACTION_KIND_CREATE_LINK") < place("ACTION_KIND_ACCEPT_LINK")
            && place("ACTION_KIND_ACCEPT_LINK") < place("ACTION_KIND_CREATE_GROUP"),
        "{actions:?}"
    );
    let codes: Vec<_> = plan["advisories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["code"]))
        .collect();
    assert!(
        codes.contains(&"ADVISORY_CODE_CROSS_REGION".to_owned()),
        "{codes:?}"
    );
    let after = (
        life.people().dump(&life.pair.places()),
        life.history().await,
        life.running.changes(&life.pair).await.map(|it| it.len()),
    );
    assert_eq!(
        after, before,
        "a plan changes nothing, neither at the cloud nor in the log"
    );
    life.ends().await;
}

async fn an_ingress_with_an_end_closes_by_itself(running: Arc<RunningWorld>) {
    let life = Life::active(running).await;
    let (port, reason) = (INGRESS.0.to_string(), INGRESS.1);
    let allow = [
        "firewall",
        "allow",
        &life.peering,
        "--target",
        "10.30.7.0/24",
        "--port",
        &port,
        "--reason",
        reason,
        "--from",
        NODES,
        "--expires",
        "5s",
    ];
    life.says(&allow).await;
    assert_eq!(
        life.told("ConnectorIngressRevoked", 1).await[0]["because"],
        "expired"
    );
    life.api
        .peering_when("a closed ingress", &life.peering, |it| {
            it.converged && it.ingress.is_empty()
        })
        .await;
    life.judge(&life.expected());
    life.ends().await;
}
