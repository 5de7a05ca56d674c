//! What is held: a freeze, quarantines, and routes that an exposure suspends.

use super::texts;
use crate::api::{
    time::timestamp,
    v1::{self, quarantine_scope::Scope},
    words::number,
};
use domain::network::{Hold, Peering, QuarantineScope};

pub(super) fn hold(it: &Hold) -> v1::Hold {
    v1::Hold {
        since: Some(timestamp(it.since)),
        reason: it.reason.to_string(),
        everywhere: it.everywhere,
    }
}

pub(super) fn quarantine((scope, it): (&QuarantineScope, &Hold)) -> v1::Quarantine {
    let scope = match scope {
        QuarantineScope::Everything => Scope::Everything(v1::Everything {}),
        QuarantineScope::PeerAccount { account } => Scope::PeerAccount(account.to_string()),
        QuarantineScope::PeerNetwork { cloud_network } => {
            Scope::PeerNetwork(cloud_network.to_string())
        }
    };
    v1::Quarantine {
        scope: Some(v1::QuarantineScope { scope: Some(scope) }),
        hold: Some(hold(it)),
    }
}

pub(super) fn suspended_routes(it: &Peering) -> Vec<v1::SuspendedRoutes> {
    let sides = it.suspended.iter();
    let suspended = sides.filter_map(|(side, it)| Some((side, it.as_ref()?)));
    suspended
        .map(|(side, it)| v1::SuspendedRoutes {
            side: number::<v1::Side>(side),
            since: Some(timestamp(it.since)),
            rule_ids: texts(&it.exposures),
        })
        .collect()
}
