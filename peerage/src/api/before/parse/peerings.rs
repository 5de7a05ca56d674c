//! Commands that begin or end a peering, or change it as a whole.

use super::{Addressed, Envelope, Fields};
use crate::api::v0 as v1;
use domain::{
    Provider, Range,
    network::{
        AbandonPeering, AdoptPeering, Consent, Peer, RemovePeering, RequestPeering,
        SetDnsResolution, Terms,
    },
};
use tonic::Status;

pub(in crate::api) fn request_peering(
    request: &v1::RequestPeeringRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let envelope = Envelope::of(
        &mut fields,
        request.context.as_ref(),
        &request.network_id,
        traceparent,
    );
    let peer = parse_peer(&mut fields, request.peer.as_ref());
    let terms = parse_terms(
        &mut fields,
        &request.consent,
        &request.deadline,
        request.renew,
    );
    let parsed = (|| {
        Some(envelope?.with(RequestPeering {
            peer: peer?,
            terms: terms?,
            setup: domain::network::Setup::default(),
        }))
    })();
    fields.finish(parsed)
}

pub(in crate::api) fn adopt_peering(
    request: &v1::AdoptPeeringRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let envelope = Envelope::of(
        &mut fields,
        request.context.as_ref(),
        &request.network_id,
        traceparent,
    );
    let peer = parse_peer(&mut fields, request.peer.as_ref());
    let link = fields.take("link", &request.link);
    let consent = parse_consent(&mut fields, &request.consent);
    let parsed = (|| {
        Some(envelope?.with(AdoptPeering {
            peer: peer?,
            link: link?,
            consent: consent?,
        }))
    })();
    fields.finish(parsed)
}

pub(super) fn parse_peer(fields: &mut Fields, peer: Option<&v1::Peer>) -> Option<Peer> {
    let Some(peer) = peer else {
        return fields.wrong("peer", "is missing: name the network on the other end");
    };
    let provider = fields.take::<Provider>("peer.provider", &peer.provider);
    let account = fields.take("peer.account", &peer.account);
    let region = fields.region("peer.region", provider, &peer.region);
    let cloud_network = fields.take("peer.cloud_network", &peer.cloud_network);
    let ranges = fields.each::<Range>("peer.ranges", &peer.ranges);
    let subnets = fields.each("peer.subnets", &peer.subnets);
    Some(Peer {
        provider: provider?,
        account: account?,
        region: region?,
        cloud_network: cloud_network?,
        ranges: ranges?,
        subnets: subnets?,
    })
}

pub(super) fn parse_consent(fields: &mut Fields, consent: &str) -> Option<Consent> {
    fields.word_or_usual("consent", consent, &Consent::ALL, Consent::as_str)
}

pub(super) fn parse_terms(
    fields: &mut Fields,
    consent: &str,
    deadline: &str,
    renew: bool,
) -> Option<Terms> {
    let consent = parse_consent(fields, consent);
    let deadline = fields.time("deadline", deadline);
    Some(Terms {
        consent: consent?,
        deadline: deadline?,
        renew,
    })
}

pub(in crate::api) fn remove_peering(
    request: &v1::RemovePeeringRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let envelope = Envelope::of(
        &mut fields,
        request.context.as_ref(),
        &request.network_id,
        traceparent,
    );
    let (peering_id, reason) = (
        fields.id("peering_id", &request.peering_id),
        fields.take("reason", &request.reason),
    );
    let parsed = (|| {
        Some(envelope?.with(RemovePeering {
            peering_id: peering_id?,
            reason: reason?,
        }))
    })();
    fields.finish(parsed)
}

pub(in crate::api) fn abandon_peering(
    request: &v1::AbandonPeeringRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let envelope = Envelope::of(
        &mut fields,
        request.context.as_ref(),
        &request.network_id,
        traceparent,
    );
    let (peering_id, reason) = (
        fields.id("peering_id", &request.peering_id),
        fields.take("reason", &request.reason),
    );
    let parsed = (|| {
        Some(envelope?.with(AbandonPeering {
            peering_id: peering_id?,
            reason: reason?,
        }))
    })();
    fields.finish(parsed)
}

pub(in crate::api) fn set_dns_resolution(
    request: &v1::SetDnsResolutionRequest,
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
    let enabled = request.enabled;
    let parsed = (|| {
        Some(envelope?.with(SetDnsResolution {
            peering_id: peering_id?,
            side: side?,
            enabled,
        }))
    })();
    fields.finish(parsed)
}
