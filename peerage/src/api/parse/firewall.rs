//! Commands about what a side admits from a link.

use super::{
    Fields,
    context::{command, peering},
};
use crate::api::v1;
use domain::network::{InboundRule, RestrictFirewall};

command!(RestrictFirewallRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let side = fields.word::<v1::Side>("side", request.side);
    let admit = inbound_rules(fields, "admit", &request.admit);
    let (peering_id, address) = about?;
    let command = RestrictFirewall {
        peering_id,
        side: side?,
        admit: admit?,
    };
    Some((address, command.into()))
});

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
            Some(InboundRule {
                source: source?,
                port: port?,
            })
        })
        .collect();
    parsed.into_iter().collect()
}
