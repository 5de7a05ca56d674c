//! Denials: entries in the lists in front of subnets, where groups can only allow.

use super::peering::{Life, data, first};
use super::worlds::RunningWorld;
use peerage::api::v1::{Peering, Side};
use peerage_tests::oracle::{Denial, Expected, Network};
use peerage_tests::wait;
use serde_json::{Value, json};
use std::sync::Arc;

in_every_world!(
    what_is_not_admitted_is_denied_before_all_subnets_of_a_list_until_it_is_asked_to_stop,
    denials_that_are_interrupted_are_finished_and_a_removal_leaves_none,
    a_denial_that_was_left_behind_is_listed_and_goes_by_its_id_on_request,
);

impl Life {
    /// Asks to deny before these subnets of the private network.
    async fn denies(&self, subnets: &[&str]) {
        let subnets = subnets.iter().flat_map(|it| ["--subnet", it]);
        let subnets: Vec<_> = subnets.collect();
        let deny = ["firewall", "deny", &self.peering, "--yes"];
        let with = ["--deny-with", "network-acl"];
        self.says(&[&deny[..], &with, &subnets].concat()).await;
    }

    async fn stops_denying(&self) {
        self.says(&["firewall", "stop-denying", &self.peering])
            .await;
    }

    /// Until this is seen to be kept out of the private network's subnets.
    async fn is_denied(&self) -> Peering {
        let is_kept = |it: &Peering| {
            let of_local = it.firewall.iter().find(|it| it.side() == Side::Local);
            let denials = of_local.and_then(|it| it.denials.as_ref());
            denials.is_some_and(|it| !it.lists.is_empty())
        };
        let what = "a peering that denies";
        self.api.peering_when(what, &self.peering, is_kept).await
    }

    /// The list in front of the private network's subnets.
    fn list(&self) -> String {
        let local = &self.pair.local;
        let seen = self.people().dump(std::slice::from_ref(&local.place));
        let lists = seen[0]["access_lists"].as_array().unwrap().clone();
        let its_own = lists.iter().find(|it| {
            let subnets = it["subnets"].as_array().unwrap();
            it["vpc"] == *local.vpc && subnets.iter().any(|it| *it == *local.subnets[0])
        });
        its_own.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// What stands while the peer's clients are admitted to port 2113, and all else is denied.
    fn with_denials(&self) -> Expected {
        let denial = |number, protocol: &str, from, to| Denial {
            list: self.list(),
            number,
            protocol: protocol.to_owned(),
            from,
            to,
            source: self.pair.remote.cidr.clone(),
        };
        let denials = vec![
            denial(1, "tcp", 0, 2112),
            denial(2, "tcp", 2114, 65535),
            denial(3, "udp", 0, 65535),
        ];
        let expected = self.expected();
        Expected {
            denials,
            ..expected
        }
    }

    /// What the audit says of a host of the private network, of a port that somebody's group opens.
    async fn reason(&self, network: &Network, port: u16) -> Value {
        let host = network.cidr.replace(".0.0/16", ".1.9");
        let ask = format!("{host}:{port}");
        let found = self.says(&["audit", "who-can-reach", &ask]).await;
        let ways = found["ways"].as_array().unwrap().clone();
        let mut ways = ways
            .into_iter()
            .filter(|it| it["peeringId"] == *self.peering);
        ways.next().unwrap()
    }
}

async fn what_is_not_admitted_is_denied_before_all_subnets_of_a_list_until_it_is_asked_to_stop(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    let local = life.pair.local.clone();
    let [one, other] = [&*local.subnets[0], &*local.subnets[1]];
    // The list stands before both: what was not named is not touched.
    life.denies(&[one]).await;
    let blocked = life.is_blocked("conflict").await.block.unwrap();
    assert!(blocked.message.contains(other), "{blocked:?}");
    life.judge(&life.expected());
    life.denies(&[one, other]).await;
    life.is_denied().await;
    life.converged().await;
    life.judge(&life.with_denials());
    let enforced = life.told("DenialEnforced", 1).await;
    assert_eq!(
        enforced[0]["subnets"].as_array().unwrap().len(),
        2,
        "{enforced:#?}"
    );
    let shown = life.engine.cli(&["peering", "show", &life.peering]).await;
    let shown = shown.done().replace('\n', " ");
    assert!(shown.contains("denied before"), "{shown}");

    // Somebody opens a port to all: the list keeps the peer out, and that is what is told.
    let theirs = life.people().open(&local, "web", &[(22, "10.0.0.0/8")]);
    life.checks().await;
    life.converged().await;
    let way = life.reason(&local, 22).await;
    assert_ne!(way["reachability"], "REACHABILITY_REACHABLE", "{way:#}");
    life.stops_denying().await;
    let exposed = life.told("FirewallExposed", 1).await;
    assert_eq!(exposed[0]["exposure"]["group"], theirs, "{exposed:#?}");
    let way = life.reason(&local, 22).await;
    assert_eq!(way["reachability"], "REACHABILITY_REACHABLE", "{way:#}");
    life.converged().await;
    let mut expected = life.expected();
    expected.given_security_groups = vec![theirs];
    life.judge(&expected);
    life.ends().await;
}

async fn denials_that_are_interrupted_are_finished_and_a_removal_leaves_none(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::active(running).await;
    let subnets = life.pair.local.subnets.clone();
    let subnets: Vec<_> = subnets.iter().map(String::as_str).collect();
    life.denies(&subnets).await;
    // Right after the first entry is on record, the others are not made or not seen.
    let begun = wait::within(crate::support::SOON, || async {
        let history = life.api.history(&life.network).await;
        let begun = data(&history, "InstallationStarted");
        let is_denial = |it: &Value| it["things"].to_string().contains("\"denial\"");
        begun.iter().any(is_denial).then_some(())
    });
    begun.await.expect("an intent to deny");
    life.crashes().await;
    life.is_denied().await;
    life.converged().await;
    life.judge(&life.with_denials());
    assert_eq!(life.told("DenialMade", 3).await.len(), 3, "each once");
    life.stops_denying().await;
    life.crashes().await;
    life.told("DenialRemoved", 3).await;
    life.converged().await;
    life.judge(&life.expected());

    let other = format!("{}:5432", life.pair.remote.cidr);
    let restrict = ["firewall", "restrict", &life.peering, "--admit", &other];
    life.says(&restrict).await;
    life.denies(&subnets).await;
    life.is_denied().await;
    let remove = ["peering", "remove", &life.peering, "--reason", "moved"];
    life.says(&remove).await;
    life.crashes().await;
    life.lives("removed").await;
    life.judge_clean();
    let types = life.types(0).await;
    let last_removed = super::peering::last(&types, "DenialRemoved");
    assert!(
        first(&types, "LinkRemoved") < last_removed,
        "the link goes first"
    );
    life.ends().await;
}

async fn a_denial_that_was_left_behind_is_listed_and_goes_by_its_id_on_request(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    let subnets = life.pair.local.subnets.clone();
    life.denies(&[&subnets[0], &subnets[1]]).await;
    life.is_denied().await;
    let (list, expected) = (life.list(), life.with_denials());
    let abandon = [
        "peering",
        "abandon",
        &life.peering,
        "--reason",
        "sold",
        "--yes",
    ];
    life.says(&abandon).await;
    let abandoned = life.lives("abandoned").await;
    assert!(format!("{:?}", abandoned.leftovers).contains(&list));
    life.judge(&expected);
    let is_listed = || async {
        life.checks().await;
        let list = ["orphans", "list", "--network", &life.network];
        let found = life.engine.json(&list).await;
        let found = found.as_array().unwrap().clone();
        let denials = found
            .into_iter()
            .filter(|it| it["kind"] == "ORPHAN_KIND_DENIAL");
        let denials: Vec<_> = denials.collect();
        (denials.len() == 3).then_some(denials)
    };
    let listed = wait::until("entries among the orphans", crate::support::SOON, is_listed).await;
    let ids: Vec<_> = listed.iter().map(|it| it["orphan"].clone()).collect();
    assert_eq!(
        ids,
        [1, 2, 3].map(|number| json!(format!("{list}/{number}")))
    );
    let remove = [
        "orphans",
        "remove",
        ids[1].as_str().unwrap(),
        "--reason",
        "left over",
    ];
    life.says(&remove).await;
    let cleared = life.told("OrphanCleared", 1).await;
    assert_eq!(cleared[0]["end"], "removed", "{cleared:#?}");
    let mut left = expected;
    left.denials.remove(1);
    life.judge(&left);
    life.ends().await;
}
