//! Operations: what was read of a change that the cloud takes a while for.

use super::{
    observation::{Freshness, Reads},
    query::Query,
};
use cloud::OperationState;
use domain::{Side, network::Peering};

impl Reads {
    /// What has become of the change of this side's half that is under way.
    pub(super) fn operation(
        &self,
        peering: &Peering,
        side: Side,
        freshness: &Freshness,
    ) -> Option<OperationState> {
        let read = self.operations.get(peering.halves.get(side).operation()?)?;
        let is_good = freshness.accepts(Query::Operation(side), read);
        is_good.then(|| read.shows.clone())
    }
}
