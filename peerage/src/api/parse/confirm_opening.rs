//! The command that says what a review found.

use super::{
    context::{command, peering},
    firewall::inbound_rules,
};
use crate::api::v1::confirm_opening_request::Opening as Asked;
use domain::network::{ConfirmOpening, Reviewed};

command!(ConfirmOpeningRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let opening = match &request.opening {
        None => Some(Reviewed::Peering),
        Some(Asked::Rule(rule)) => inbound_rules(fields, "rule", std::slice::from_ref(rule))
            .and_then(|it| it.first().copied())
            .map(|rule| Reviewed::Admission { rule }),
        Some(Asked::IngressId(id)) => fields
            .id("ingress_id", id)
            .map(|ingress_id| Reviewed::Ingress { ingress_id }),
    };
    let (peering_id, address) = about?;
    let command = ConfirmOpening {
        peering_id,
        opening: opening?,
    };
    Some((address, command.into()))
});
