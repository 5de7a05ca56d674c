//! What a connector ingress opens beside its target.

use super::{Advisory, INGRESS_NOT_AIMED, advisory};
use crate::{
    network::{Peering, Registered},
    place::Aim,
};

/// What who opens or closes an ingress should know, where rules are not aimed at a target.
pub fn ingress_not_aimed(network: &Registered, peering: &Peering) -> Option<Advisory> {
    match network.provider.firewall().aim {
        Aim::Attachment => {}
        Aim::Addresses => return None,
    }
    let open: Vec<_> = peering
        .ingress
        .values()
        .flat_map(|it| {
            let rules = it.rules();
            rules.map(move |rule| {
                format!(
                    "TCP {} from {} (meant for {})",
                    rule.port, rule.source, it.target
                )
            })
        })
        .collect();
    if open.is_empty() {
        return None;
    }
    let group = match &peering.firewall.remote.group {
        Some(group) => group.to_string(),
        None => "the engine's group on the peer's side".to_owned(),
    };
    let tied: Vec<_> = peering
        .ingress
        .iter()
        .filter(|(id, _)| !peering.kept_open_by(**id).is_empty())
        .map(|(id, it)| format!("{id} ({}:{})", it.target, it.rule.port))
        .collect();
    let tied = match tied.as_slice() {
        [] => String::new(),
        some => format!(
            ". Rules of these admit the same, and closing one of them leaves that open: {}",
            some.join(", ")
        ),
    };
    Some(advisory(
        INGRESS_NOT_AIMED,
        format!(
            "a rule of a security group is not aimed at a target: {} is open on whatever carries {group}; attach it to those targets \
             alone{tied}",
            open.join(", ")
        ),
    ))
}
