//! The trace that a pass is part of: the calls that have asked for it, by the `traceparent` that
//! stands with their events.
//!
//! A pass goes on with the trace of the first call that asked for it, and links to those of the
//! others. What it records carries that trace on, so that whatever follows is part of it too, in
//! this process or another. What was read at a start may be of long ago: it is linked to only. The
//! room knows no more of a trace than its name.

use domain::PeeringId;
use journal::Recorded;
use std::{future::Future, sync::Arc};

/// How many traces a pass is part of or links to.
const MOST: usize = 4;

/// The length of a `traceparent` of the form that is recorded.
const LENGTH: usize = 55;

tokio::task_local! {
    static HERE: Option<Arc<str>>;
}

/// Does this work as a part of that trace.
pub(super) async fn within<T>(cause: Option<Arc<str>>, work: impl Future<Output = T>) -> T {
    HERE.scope(cause, work).await
}

/// The trace of the work at hand.
pub(super) fn here() -> Option<String> {
    let here = HERE.try_with(|it| it.as_deref().map(str::to_owned));
    here.ok().flatten()
}

/// What stands with one event.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cause {
    traceparent: Arc<str>,
    peering: Option<PeeringId>,
    /// Whether it was read at a start.
    is_past: bool,
}

/// The traces that have led to a pass; a few of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Causes(Vec<Cause>);

impl Causes {
    /// Of an event that has just happened.
    pub(super) fn of(recorded: &Recorded, peering: Option<PeeringId>) -> Self {
        let traceparent = recorded.metadata.as_ref();
        let traceparent = traceparent.and_then(|it| it.traceparent.as_deref());
        let cause = |it: &str| Cause {
            traceparent: it.into(),
            peering,
            is_past: false,
        };
        let traceparent = traceparent.filter(|it| it.len() == LENGTH);
        Self(traceparent.map(cause).into_iter().collect())
    }

    /// The same, of an event that was read at a start.
    pub(super) fn past(mut self) -> Self {
        self.0.iter_mut().for_each(|it| it.is_past = true);
        self
    }

    /// Of several that are past the last counts; of those that are not, the first few.
    pub(super) fn merge(&mut self, other: Self) {
        for cause in other.0 {
            if self.0.iter().any(|it| it.traceparent == cause.traceparent) {
                continue;
            }
            if cause.is_past {
                self.0.retain(|it| !it.is_past);
            }
            if self.0.len() < MOST {
                self.0.push(cause);
            }
        }
    }

    /// Those that are about this peering, or about the whole network.
    pub(super) fn about(&self, id: PeeringId) -> Self {
        let is_about = |it: &&Cause| it.peering.is_none_or(|it| it == id);
        Self(self.0.iter().filter(is_about).cloned().collect())
    }

    /// The trace that the pass goes on with.
    pub(super) fn first(&self) -> Option<Arc<str>> {
        let first = self.0.iter().find(|it| !it.is_past);
        first.map(|it| Arc::clone(&it.traceparent))
    }

    /// The others, and that of an earlier pass which has not come to its end: one text.
    pub(super) fn links(&self, earlier: Option<&Arc<str>>) -> Option<String> {
        let first = self.first();
        let mut links: Vec<&str> = Vec::new();
        let others = self.0.iter().map(|it| &it.traceparent).chain(earlier);
        for link in others.filter(|it| Some(*it) != first.as_ref()) {
            if !links.contains(&&**link) {
                links.push(link);
            }
        }
        (!links.is_empty()).then(|| links.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn traceparent(n: u64) -> Arc<str> {
        format!("00-{n:032x}-{n:016x}-01").into()
    }

    fn cause(n: u64, peering: Option<PeeringId>) -> Causes {
        Causes(vec![Cause {
            traceparent: traceparent(n),
            peering,
            is_past: false,
        }])
    }

    fn merged(all: impl IntoIterator<Item = Causes>) -> Causes {
        let mut causes = Causes::default();
        all.into_iter().for_each(|it| causes.merge(it));
        causes
    }

    #[test]
    fn a_pass_goes_on_with_the_first_trace_and_links_to_a_few_of_the_others() {
        let causes = merged((1..=9).chain(1..=9).map(|n| cause(n, None)));
        assert_eq!(causes.first(), Some(traceparent(1)));
        let links = [2, 3, 4].map(traceparent).join(",");
        assert_eq!(causes.links(None), Some(links.clone()));
        assert_eq!(causes.links(Some(&traceparent(3))), Some(links.clone()));
        assert_eq!(causes.links(Some(&traceparent(1))), Some(links.clone()));
        let with_earlier = format!("{links},{}", traceparent(7));
        assert_eq!(causes.links(Some(&traceparent(7))), Some(with_earlier));
        assert_eq!(Causes::default().links(None), None);
    }

    #[test]
    fn what_is_past_is_linked_to_and_of_several_the_last_alone() {
        let past = merged((1..=9).map(|n| cause(n, None).past()));
        assert_eq!(past.first(), None);
        assert_eq!(past.links(None).as_deref(), Some(&*traceparent(9)));
        let both = merged([past, cause(3, None)]);
        assert_eq!(both.first(), Some(traceparent(3)));
        assert_eq!(both.links(None).as_deref(), Some(&*traceparent(9)));
    }

    #[test]
    fn a_trace_of_another_peering_is_no_part_of_it() {
        let [one, other] = [1, 2].map(|n| PeeringId(Uuid::from_u128(n)));
        let all = [cause(1, Some(one)), cause(2, Some(other)), cause(3, None)];
        let causes = merged(all).about(other);
        assert_eq!(causes.first(), Some(traceparent(2)));
        assert_eq!(causes.links(None).as_deref(), Some(&*traceparent(3)));
    }
}
