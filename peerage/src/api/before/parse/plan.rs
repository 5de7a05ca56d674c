//! What a plan is asked for.

use super::{
    Fields,
    peerings::{parse_consent, parse_peer, parse_terms},
};
use crate::api::v0 as v1;
use domain::{
    NetworkId, PeeringId,
    network::{AdoptPeering, RequestPeering},
};
use tonic::Status;

/// The peering that a plan is for.
#[derive(Debug)]
pub(in crate::api) enum Planned {
    OnRecord(PeeringId),
    Request(NetworkId, RequestPeering),
    Adoption(NetworkId, AdoptPeering),
}

pub(in crate::api) fn plan_peering(request: &v1::PlanPeeringRequest) -> Result<Planned, Status> {
    let mut fields = Fields::default();
    let planned = if request.peering_id.is_empty() {
        not_on_record(&mut fields, request)
    } else {
        on_record(&mut fields, request)
    };
    fields.finish(planned)
}

fn on_record(fields: &mut Fields, request: &v1::PlanPeeringRequest) -> Option<Planned> {
    if !request.network_id.is_empty() || request.peer.is_some() || !request.link.is_empty() {
        return fields.wrong(
            "peering_id",
            "stands alone: name a peering on record, or describe one that is not",
        );
    }
    fields
        .id("peering_id", &request.peering_id)
        .map(Planned::OnRecord)
}

fn not_on_record(fields: &mut Fields, request: &v1::PlanPeeringRequest) -> Option<Planned> {
    let network_id = fields.id("network_id", &request.network_id);
    let peer = parse_peer(fields, request.peer.as_ref());
    if request.link.is_empty() {
        let terms = parse_terms(fields, &request.consent, &request.deadline, request.renew);
        return Some(Planned::Request(
            network_id?,
            RequestPeering {
                peer: peer?,
                terms: terms?,
                setup: domain::network::Setup::default(),
            },
        ));
    }
    let (link, consent) = (
        fields.take("link", &request.link),
        parse_consent(fields, &request.consent),
    );
    Some(Planned::Adoption(
        network_id?,
        AdoptPeering {
            peer: peer?,
            link: link?,
            consent: consent?,
        },
    ))
}
