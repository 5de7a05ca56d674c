//! Commands about connector ingress: target ports that are open to the private network.

use super::context::{command, peering};
use domain::network::{AllowConnectorIngress, RevokeConnectorIngress};

command!(AllowConnectorIngressRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let target = fields.take("target", &request.target);
    let port = fields.port("port", request.port);
    let reason = fields.reason(&request.reason, request.context.as_ref());
    let expires_at = fields.time("expires_at", request.expires_at.as_ref());
    let (peering_id, address) = about?;
    let command = AllowConnectorIngress {
        peering_id,
        target: target?,
        port: port?,
        reason: reason?,
        expires_at: expires_at?,
    };
    Some((address, command.into()))
});

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
