//! Connector ingress by target: what can be closed by itself is opened by itself, and nothing else
//! is.

use super::{HOUR, Life, ingress, remove};
use crate::provisioner::testing::{Fuse, peering_id, range};
use domain::{
    IngressId, Provider, Side,
    network::{AllowConnectorIngress, InboundRule, IngressSource, RevokeConnectorIngress, Terms},
};
use simulated::SimulatedSettings;

fn at(provider: Provider, seed: u64) -> Life {
    Life::at(
        provider,
        &Terms::default(),
        SimulatedSettings::instant(seed),
    )
}

impl Life {
    /// What the engine's group admits at the peer.
    fn admitted(&self) -> Vec<InboundRule> {
        let world = self.cloud.world();
        let groups = &world.networks[&self.network(Side::Remote).to_string()].groups;
        let ours = groups.iter().filter(|group| group.owner.is_some());
        let rules = ours.flat_map(|group| group.rules.iter().filter_map(|it| it.rule));
        let mut rules: Vec<_> = rules.collect();
        rules.sort_unstable();
        rules
    }

    fn ingress_to(&self, target: &str) -> IngressId {
        let peering = self.log.peering();
        let of = |it: &&domain::network::Ingress| it.target == range(target);
        let found = peering.ingress.iter().find(|(_, it)| of(it));
        *found.unwrap().0
    }
}

fn to(target: &str, life: &Life) -> AllowConnectorIngress {
    AllowConnectorIngress {
        target: range(target),
        ..ingress(life, None)
    }
}

fn revoke(ingress_id: IngressId) -> RevokeConnectorIngress {
    RevokeConnectorIngress {
        peering_id: peering_id(),
        ingress_id,
    }
}

const ONE: &str = "10.50.7.0/24";
const OTHER: &str = "10.50.8.0/24";

#[tokio::test(start_paused = true)]
async fn where_rules_are_aimed_one_of_two_targets_on_one_port_is_closed_and_the_other_stays() {
    for provider in [Provider::Gcp, Provider::Azure] {
        let mut life = at(provider, 31);
        life.settles().await;
        life.says(to(ONE, &life));
        life.says(to(OTHER, &life));
        life.settles().await;
        let targets = |life: &Life| -> Vec<_> {
            let rules = life.admitted().into_iter();
            rules.map(|rule| (rule.port, rule.target)).collect()
        };
        assert_eq!(
            targets(&life),
            [(9092, Some(range(ONE))), (9092, Some(range(OTHER)))],
            "{provider}"
        );
        life.says(revoke(life.ingress_to(ONE)));
        life.settles().await;
        assert_eq!(targets(&life), [(9092, Some(range(OTHER)))], "{provider}");
        assert!(life.log.peering().is_converged());
        // Each of the two rules is on record by itself, and goes with the peering.
        life.says(remove());
        life.settles().await;
        assert!(life.admitted().is_empty(), "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_leaves_exactly_the_aimed_rules_that_are_asked_for() {
    for step in 0..24 {
        let mut life = at(Provider::Gcp, 32);
        life.settles().await;
        life.says(to(ONE, &life));
        life.says(to(OTHER, &life));
        life.run(Fuse::at(step), HOUR).await;
        life.says(revoke(life.ingress_to(ONE)));
        life.run(Fuse::at(step), HOUR).await;
        life.settles().await;
        let left: Vec<_> = life.admitted().iter().map(|rule| rule.target).collect();
        assert_eq!(left, [Some(range(OTHER))], "a crash at step {step}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_they_are_not_a_second_target_is_refused_and_a_revoked_one_is_closed() {
    let mut life = Life::active().await;
    life.says(to(ONE, &life));
    life.settles().await;
    let first = life.ingress_to(ONE);
    let refused = life.log.execute(&to(OTHER, &life).into()).unwrap_err();
    assert!(
        format!("{refused:?}").contains("IngressNotApart"),
        "{refused:?}"
    );
    let elsewhere = AllowConnectorIngress {
        from: Some(IngressSource::Ranges(vec![range("10.20.3.0/24")])),
        no_expiry: true,
        ..to(OTHER, &life)
    };
    assert!(life.log.execute(&elsewhere.clone().into()).is_err());
    life.says(revoke(first));
    life.says(elsewhere);
    life.settles().await;
    let left: Vec<_> = life
        .admitted()
        .iter()
        .map(|rule| (rule.source, rule.target))
        .collect();
    assert_eq!(left, [(range("10.20.3.0/24").into(), None)]);
}
