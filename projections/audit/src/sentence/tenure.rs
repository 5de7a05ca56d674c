//! Owners and ends.

use super::words::{ingress, rules, side, until};
use crate::Unsaid;
use domain::network::{
    AdmissionExpired, AtEnd, IngressEnd, NetworkEvent, OpeningConfirmed, PeeringTenureEnded,
    PeeringTenureSet, Reviewed, Tenure,
};

/// Of whom something is, and until when.
pub(super) fn told(it: &Tenure) -> String {
    let owner = it.owner.as_ref().map(|it| format!(" of {it}"));
    let end = it.expires_at.map(|it| format!(" until {}", until(it)));
    format!("{}{}", owner.unwrap_or_default(), end.unwrap_or_default())
}

pub(super) fn set(it: &PeeringTenureSet) -> String {
    let of = match it.rule {
        None => "the peering".to_owned(),
        Some(rule) => rules(&[rule]),
    };
    let said = told(&it.tenure);
    if said.is_empty() {
        format!("declared {of} of nobody, and without an end")
    } else {
        format!("declared {of}{said}")
    }
}

pub(super) fn ended(it: &PeeringTenureEnded) -> String {
    let then = match it.at_end {
        AtEnd::Remove => "it is removed",
        AtEnd::Report => "it stays, as the policy says",
    };
    let end = until(it.expires_at);
    format!("the end of the peering, {end}, has come: {then}")
}

pub(super) fn confirmed(it: &OpeningConfirmed) -> String {
    let of = match it.opening {
        Reviewed::Peering => "the peering".to_owned(),
        Reviewed::Admission { rule } => rules(&[rule]),
        Reviewed::Ingress { ingress_id } => format!("connector ingress {ingress_id}"),
    };
    format!("confirmed that {of} is still needed")
}

pub(super) fn admission_expired(it: &AdmissionExpired) -> String {
    let (rule, end) = (rules(&[it.rule]), until(it.expires_at));
    format!("no longer admits {rule}: its end, {end}, has come")
}

/// What the event says, with what it takes away; `None` where that adds nothing.
pub(super) fn with(event: &NetworkEvent, unsaid: &Unsaid) -> Option<String> {
    let of = unsaid.target.map(|it| ingress(it, unsaid.rules.iter()));
    if let NetworkEvent::ConnectorIngressRevoked(it) = event {
        let how = match it.because {
            IngressEnd::Revoked => "it was revoked",
            IngressEnd::Expired => "its end has come",
        };
        Some(format!("closed {}: {how}", of?))
    } else if let NetworkEvent::OpeningConfirmed(it) = event
        && let Reviewed::Ingress { .. } = it.opening
    {
        Some(format!("confirmed that {} is still needed", of?))
    } else if let NetworkEvent::FirewallRestricted(it) = event {
        let (on, gone) = (side(it.side), rules(&unsaid.rules));
        Some(if it.admit.is_empty() {
            format!("closed {on}: nothing is admitted, no longer {gone}")
        } else {
            let (said, left) = (told(&it.tenure), rules(&it.admit));
            format!("restricted {on} to {left}{said}; no longer {gone}")
        })
    } else {
        None
    }
}
