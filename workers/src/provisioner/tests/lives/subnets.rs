//! Subnets are chosen anew while the link stands: routes move to the tables that serve.

use super::{Life, peering_id};
use domain::{
    Side,
    advisory::{IDLE_TABLE, advisories},
    network::{
        ChangeNetworkSubnets, ChangePeerSubnets, DriftPolicy, Policy, SetPolicy, SubnetChange,
    },
    text::Subnet,
};

fn set(names: &[&str]) -> SubnetChange {
    let subnets = names.iter().map(|it| it.parse().unwrap()).collect();
    SubnetChange::Set { subnets }
}

fn of_the_peer(names: &[&str]) -> ChangePeerSubnets {
    ChangePeerSubnets {
        peering_id: peering_id(),
        change: set(names),
    }
}

#[tokio::test(start_paused = true)]
async fn routes_move_along_whatever_the_policy_says_of_drift_and_nothing_is_drift() {
    for drift in DriftPolicy::ALL {
        let mut life = Life::active().await;
        let policy = Policy {
            drift,
            ..Policy::default()
        };
        life.says(SetPolicy { policy });
        assert_eq!(life.routes(Side::Local).len(), 2);
        for (chosen, tables) in [
            (&["*"][..], 3),
            (&["subnet-1"], 1),
            (&[], 1),
            (&["subnet-2"], 1),
        ] {
            life.says(ChangeNetworkSubnets {
                change: set(chosen),
            });
            life.settles().await;
            let routes = life.routes(Side::Local);
            assert_eq!(routes.len(), tables, "{chosen:?}: {routes:?}");
            let main = life.main_table(Side::Local);
            let in_main = routes.iter().any(|(table, _)| *table == main);
            assert_eq!(in_main, matches!(chosen, ["*"] | []), "{chosen:?}");
            assert!(life.log.peering().is_converged(), "{chosen:?}");
        }
        assert_eq!(life.count("DriftDetected"), 0, "{drift:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_serves_nobody_is_told_until_the_subnets_are_named() {
    let mut life = Life::asked_for();
    let remote = life.network(Side::Remote);
    let own: Subnet = "subnet-9".parse().unwrap();
    let by_hand = life.cloud.out_of_band();
    by_hand.add_subnet(&remote, &own, None);
    let table = by_hand.add_table(&remote, &[own]).unwrap();
    life.settles().await;
    let told = |life: &Life| {
        let all = advisories(&life.log.network(), &life.log.peering());
        all.into_iter()
            .find(|it| it.code == IDLE_TABLE)
            .map(|it| it.message)
    };
    let idle = told(&life).expect("told");
    let main = life.main_table(Side::Remote);
    let command = format!("peerage peering subnets all {}", peering_id());
    assert!(
        idle.contains(main.as_str()) && idle.contains(&command),
        "{idle}"
    );
    life.says(of_the_peer(&["subnet-9"]));
    life.settles().await;
    let routes = life.routes(Side::Remote);
    assert_eq!(
        routes.iter().map(|(table, _)| table).collect::<Vec<_>>(),
        [&table]
    );
    assert_eq!(told(&life), None);
}

#[tokio::test(start_paused = true)]
async fn a_subnet_that_comes_later_has_the_routes_where_all_are_meant() {
    let mut life = Life::active().await;
    life.says(of_the_peer(&["*"]));
    life.settles().await;
    assert_eq!(life.routes(Side::Remote).len(), 1);
    let (remote, later) = (life.network(Side::Remote), "subnet-7".parse().unwrap());
    let by_hand = life.cloud.out_of_band();
    by_hand.add_subnet(&remote, &later, None);
    by_hand.add_table(&remote, &[later]).unwrap();
    life.looks_again().await;
    assert_eq!(life.routes(Side::Remote).len(), 2);
    assert!(life.log.peering().is_converged());
}
