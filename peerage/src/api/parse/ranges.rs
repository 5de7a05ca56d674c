//! Commands about the ranges and subnets of the two ends.

use super::{
    Fields,
    context::{command, network, peering},
};
use crate::api::v1::{self, subnet_change::Change};
use domain::{
    Range,
    network::{
        AddPeerRanges, ChangeNetworkSubnets, ChangePeerSubnets, DropPeerRanges,
        SetNetworkIpv6Ranges, SetNetworkNodes, SubnetChange,
    },
};

command!(AddPeerRangesRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let ranges = some(fields, &request.ranges);
    let (peering_id, address) = about?;
    Some((address, AddPeerRanges { peering_id, ranges: ranges? }.into()))
});

command!(DropPeerRangesRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let ranges = some(fields, &request.ranges);
    let (peering_id, address) = about?;
    Some((address, DropPeerRanges { peering_id, ranges: ranges? }.into()))
});

command!(ChangePeerSubnetsRequest, fields, request => {
    let about = peering(fields, &request.peering_id, &request.network_id);
    let change = change(fields, request.change.as_ref());
    let (peering_id, address) = about?;
    Some((address, ChangePeerSubnets { peering_id, change: change? }.into()))
});

command!(ChangeNetworkSubnetsRequest, fields, request => {
    let address = network(fields, &request.network_id);
    let change = change(fields, request.change.as_ref());
    Some((address?, ChangeNetworkSubnets { change: change? }.into()))
});

command!(SetNetworkNodesRequest, fields, request => {
    let address = network(fields, &request.network_id);
    let nodes = fields.each("nodes", &request.nodes);
    Some((address?, SetNetworkNodes { nodes: nodes? }.into()))
});

command!(SetNetworkIpv6RangesRequest, fields, request => {
    let address = network(fields, &request.network_id);
    let ranges = fields.each("ipv6_ranges", &request.ipv6_ranges);
    Some((address?, SetNetworkIpv6Ranges { ranges: ranges? }.into()))
});

fn some(fields: &mut Fields, ranges: &[String]) -> Option<Vec<Range>> {
    if ranges.is_empty() {
        return fields.wrong(
            "ranges",
            "are missing: name at least one, like 10.40.0.0/16",
        );
    }
    fields.each("ranges", ranges)
}

fn change(fields: &mut Fields, change: Option<&v1::SubnetChange>) -> Option<SubnetChange> {
    let Some(change) = change.and_then(|it| it.change.as_ref()) else {
        return fields.wrong(
            "change",
            "is missing: say which subnets to add, drop or set",
        );
    };
    match change {
        Change::Add(list) => {
            let subnets = fields.each("change.add.subnets", &list.subnets)?;
            Some(SubnetChange::Add { subnets })
        }
        Change::Drop(list) => {
            let subnets = fields.each("change.drop.subnets", &list.subnets)?;
            Some(SubnetChange::Drop { subnets })
        }
        Change::Set(list) => {
            let subnets = fields.each("change.set.subnets", &list.subnets)?;
            Some(SubnetChange::Set { subnets })
        }
    }
}
