//! The comparison on trial.

use super::facts::Facts;
use super::{Made, Printed, complaints};
use crate::life::peering::Life;
use crate::life::worlds::{RunningWorld, World};
use chrono::TimeDelta;
use peerage::api::v1::Side;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a life took, beside what was printed while it went on.
struct Lived {
    made: Vec<Made>,
    printed: Vec<Printed>,
}

impl Lived {
    /// Of a life that is over, which called nothing that it was not allowed.
    async fn of(life: &Life) -> Self {
        let mut facts = Facts::default();
        let printed = life.printed(&mut facts).await;
        let made = life.made(&mut facts).await.unwrap();
        assert_eq!(complaints(&made, &printed), BTreeSet::new());
        Self { made, printed }
    }

    /// What is complained of when each statement is another, or none.
    fn with(&self, change: impl Fn(usize, &Value) -> Value) -> BTreeSet<String> {
        let printed = self.printed.iter().map(|it| {
            let each = [0, 1].map(|side| {
                let all = it.statements[side].iter();
                all.map(|it| change(side, it)).collect()
            });
            Printed {
                from: it.from,
                is_change_of_policy: it.is_change_of_policy,
                statements: each,
            }
        });
        complaints(&self.made, &printed.collect::<Vec<_>>())
    }

    /// The same with one text in the place of another.
    fn saying(&self, text: &str, another: &str) -> BTreeSet<String> {
        self.with(|_, statement| {
            serde_json::from_str(&statement.to_string().replace(text, another)).unwrap()
        })
    }

    /// The actions of each statement: its side, its name, and one of them.
    fn allowed(&self) -> BTreeSet<Allowed> {
        let sides = self.printed.iter().flat_map(|it| it.statements.iter());
        let sides = sides.enumerate().map(|(at, all)| (at % 2, all));
        let each = sides.flat_map(|(side, all)| all.iter().map(move |it| (side, it)));
        each.flat_map(|(side, it)| {
            let sid = it["Sid"].as_str().unwrap();
            let actions = it["Action"].as_array().unwrap().iter();
            actions.map(move |it| (side, sid.to_owned(), it.as_str().unwrap().to_owned()))
        })
        .collect()
    }

    /// Whether it takes this action of this statement.
    fn needs(&self, (side, sid, action): &Allowed) -> bool {
        let without = |of: usize, statement: &Value| {
            let mut statement = statement.clone();
            if of == *side && statement["Sid"] == sid.as_str() {
                let actions = statement["Action"].as_array_mut().unwrap();
                actions.retain(|it| it != action.as_str());
            }
            statement
        };
        !self.with(without).is_empty()
    }
}

type Allowed = (usize, String, String);

impl Life {
    /// All that an engine does for a link that it made: names, exposures, tags put back.
    async fn with_everything(running: Arc<RunningWorld>) -> Self {
        let mut life = Self::registered(running).await;
        for network in [&life.pair.local, &life.pair.remote] {
            life.people().give_names(network);
            let group = life.people().open(network, "listed", &[]);
            let elsewhere = ["192.168.0.0/16"];
            life.people().open_to_list(network, &group, 23, &elsewhere);
        }
        // What lets the peer in at home is looked at as closely as what lets the network in there.
        let home = life.pair.local.clone();
        life.people().open(&home, "at home", &[(22, "10.0.0.0/8")]);
        let subnet = life.pair.remote.subnets[0].clone();
        life.asks(&["--subnet", &subnet]).await;
        life.agrees().await;
        let [target, port] = ["10.30.7.0/24", "9092"];
        life.says(&[
            "firewall",
            "allow",
            &life.peering,
            "--target",
            target,
            "--port",
            port,
            "--reason",
            "orders go there",
            "--from",
            &life.pair.local.cidr,
            "--no-expiry",
        ])
        .await;
        for side in ["local", "remote"] {
            life.says(&["peering", "dns", &life.peering, "--side", side, "on"])
                .await;
        }
        let agreed = life
            .people()
            .open(&life.pair.remote, "agreed", &[(22, "10.0.0.0/8")]);
        life.says(&[
            "network",
            "policy",
            &life.network,
            "--exposure",
            "enforce",
            "--group",
            &agreed,
        ])
        .await;
        let peering = life.converged().await;
        for firewall in &peering.firewall {
            let network = match firewall.side() {
                Side::Remote => &life.pair.remote,
                Side::Local | Side::Unspecified => &life.pair.local,
            };
            life.people().untag(network, &firewall.group);
        }
        life.people().untag(&life.pair.local, &peering.link);
        life.checks().await;
        life.told("DriftRepaired", 3).await;
        life.removed().await
    }

    /// A link that somebody of one side asked for, and that the engine accepts on the other.
    async fn adopted(running: Arc<RunningWorld>, asks: Side) -> Self {
        let mut life = Self::registered(running).await;
        let (local, remote) = (life.pair.local.clone(), life.pair.remote.clone());
        let (requester, accepter) = match asks {
            Side::Remote => (&remote, &local),
            Side::Local | Side::Unspecified => (&local, &remote),
        };
        let link = life.people().ask_for_link(requester, accepter);
        life.shows(&accepter.place, &link, "pending-acceptance")
            .await;
        life.begins("adopt", &["--link", &link, "--yes"]).await;
        life.agrees().await;
        life.converged().await;
        life.removed().await
    }

    async fn removed(self) -> Self {
        self.says(&["peering", "remove", &self.peering, "--reason", "the end"])
            .await;
        self
    }
}

#[tokio::test]
async fn a_policy_says_what_the_calls_of_a_life_take_and_nothing_beside() {
    let running = RunningWorld::of(World::Strict).await;
    running.strict().set("tells_quotas", 1).await;
    let (made, asked_here, asked_there) = tokio::join!(
        Life::with_everything(running.clone()),
        Life::adopted(running.clone(), Side::Local),
        Life::adopted(running.clone(), Side::Remote),
    );
    let life = Lived::of(&made).await;
    nothing_can_be_missing(&life);
    nothing_can_be_another(&life, &made);
    nothing_can_come_later(&life);
    let all = [
        life,
        Lived::of(&asked_here).await,
        Lived::of(&asked_there).await,
    ];
    let allowed: BTreeSet<_> = all.iter().flat_map(Lived::allowed).collect();
    let spare = allowed
        .iter()
        .filter(|it| !all.iter().any(|life| life.needs(it)));
    assert_eq!(
        spare.collect::<Vec<_>>(),
        Vec::<&Allowed>::new(),
        "allowed, and taken by no life"
    );
    for life in [made, asked_here, asked_there] {
        life.ends().await;
    }
}

/// Each action that is called, on either side.
fn nothing_can_be_missing(life: &Lived) {
    for (side, wanted) in [
        (0, "ec2:CreateVpcPeeringConnection"),
        (1, "ec2:AcceptVpcPeeringConnection"),
    ] {
        let on_this_side = life.made.iter().filter(|it| it.side == side);
        let all: BTreeSet<_> = on_this_side
            .flat_map(|it| &it.needed)
            .map(|it| it.action.as_str())
            .collect();
        assert!(all.contains(wanted), "{wanted}: {all:?}");
        for action in all {
            let found = life.saying(&format!("\"{action}\""), "\"ec2:Nothing\"");
            assert!(found.iter().any(|it| it.starts_with(action)), "{action}");
        }
    }
}

/// Whose things they are, where, between whom.
fn nothing_can_be_another(lived: &Lived, life: &Life) {
    let (local, remote) = (&life.pair.local, &life.pair.remote);
    for (text, another) in [
        (&*life.peering, "11111111-1111-4111-8111-111111111111"),
        (&*life.network, "11111111-1111-4111-8111-111111111111"),
        (&*local.vpc, "vpc-0123"),
        (&*remote.vpc, "vpc-0123"),
        (&*local.place.region, "ap-south-1"),
        (&*remote.place.region, "ap-south-1"),
        (&*local.place.account, "999999999999"),
        (&*remote.place.account, "999999999999"),
    ] {
        let found = lived.saying(text, another);
        assert!(!found.is_empty(), "{another} in the place of {text}");
    }
}

/// What is printed counts from then on: asking for the link came before.
fn nothing_can_come_later(life: &Lived) {
    let create = "ec2:CreateVpcPeeringConnection";
    let asks = |it: &&Made| it.needed.iter().any(|it| it.action == create);
    let later = life.made.iter().find(asks).unwrap().began + TimeDelta::milliseconds(1);
    let printed = |from, statements| Printed {
        from,
        is_change_of_policy: false,
        statements,
    };
    let first = &life.printed[0];
    let late = [
        printed(first.from, [Vec::new(), Vec::new()]),
        printed(later, first.statements.clone()),
    ];
    let found = complaints(&life.made, &late);
    assert!(found.iter().any(|it| it.starts_with(create)), "{found:?}");
}
