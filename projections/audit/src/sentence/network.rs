//! What is said of a private network as it is at its cloud.

use super::words::{list, ranges};
use domain::network::{NetworkIpv6RangesSet, NetworkNodesSet, NetworkRegistered};

pub(super) fn registered(it: &NetworkRegistered) -> String {
    let ipv6 = match it.ipv6_ranges.as_slice() {
        [] => {
            return format!(
                "registered network {}/{} with {} ({} {} in {})",
                it.project, it.name, it.range, it.provider, it.cloud_network, it.region
            );
        }
        [one] => one.to_string(),
        more => format!("{} IPv6 ranges", more.len()),
    };
    format!(
        "registered {}/{} with {} and {ipv6} ({})",
        it.project, it.name, it.range, it.cloud_network
    )
}

pub(super) fn nodes(it: &NetworkNodesSet) -> String {
    if it.nodes.is_empty() {
        return "took off the record where the network's nodes are".to_owned();
    }
    let nodes = ranges(&it.nodes);
    format!("put on record where the network's nodes are: {nodes}")
}

pub(super) fn ipv6_ranges(it: &NetworkIpv6RangesSet) -> String {
    if it.ranges.is_empty() {
        return "put on record that the network has no IPv6 range".to_owned();
    }
    let ranges = list(&it.ranges);
    format!("put on record which IPv6 ranges the network has: {ranges}")
}
