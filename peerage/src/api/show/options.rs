//! Options of the link: name resolution over it.

use crate::api::{v1, words::number};
use domain::network::Peering;

/// Both sides, where anything was ever requested or seen.
pub(super) fn dns(peering: &Peering) -> Vec<v1::DnsResolution> {
    peering
        .dns
        .iter()
        .filter(|(_, it)| it.wanted || it.applied || it.changed_at.is_some())
        .map(|(side, it)| v1::DnsResolution {
            side: number::<v1::Side>(side),
            requested: it.wanted,
            enabled: it.applied,
        })
        .collect()
}
