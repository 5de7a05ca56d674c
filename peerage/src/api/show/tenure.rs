//! Who answers for a peering and for what it admits, and when that ends.

use super::{firewall::rule, text};
use crate::api::{time::timestamp, v1, words::number};
use domain::network::{Peering, Tenure, TenurePolicy};

pub(super) fn tenure(it: &Tenure) -> Option<v1::Tenure> {
    (!it.is_empty()).then(|| v1::Tenure {
        owner: text(it.owner.as_ref()),
        expires_at: it.expires_at.map(timestamp),
    })
}

pub(super) fn admissions(peering: &Peering) -> Vec<v1::Admission> {
    let each = peering
        .admissions
        .iter()
        .map(|(admitted, it)| v1::Admission {
            rule: Some(rule(admitted)),
            tenure: tenure(it),
        });
    each.collect()
}

pub(super) fn policy(it: &TenurePolicy) -> v1::TenurePolicy {
    v1::TenurePolicy {
        owner_required: it.owner_required,
        longest_peering_seconds: it.longest_peering.unwrap_or_default(),
        longest_admission_seconds: it.longest_admission.unwrap_or_default(),
        at_end: number::<v1::AtEnd>(it.at_end),
    }
}
