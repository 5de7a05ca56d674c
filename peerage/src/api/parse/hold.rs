//! Commands that freeze networks and put peerings in quarantine, in one network or in all.

use super::{
    Fields,
    context::{command, networks},
};
use crate::api::v1::{self, quarantine_scope::Scope};
use domain::network::{
    FreezeNetwork, ImposeQuarantine, LiftQuarantine, QuarantineScope, ThawNetwork,
};

command!(FreezeNetworksRequest, fields, request => {
    let address = networks(fields, &request.network_id, request.all_networks, request.context.as_ref());
    let reason = fields.reason(&request.reason, request.context.as_ref());
    Some((address?, FreezeNetwork { reason: reason?, everywhere: request.all_networks }.into()))
});

command!(ThawNetworksRequest, fields, request => {
    let address = networks(fields, &request.network_id, request.all_networks, request.context.as_ref());
    Some((address?, ThawNetwork { reason: None }.into()))
});

command!(ImposeQuarantineRequest, fields, request => {
    let address = networks(fields, &request.network_id, request.all_networks, request.context.as_ref());
    let scope = scope(fields, request.scope.as_ref());
    let reason = fields.reason(&request.reason, request.context.as_ref());
    Some((address?, ImposeQuarantine { scope: scope?, reason: reason?, everywhere: request.all_networks }.into()))
});

command!(LiftQuarantineRequest, fields, request => {
    let address = networks(fields, &request.network_id, request.all_networks, request.context.as_ref());
    let scope = scope(fields, request.scope.as_ref());
    Some((address?, LiftQuarantine { scope: scope?, reason: None }.into()))
});

fn scope(fields: &mut Fields, scope: Option<&v1::QuarantineScope>) -> Option<QuarantineScope> {
    match scope.and_then(|it| it.scope.as_ref()) {
        None => fields.wrong("scope", "is missing: say which peerings are meant"),
        Some(Scope::Everything(_)) => Some(QuarantineScope::Everything),
        Some(Scope::PeerAccount(account)) => {
            let account = fields.take("scope.peer_account", account)?;
            Some(QuarantineScope::PeerAccount { account })
        }
        Some(Scope::PeerNetwork(cloud_network)) => {
            let cloud_network = fields.take("scope.peer_network", cloud_network)?;
            Some(QuarantineScope::PeerNetwork { cloud_network })
        }
    }
}
