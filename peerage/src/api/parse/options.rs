//! Commands about the link's options: name resolution over it.

use super::context::{command, peering};
use crate::api::v1;
use domain::network::SetDnsResolution;

command!(SetDnsResolutionRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let side = fields.word::<v1::Side>("side", request.side);
    let (peering_id, address) = about?;
    let command = SetDnsResolution {
        peering_id,
        side: side?,
        enabled: request.enabled,
    };
    Some((address, command.into()))
});
