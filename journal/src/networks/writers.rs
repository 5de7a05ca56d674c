//! Tasks that write snapshots beside the commands. One that dies does so of its own mistake alone,
//! and its network would have no further snapshot without a word: whoever compares snapshots ends
//! with it, and so does the process.

use parking_lot::Mutex;
use std::{any::Any, convert::Infallible, future::Future, panic::resume_unwind, sync::Arc};
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Writers {
    /// What the first one that died panicked with.
    died: Mutex<Option<Box<dyn Any + Send>>>,
    told: Notify,
}

impl Writers {
    pub(super) fn spawn(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        let (writers, task) = (Arc::clone(self), tokio::spawn(work));
        tokio::spawn(async move {
            if let Err(error) = task.await
                && error.is_panic()
            {
                writers.died.lock().get_or_insert(error.into_panic());
                writers.told.notify_one();
            }
        });
    }

    /// Ends as the first one that dies does, and not before.
    pub(super) async fn death(&self) -> Infallible {
        loop {
            let cause = self.died.lock().take();
            if let Some(cause) = cause {
                resume_unwind(cause);
            }
            self.told.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_writer_that_dies_ends_who_waits_for_it_with_its_cause_and_one_that_is_done_does_not()
    {
        let writers = Arc::<Writers>::default();
        let (done, is_done) = tokio::sync::oneshot::channel();
        writers.spawn(async move { done.send(()).expect("it is waited for") });
        is_done.await.expect("it was done");
        let waiting = tokio::spawn({
            let writers = Arc::clone(&writers);
            async move { match writers.death().await {} }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        writers.spawn(async { panic!("of its own mistake") });
        let died = waiting.await.expect_err("it dies too").into_panic();
        assert_eq!(died.downcast_ref(), Some(&"of its own mistake"));
    }
}
