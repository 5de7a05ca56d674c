//! Commands about what a side admits from a link.

use super::{
    Fields,
    context::{command, peering},
    tenure::tenure,
};
use crate::api::v1::{self, attach_to::To};
use domain::network::{
    AttachFirewall, AttachTo, DenyWithLists, DetachFirewall, InboundRule, RestrictFirewall,
    StopDenying,
};

command!(RestrictFirewallRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let side = fields.word::<v1::Side>("side", request.side);
    let admit = inbound_rules(fields, "admit", &request.admit);
    let tenure = tenure(fields, "tenure", request.tenure.as_ref());
    let (peering_id, address) = about?;
    let command = RestrictFirewall {
        peering_id,
        side: side?,
        admit: admit?,
 tenure: tenure?,
};
    Some((address, command.into()))
});

command!(AttachFirewallRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let side = fields.word::<v1::Side>("side", request.side);
    let to = attach_to(fields, request.to.as_ref());
    let (peering_id, address) = about?;
    let command = AttachFirewall {
        peering_id,
        side: side?,
        to: to?,
    };
    Some((address, command.into()))
});

command!(DetachFirewallRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let side = fields.word::<v1::Side>("side", request.side);
    let (peering_id, address) = about?;
    let command = DetachFirewall {
        peering_id,
        side: side?,
    };
    Some((address, command.into()))
});

command!(DenyWithListsRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let side = fields.word::<v1::Side>("side", request.side);
    let subnets = fields.each("subnets", &request.subnets);
    let (peering_id, address) = about?;
    let command = DenyWithLists {
        peering_id,
        side: side?,
        subnets: subnets?.into_iter().collect(),
    };
    Some((address, command.into()))
});

command!(StopDenyingRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let side = fields.word::<v1::Side>("side", request.side);
    let (peering_id, address) = about?;
    let command = StopDenying {
        peering_id,
        side: side?,
    };
    Some((address, command.into()))
});

fn attach_to(fields: &mut Fields, to: Option<&v1::AttachTo>) -> Option<AttachTo> {
    match to.and_then(|it| it.to.as_ref()) {
        Some(To::Interfaces(it)) => {
            let interfaces = fields.each("to.interfaces.ids", &it.ids)?;
            Some(AttachTo::Interfaces {
                interfaces: interfaces.into_iter().collect(),
            })
        }
        Some(To::Tag(it)) => {
            let key = fields.take("to.tag.key", &it.key);
            let value = fields.take("to.tag.value", &it.value);
            Some(AttachTo::Tag {
                key: key?,
                value: value?,
                followed: it.followed,
            })
        }
        None => fields.wrong(
            "to",
            "is missing: name interfaces, or a tag that they carry",
        ),
    }
}

pub(super) fn inbound_rules(
    fields: &mut Fields,
    field: &str,
    rules: &[v1::InboundRule],
) -> Option<Vec<InboundRule>> {
    fields.bounded(field, rules)?;
    let parsed: Vec<_> = rules
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            let source = fields.take(format!("{field}[{index}].source"), &rule.source);
            let port = fields.port(format!("{field}[{index}].port"), rule.port);
            if !rule.target.is_empty() {
                let field = format!("{field}[{index}].target");
                return fields.wrong(field, "is told in answers, and not asked for");
            }
            Some(InboundRule {
                source: source?,
                port: port?,
                target: None,
            })
        })
        .collect();
    parsed.into_iter().collect()
}
