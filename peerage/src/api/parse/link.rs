//! Commands that begin or end a peering.

use super::{
    Fields,
    context::{command, network, peering},
    firewall::inbound_rules,
    options::options,
    tenure::tenure,
};
use crate::api::v1;
use domain::{
    Range,
    network::{AbandonPeering, AdoptPeering, Peer, RemovePeering, RequestPeering, Setup, Terms},
};

command!(RequestPeeringRequest, fields, request => {
    let address = network(fields, &request.network_id);
    let command = request_spec(fields, "peering", request.peering.as_ref());
    Some((address?, command?.into()))
});

command!(AdoptPeeringRequest, fields, request => {
    let address = network(fields, &request.network_id);
    let command = adoption_spec(fields, "adoption", request.adoption.as_ref());
    Some((address?, command?.into()))
});

command!(RemovePeeringRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let reason = fields.reason(&request.reason, request.context.as_ref());
    let (peering_id, address) = about?;
    Some((address, RemovePeering { peering_id, reason: reason? }.into()))
});

command!(AbandonPeeringRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let reason = fields.reason(&request.reason, request.context.as_ref());
    let clean = fields.optional_word::<v1::Side>("clean", request.clean);
    let (peering_id, address) = about?;
    Some((address, AbandonPeering { peering_id, reason: reason?, clean: clean? }.into()))
});

pub(super) fn request_spec(
    fields: &mut Fields,
    field: &str,
    spec: Option<&v1::PeeringSpec>,
) -> Option<RequestPeering> {
    let Some(spec) = spec else {
        return fields.wrong(field, "is missing: say what is requested");
    };
    let peer = parse_peer(fields, &format!("{field}.peer"), spec.peer.as_ref());
    let consent = fields.word_or_usual::<v1::Consent>(&format!("{field}.consent"), spec.consent);
    let deadline = fields.time(&format!("{field}.deadline"), spec.deadline.as_ref());
    let accept_open = fields.optional(&format!("{field}.accept_open"), &spec.accept_open);
    let routes = parse_routes(fields, &format!("{field}.routes"), &spec.routes);
    let admit = inbound_rules(fields, &format!("{field}.admit"), &spec.admit);
    let dns = fields
        .bounded(&format!("{field}.dns_resolution"), &spec.dns_resolution)
        .and_then(|()| {
            let sides: Vec<_> = spec
                .dns_resolution
                .iter()
                .enumerate()
                .map(|(index, side)| {
                    fields.word::<v1::Side>(format!("{field}.dns_resolution[{index}]"), *side)
                })
                .collect();
            sides.into_iter().collect::<Option<_>>()
        });
    let options = options(fields, &format!("{field}.options"), &spec.options);
    let admission = tenure(
        fields,
        &format!("{field}.admission"),
        spec.admission.as_ref(),
    );
    let tenure = tenure(fields, &format!("{field}.tenure"), spec.tenure.as_ref());
    Some(RequestPeering {
        peer: peer?,
        terms: Terms {
            consent: consent?,
            deadline: deadline?,
            renew: spec.renew,
            accept_open: accept_open?,
        },
        setup: Setup {
            routes: routes?,
            admit: admit?,
            dns_resolution: dns?,
            options: options?,
            tenure: tenure?,
            admission: admission?,
        },
    })
}

fn parse_routes(
    fields: &mut Fields,
    field: &str,
    routes: &[v1::RouteSpec],
) -> Option<Vec<domain::network::SetupRoute>> {
    fields.bounded(field, routes)?;
    let parsed: Vec<_> = routes
        .iter()
        .enumerate()
        .map(|(index, route)| {
            let side = fields.word::<v1::Side>(format!("{field}[{index}].side"), route.side);
            let destination =
                fields.take(format!("{field}[{index}].destination"), &route.destination);
            Some(domain::network::SetupRoute {
                side: side?,
                destination: destination?,
            })
        })
        .collect();
    parsed.into_iter().collect()
}

pub(super) fn adoption_spec(
    fields: &mut Fields,
    field: &str,
    spec: Option<&v1::AdoptionSpec>,
) -> Option<AdoptPeering> {
    let Some(spec) = spec else {
        return fields.wrong(field, "is missing: say what is adopted");
    };
    let peer = parse_peer(fields, &format!("{field}.peer"), spec.peer.as_ref());
    let link = fields.take(format!("{field}.link"), &spec.link);
    let consent = fields.word_or_usual::<v1::Consent>(&format!("{field}.consent"), spec.consent);
    let tenure = tenure(fields, &format!("{field}.tenure"), spec.tenure.as_ref());
    Some(AdoptPeering {
        peer: peer?,
        link: link?,
        consent: consent?,
        tenure: tenure?,
    })
}

fn parse_peer(fields: &mut Fields, field: &str, peer: Option<&v1::Peer>) -> Option<Peer> {
    let Some(peer) = peer else {
        return fields.wrong(field, "is missing: name the network on the other end");
    };
    let provider = fields.word::<v1::Provider>(format!("{field}.provider"), peer.provider);
    let account = fields.take(format!("{field}.account"), &peer.account);
    let region = fields.region(&format!("{field}.region"), provider, &peer.region);
    let cloud_network = fields.take(format!("{field}.cloud_network"), &peer.cloud_network);
    let ranges = fields.each::<Range>(&format!("{field}.ranges"), &peer.ranges);
    let subnets = fields.each(&format!("{field}.subnets"), &peer.subnets);
    Some(Peer {
        provider: provider?,
        account: account?,
        region: region?,
        cloud_network: cloud_network?,
        ranges: ranges?,
        subnets: subnets?,
    })
}
