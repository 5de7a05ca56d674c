//! Commands about connector ingress: target ports that are open to the private network.

use super::{
    Fields,
    context::{command, peering},
};
use crate::api::v1;
use domain::network::{AllowConnectorIngress, IngressSource, RevokeConnectorIngress};

command!(AllowConnectorIngressRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let target = fields.take("target", &request.target);
    let port = fields.port("port", request.port);
    let reason = fields.reason(&request.reason, request.context.as_ref());
    let expires_at = fields.time("expires_at", request.expires_at.as_ref());
    let from = source(fields, request);
    let (peering_id, address) = about?;
    let command = AllowConnectorIngress {
        peering_id,
        target: target?,
        port: port?,
        reason: reason?,
        expires_at: expires_at?,
        from: from?,
        no_expiry: request.no_expiry,
    };
    Some((address, command.into()))
});

/// From where it is open. A request that names nothing means the nodes, and keeps the form, and so
/// the digest, that it had before there was a choice.
fn source(
    fields: &mut Fields,
    request: &v1::AllowConnectorIngressRequest,
) -> Option<Option<IngressSource>> {
    let ranges = fields.each("from", &request.from);
    match (request.from_nodes, request.from.is_empty()) {
        (false, true) => Some(None),
        (true, true) => Some(Some(IngressSource::Nodes)),
        (false, false) => Some(Some(IngressSource::Ranges(ranges?))),
        (true, false) => fields.wrong("from", "is named together with from_nodes"),
    }
}

command!(RevokeConnectorIngressRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let ingress_id = fields.id("ingress_id", &request.ingress_id);
    let (peering_id, address) = about?;
    let command = RevokeConnectorIngress {
        peering_id,
        ingress_id: ingress_id?,
    };
    Some((address, command.into()))
});
