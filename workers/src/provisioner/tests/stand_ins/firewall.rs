//! What lets whom in: the engine's own rules, everybody else's, and exceptions with an end.

use super::{
    Life,
    world::{Change, is_admission},
};
use crate::provisioner::testing::{Fuse, client_rule, everywhere, peering_id, range, restrict};
use domain::{
    IngressId, Side,
    network::{
        AllowConnectorIngress, BlockCause, ExposurePolicy, InboundRule, NetworkEvent, Peering,
        Policy, RevokeConnectorIngress, SetPolicy,
    },
    text::FirewallGroup,
};
use std::{collections::BTreeSet, time::Duration};

in_every_world!(
    what_is_admitted_is_what_was_said_and_is_taken_back_when_it_is_said_no_more,
    a_strangers_rule_that_lets_the_private_network_in_is_named_and_revoked_only_if_that_was_agreed,
    an_exception_opens_its_port_alone_and_closes_at_its_end,
    what_is_to_be_closed_at_one_side_is_closed_while_the_other_does_not_answer,
    a_rule_that_may_not_be_made_blocks_its_side_and_is_made_once_that_is_allowed,
    a_strangers_rule_of_the_engines_name_is_left_alone,
);

in_world!(at_azure_at_interfaces, AzureAtInterfaces, Good:
    what_is_admitted_is_what_was_said_and_is_taken_back_when_it_is_said_no_more,
    an_exception_opens_its_port_alone_and_closes_at_its_end,
);

impl Life {
    /// The engine's rules that admit something on this side.
    fn admissions(&self, side: Side) -> BTreeSet<String> {
        let rules = self.world.rules(side).into_iter();
        rules.filter(|it| is_admission(it)).collect()
    }
}

async fn what_is_admitted_is_what_was_said_and_is_taken_back_when_it_is_said_no_more(
    mut life: Life,
) {
    life.converges().await;
    let first = life.admissions(Side::Local);
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(
        life.admissions(Side::Remote).len(),
        0,
        "nothing is admitted there"
    );
    let more = InboundRule {
        port: 443,
        ..client_rule()
    };
    life.says(restrict(&[client_rule(), more]));
    life.converges().await;
    let both = life.admissions(Side::Local);
    assert!(both.len() == 2 && both.is_superset(&first), "{both:?}");
    life.says(restrict(&[more]));
    life.converges().await;
    let last = life.admissions(Side::Local);
    assert!(last.len() == 1 && last.is_disjoint(&first), "{last:?}");
    life.says(restrict(&[]));
    life.converges().await;
    assert_eq!(life.admissions(Side::Local).len(), 0);
}

async fn a_strangers_rule_that_lets_the_private_network_in_is_named_and_revoked_only_if_that_was_agreed(
    mut life: Life,
) {
    life.converges().await;
    life.world.admit(Side::Remote, "legacy", "10.0.0.0/8", 22);
    life.world
        .admit(Side::Remote, "elsewhere", "192.168.0.0/16", 443);
    let found = |it: &Peering| {
        let exposures = it.firewall.remote.exposures.values();
        let mut groups = exposures.map(|it| it.exposure.rule_id.to_string());
        groups.any(|it| it.contains("legacy"))
    };
    life.memories = Default::default();
    life.run("the exposure", Fuse::never(), found).await;
    life.forget_who_got_in();
    let exposures = life.log.peering().firewall.remote.exposures;
    let named: Vec<String> = exposures.keys().map(ToString::to_string).collect();
    assert!(
        !named.iter().any(|it| it.contains("elsewhere")),
        "{named:?}"
    );
    assert!(
        life.world.rules(Side::Remote).contains("legacy"),
        "nobody agreed"
    );
    let groups = exposures.values().map(|it| it.exposure.group.clone());
    let groups: BTreeSet<FirewallGroup> = groups.collect();
    life.says(SetPolicy {
        policy: Policy {
            exposure: ExposurePolicy::Enforce { groups },
            ..Policy::default()
        },
    });
    let gone = |it: &Peering| !found(it);
    life.run("closed", Fuse::never(), gone).await;
    life.forget_who_got_in();
    assert!(!life.world.rules(Side::Remote).contains("legacy"));
    assert!(life.world.rules(Side::Remote).contains("elsewhere"));
    life.looks_again().await;
}

fn ingress(life: &Life, lasts: Option<Duration>) -> AllowConnectorIngress {
    AllowConnectorIngress {
        peering_id: peering_id(),
        target: range("10.50.7.0/24"),
        port: 9092,
        reason: "orders go to the peer's broker".parse().unwrap(),
        expires_at: lasts.map(|lasts| (life.clock)() + lasts),
        from: everywhere(),
        no_expiry: lasts.is_none(),
    }
}

fn first_ingress(life: &Life) -> IngressId {
    *life.log.peering().ingress.keys().next().unwrap()
}

async fn an_exception_opens_its_port_alone_and_closes_at_its_end(mut life: Life) {
    life.converges().await;
    let an_hour = Duration::from_secs(3600);
    life.says(ingress(&life, Some(an_hour)));
    life.converges().await;
    assert_eq!(life.admissions(Side::Remote).len(), 1);
    life.passes(an_hour);
    let ended = |it: &Peering| it.ingress.is_empty() && it.is_converged();
    life.until("the exception's end", ended).await;
    assert_eq!(life.admissions(Side::Remote).len(), 0, "closed at its end");
    life.says(ingress(&life, None));
    life.converges().await;
    assert_eq!(life.admissions(Side::Remote).len(), 1);
    life.says(RevokeConnectorIngress {
        peering_id: peering_id(),
        ingress_id: first_ingress(&life),
    });
    life.until("closed", |it| it.ingress.is_empty() && it.is_converged())
        .await;
    assert_eq!(life.admissions(Side::Remote).len(), 0, "closed on command");
    assert_eq!(
        life.admissions(Side::Local).len(),
        1,
        "of the other side nothing was said"
    );
}

async fn what_is_to_be_closed_at_one_side_is_closed_while_the_other_does_not_answer(
    mut life: Life,
) {
    life.converges().await;
    life.says(ingress(&life, None));
    life.converges().await;
    life.world.wire().cut(&life.world.word(Side::Local));
    life.says(RevokeConnectorIngress {
        peering_id: peering_id(),
        ingress_id: first_ingress(&life),
    });
    life.blocks(BlockCause::EndpointUnreachable, Side::Local)
        .await;
    assert_eq!(life.admissions(Side::Remote).len(), 0);
    life.world.wire().is_mended();
    life.converges().await;
}

async fn a_rule_that_may_not_be_made_blocks_its_side_and_is_made_once_that_is_allowed(
    mut life: Life,
) {
    life.world.deny(Side::Local, Change::MakeRule);
    life.blocks(BlockCause::PermissionDenied, Side::Local).await;
    assert_eq!(life.admissions(Side::Local).len(), 0);
    life.world.permit(Side::Local);
    life.converges().await;
    assert_eq!(life.admissions(Side::Local).len(), 1);
    let denied = life.log.events().into_iter().filter(|it| {
        matches!(it, NetworkEvent::ProvisioningBlocked(it) if it.cause == BlockCause::PermissionDenied)
    });
    assert_eq!(denied.count(), 1, "told once");
}

async fn a_strangers_rule_of_the_engines_name_is_left_alone(mut life: Life) {
    let name = cloud::group_name(life.log.peering().id);
    life.world.admit(Side::Local, &name, "192.168.0.0/16", 22);
    life.blocks(BlockCause::Conflict, Side::Local).await;
    assert!(life.world.rules(Side::Local).contains(&name));
    life.world.drop_rule(Side::Local, &name);
    life.converges().await;
    life.removes();
    life.ends_as("removed").await;
    life.is_clean("removed");
}
