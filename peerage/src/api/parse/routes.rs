//! Commands about what a side may send over a link.

use super::context::{command, peering};
use crate::api::v1;
use domain::network::{AcceptRoute, ReplaceRoute, WithdrawRoute};

command!(AcceptRouteRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let side = fields.word::<v1::Side>("side", request.side);
    let destination = fields.take("destination", &request.destination);
    let (peering_id, address) = about?;
    let command = AcceptRoute {
        peering_id,
        side: side?,
        destination: destination?,
    };
    Some((address, command.into()))
});

command!(WithdrawRouteRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let side = fields.word::<v1::Side>("side", request.side);
    let destination = fields.take("destination", &request.destination);
    let (peering_id, address) = about?;
    let command = WithdrawRoute {
        peering_id,
        side: side?,
        destination: destination?,
    };
    Some((address, command.into()))
});

command!(ReplaceRouteRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let side = fields.word::<v1::Side>("side", request.side);
    let from = fields.take("from", &request.from);
    let to = fields.take("to", &request.to);
    let (peering_id, address) = about?;
    let command = ReplaceRoute {
        peering_id,
        side: side?,
        from: from?,
        to: to?,
    };
    Some((address, command.into()))
});
