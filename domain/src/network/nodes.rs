//! `SetNetworkNodes`: from which addresses the nodes of the private network's clusters call out. A
//! connector ingress that names no source is open from there, and from nowhere else.
//!
//! An ingress that is open stays as it was declared.

use super::{
    Refusal, Registered, SourceOutsideNetwork,
    command::SetNetworkNodes,
    event::{NetworkEvent, NetworkNodesSet},
};
use crate::range::Range;

/// How many ranges an ingress is open from at most, and so how many may be on record.
pub(super) const NODES: usize = 16;

pub(super) fn set(
    network: &Registered,
    command: &SetNetworkNodes,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let nodes = checked(&network.ranges(), &command.nodes)?;
    if nodes == network.nodes {
        return Ok(Vec::new());
    }
    let network_id = network.id;
    Ok(vec![NetworkNodesSet { network_id, nodes }.into()])
}

/// The ranges in order, each once: they are parts of these, and not more than there may be.
pub(super) fn checked(whole: &[Range], ranges: &[Range]) -> Result<Vec<Range>, Refusal> {
    let mut ranges = ranges.to_vec();
    ranges.sort_unstable();
    ranges.dedup();
    if ranges.len() > NODES {
        return Err(Refusal::TooManyRanges {
            given: ranges.len(),
            most: NODES,
        });
    }
    let is_outside = |range: &&Range| !whole.iter().any(|it| it.contains(range));
    if let Some(range) = ranges.iter().find(is_outside) {
        let is_like = |it: &&Range| it.family() == range.family();
        let nearest = whole.iter().find(is_like).or(whole.first());
        return Err(Refusal::SourceOutsideNetwork(SourceOutsideNetwork {
            from: *range,
            network: nearest.copied().unwrap_or(*range),
        }));
    }
    Ok(ranges)
}
