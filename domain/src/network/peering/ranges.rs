//! The peer's ranges and subnets, which may change while the link stands.

use super::{
    super::event::{PeerRangesAdded, PeerRangesConfirmed, PeerRangesDropped, PeerSubnetsChanged},
    Peering,
};
use crate::range::Range;

impl Peering {
    /// Whether this lies in a range of which it is not known yet that it is the peer's.
    pub fn is_unconfirmed(&self, range: Range) -> bool {
        self.unconfirmed.iter().any(|it| it.overlaps(&range))
    }

    pub(in crate::network) fn ranges_added(&mut self, event: &PeerRangesAdded) {
        for range in &event.ranges {
            if !self.peer.ranges.contains(range) {
                self.peer.ranges.push(*range);
                self.unconfirmed.insert(*range);
            }
        }
    }

    pub(in crate::network) fn ranges_confirmed(&mut self, event: &PeerRangesConfirmed) {
        for range in &event.ranges {
            self.unconfirmed.remove(range);
        }
    }

    pub(in crate::network) fn ranges_dropped(&mut self, event: &PeerRangesDropped) {
        self.peer.ranges.retain(|it| !event.ranges.contains(it));
        self.unconfirmed.retain(|it| !event.ranges.contains(it));
    }

    pub(in crate::network) fn subnets_changed(&mut self, event: &PeerSubnetsChanged) {
        self.peer.subnets.clone_from(&event.subnets);
        self.routes_in_place.remote = None;
        self.tables_moved = true;
    }
}
