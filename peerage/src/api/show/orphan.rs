//! Orphans.

use crate::api::{
    time::timestamp,
    v1::{self, OrphanKind},
};
use domain::network::OrphanThing;
use projections::OrphanView;

pub(in crate::api) fn orphan(view: &OrphanView) -> v1::Orphan {
    let it = &view.orphan;
    let (kind, group, link) = match &it.thing {
        OrphanThing::Link { .. } => (OrphanKind::Link, None, None),
        OrphanThing::FirewallGroup { .. } => (OrphanKind::FirewallGroup, None, None),
        OrphanThing::FirewallRule { group, .. } => (OrphanKind::FirewallRule, Some(group), None),
        OrphanThing::Route { link, .. } => (OrphanKind::Route, None, Some(link)),
        OrphanThing::Denial { .. } => (OrphanKind::Denial, None, None),
    };
    let removal = it.removal.as_ref();
    let failed = removal.and_then(|removal| removal.failed.clone());
    v1::Orphan {
        orphan: view.id.to_string(),
        network_id: view.network_id.to_string(),
        peering_id: it.peering_id.to_string(),
        kind: kind.into(),
        account: it.account.to_string(),
        region: it.region.to_string(),
        cloud_network: it.cloud_network.to_string(),
        group: group.map(ToString::to_string).unwrap_or_default(),
        link: link.map(ToString::to_string).unwrap_or_default(),
        copied: it.is_copy,
        since: Some(timestamp(it.since)),
        removal_requested_at: removal.map(|removal| timestamp(removal.asked_at)),
        removal_failed: failed.unwrap_or_default(),
        cloud: None,
    }
}
