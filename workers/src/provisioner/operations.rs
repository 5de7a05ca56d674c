//! Operations: what was read of a change that the cloud takes a while for.

use super::{
    observation::{Freshness, Observation, Reads},
    query::Query,
};
use cloud::{About, CloudErrorKind, OperationState};
use domain::{Side, network::Peering, text::CloudOperation};

impl Observation {
    /// What the error means that this operation was seen to end with.
    pub(super) fn error_of(&self, operation: &CloudOperation) -> (CloudErrorKind, Option<About>) {
        let reads = self.reads.lock();
        match reads.operations.get(operation).map(|it| &it.shows) {
            Some(OperationState::Failed { kind, about, .. }) => (kind.clone(), *about),
            Some(OperationState::Running | OperationState::Done) | None => {
                (CloudErrorKind::Unexpected, Some(About::FailedOperation))
            }
        }
    }
}

impl Reads {
    /// What has become of the change of this side's half that is under way.
    pub(super) fn operation(
        &self,
        peering: &Peering,
        side: Side,
        freshness: &Freshness,
    ) -> Option<OperationState> {
        let read = self.operations.get(peering.halves.get(side).operation()?)?;
        let is_good = freshness.accepts(Query::Operation(side), read.asked);
        is_good.then(|| read.shows.clone())
    }
}
