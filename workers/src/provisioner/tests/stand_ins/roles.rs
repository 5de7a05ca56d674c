//! Exactly what is printed for owners to permit, and nothing else: the engine lives on it.

use super::{Life, options::plain, world::is_admission};
use crate::provisioner::testing::{client_rule, peering_id, restrict};
use cloud::instructions::{azure, gcp};
use domain::{
    Provider, Side,
    network::{BlockCause, InboundRule, LinkOption, NetworkEvent, Peering, SetLinkOption},
};

in_every_world!(a_whole_life_takes_nothing_that_the_printed_role_does_not_say);
in_world!(at_azure_at_interfaces, AzureAtInterfaces, Good: interfaces_are_read_with_the_printed_role_alone);

impl Life {
    /// The text of the role that the peer's owner is told to give.
    fn printed_role(&self) -> String {
        let (network, peering) = (self.log.network(), self.log.peering());
        let (all, mark) = match self.provider() {
            Provider::Azure => (azure::for_peer(&network, &peering), "\"Actions\""),
            Provider::Gcp => (gcp::for_peer(&network, &peering), "iam roles create"),
            Provider::Aws => panic!("no stand-in of this suite"),
        };
        let role = all.into_iter().find(|it| it.body.contains(mark));
        role.expect("a role").body
    }
}

async fn a_whole_life_takes_nothing_that_the_printed_role_does_not_say(mut life: Life) {
    let role = life.printed_role();
    life.world.permits_only(&role);
    life.converges().await;
    let set = |life: &Life, side: Side, option: LinkOption, enabled: bool| {
        life.says(SetLinkOption {
            peering_id: peering_id(),
            side,
            option,
            enabled,
        });
    };
    for enabled in [true, false] {
        for side in Side::BOTH {
            let options = plain(&life).iter();
            options.for_each(|it| set(&life, side, *it, enabled));
        }
        life.converges().await;
    }
    let more = InboundRule {
        port: 443,
        ..client_rule()
    };
    life.says(restrict(&[client_rule(), more]));
    life.converges().await;
    a_rule_is_put_back(&mut life).await;
    ends(life).await;
}

async fn interfaces_are_read_with_the_printed_role_alone(mut life: Life) {
    let role = life.printed_role();
    life.world.permits_only(&role);
    life.converges().await;
    ends(life).await;
}

async fn a_rule_is_put_back(life: &mut Life) {
    let ours = life.world.rules(Side::Local).into_iter();
    let ours: Vec<_> = ours.filter(|it| is_admission(it)).collect();
    life.world.drop_rule(Side::Local, &ours[0]);
    life.passes(super::settings().drift_interval);
    let repaired = |it: &Peering| it.is_converged() && !it.repairs.is_empty();
    life.until("the repair", repaired).await;
}

async fn ends(mut life: Life) {
    life.removes();
    life.ends_as("removed").await;
    life.is_clean("removed");
    let is_denied = |it: &&NetworkEvent| {
        matches!(it, NetworkEvent::ProvisioningBlocked(it)
            if it.cause == BlockCause::PermissionDenied)
    };
    let events = life.log.events();
    assert_eq!(events.iter().find(is_denied), None);
}
