//! Commands about what a side may send over a link.

use super::{Addressed, Envelope, Fields};
use crate::api::v0 as v1;
use domain::network::{AcceptRoute, ReplaceRoute, WithdrawRoute};
use tonic::Status;

pub(in crate::api) fn accept_route(
    request: &v1::AcceptRouteRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let envelope = Envelope::of(
        &mut fields,
        request.context.as_ref(),
        &request.network_id,
        traceparent,
    );
    let (peering_id, side) = (
        fields.id("peering_id", &request.peering_id),
        fields.take("side", &request.side),
    );
    let destination = fields.take("destination", &request.destination);
    let parsed = (|| {
        Some(envelope?.with(AcceptRoute {
            peering_id: peering_id?,
            side: side?,
            destination: destination?,
        }))
    })();
    fields.finish(parsed)
}

pub(in crate::api) fn withdraw_route(
    request: &v1::WithdrawRouteRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let envelope = Envelope::of(
        &mut fields,
        request.context.as_ref(),
        &request.network_id,
        traceparent,
    );
    let (peering_id, side) = (
        fields.id("peering_id", &request.peering_id),
        fields.take("side", &request.side),
    );
    let destination = fields.take("destination", &request.destination);
    let parsed = (|| {
        Some(envelope?.with(WithdrawRoute {
            peering_id: peering_id?,
            side: side?,
            destination: destination?,
        }))
    })();
    fields.finish(parsed)
}

pub(in crate::api) fn replace_route(
    request: &v1::ReplaceRouteRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let envelope = Envelope::of(
        &mut fields,
        request.context.as_ref(),
        &request.network_id,
        traceparent,
    );
    let (peering_id, side) = (
        fields.id("peering_id", &request.peering_id),
        fields.take("side", &request.side),
    );
    let (from, to) = (
        fields.take("from", &request.from),
        fields.take("to", &request.to),
    );
    let parsed = (|| {
        Some(envelope?.with(ReplaceRoute {
            peering_id: peering_id?,
            side: side?,
            from: from?,
            to: to?,
        }))
    })();
    fields.finish(parsed)
}
