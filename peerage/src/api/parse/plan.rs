//! What a plan is asked for.

use super::{
    Fields,
    link::{adoption_spec, request_spec},
};
use crate::api::{
    problem::Problem,
    v1::{self, plan_peering_request::Subject},
};
use domain::{
    NetworkId, PeeringId, Places,
    network::{AdoptPeering, RequestPeering},
};
use journal::Position;

/// The peering that a plan is for.
#[derive(Debug)]
pub(in crate::api) enum Planned {
    OnRecord(PeeringId),
    Request(NetworkId, RequestPeering),
    Adoption(NetworkId, AdoptPeering),
}

pub(in crate::api) fn plan_peering(
    request: &v1::PlanPeeringRequest,
    places: &Places,
) -> Result<(Planned, Option<Position>), Problem> {
    let mut fields = Fields::knowing(places);
    let min_position = fields.optional("min_position", &request.min_position);
    let planned = match &request.subject {
        None => fields.wrong(
            "subject",
            "is missing: name a peering on record, or describe a request or an adoption",
        ),
        Some(Subject::PeeringId(id)) => fields.id("peering_id", id).map(Planned::OnRecord),
        Some(Subject::Request(it)) => request_of(&mut fields, it),
        Some(Subject::Adoption(it)) => adoption_of(&mut fields, it),
    };
    let parsed = (|| Some((planned?, min_position?)))();
    fields.finish(parsed)
}

pub(in crate::api) fn discover_links(
    request: &v1::DiscoverLinksRequest,
) -> Result<(NetworkId, Option<Position>), Problem> {
    let mut fields = Fields::default();
    let network = fields.id("network_id", &request.network_id);
    let min_position = fields.optional("min_position", &request.min_position);
    let parsed = (|| Some((network?, min_position?)))();
    fields.finish(parsed)
}

fn request_of(fields: &mut Fields, request: &v1::PlanRequest) -> Option<Planned> {
    let network = fields.id("request.network_id", &request.network_id);
    let spec = request_spec(fields, "request.peering", request.peering.as_ref());
    Some(Planned::Request(network?, spec?))
}

fn adoption_of(fields: &mut Fields, request: &v1::PlanAdoption) -> Option<Planned> {
    let network = fields.id("adoption.network_id", &request.network_id);
    let spec = adoption_spec(fields, "adoption.adoption", request.adoption.as_ref());
    Some(Planned::Adoption(network?, spec?))
}
