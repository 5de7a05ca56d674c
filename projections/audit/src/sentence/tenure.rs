//! Owners and ends.

use super::words::{rules, until};
use domain::network::{
    AdmissionExpired, AtEnd, OpeningConfirmed, PeeringTenureEnded, PeeringTenureSet, Reviewed,
    Tenure,
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
