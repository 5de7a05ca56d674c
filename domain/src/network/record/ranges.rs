//! What may be recorded of the peer's ranges.

use super::super::{Refusal, event::PeerRangesConfirmed, peering::Peering};
use super::out_of_order;

/// The ranges that wait to be confirmed, of those that were seen.
pub(super) fn confirmed(
    peering: &Peering,
    it: &PeerRangesConfirmed,
) -> Result<Option<PeerRangesConfirmed>, Refusal> {
    if !peering.life.is_live() {
        return Err(out_of_order(peering, "confirmed ranges"));
    }
    let mut ranges = it.ranges.clone();
    ranges.retain(|range| peering.unconfirmed.contains(range));
    let confirmed = PeerRangesConfirmed {
        peering_id: it.peering_id,
        ranges,
    };
    Ok((!confirmed.ranges.is_empty()).then_some(confirmed))
}
