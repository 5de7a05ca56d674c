//! Commands about the link's options.

use super::{
    Fields,
    context::{command, peering},
};
use crate::api::v1;
use domain::network::{SetDnsResolution, SetLinkOption, SetupOption};
use std::collections::BTreeSet;

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

command!(SetLinkOptionRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let side = fields.word::<v1::Side>("side", request.side);
    let option = fields.word::<v1::LinkOption>("option", request.option);
    let (peering_id, address) = about?;
    let command = SetLinkOption {
        peering_id,
        side: side?,
        option: option?,
        enabled: request.enabled,
    };
    Some((address, command.into()))
});

/// The options that a request brings along.
pub(super) fn options(
    fields: &mut Fields,
    field: &str,
    options: &[v1::LinkOptionSpec],
) -> Option<BTreeSet<SetupOption>> {
    fields.bounded(field, options)?;
    let parsed: Vec<_> = options
        .iter()
        .enumerate()
        .map(|(index, it)| {
            let side = fields.word::<v1::Side>(format!("{field}[{index}].side"), it.side);
            let option =
                fields.word::<v1::LinkOption>(format!("{field}[{index}].option"), it.option);
            Some(SetupOption {
                side: side?,
                option: option?,
            })
        })
        .collect();
    parsed.into_iter().collect()
}
