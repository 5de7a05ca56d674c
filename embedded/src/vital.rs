//! Tasks that a node cannot do without: one that dies, which it does of its own mistakes alone,
//! ends the node.

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    thread,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Starts them, and knows which of them has died. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Vital {
    stop: CancellationToken,
    died: Arc<OnceLock<&'static str>>,
}

impl Vital {
    /// Those of a node that ends with `stop`.
    pub(crate) fn of(stop: CancellationToken) -> Self {
        Self {
            stop,
            died: Arc::default(),
        }
    }

    /// Which has died first, if one has.
    pub(crate) fn died(&self) -> Option<&'static str> {
        self.died.get().copied()
    }

    /// Starts one, called so.
    pub(crate) fn spawn(
        &self,
        part: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        let watched = Watched {
            vital: self.clone(),
            part,
        };
        tokio::spawn(async move {
            let _watched = watched;
            work.await;
        })
    }
}

struct Watched {
    vital: Vital,
    part: &'static str,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if thread::panicking() {
            let Self { vital, part } = self;
            tracing::error!(part, "a part of the store has died: the store ends");
            // The first is the cause.
            let _ = vital.died.set(part);
            vital.stop.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_dies_ends_the_node_and_is_named_and_one_that_is_done_does_not() {
        let vital = Vital::of(CancellationToken::new());
        vital.spawn("what is done", async {}).await.unwrap();
        let cut = vital.spawn("what is cut off", std::future::pending());
        cut.abort();
        assert!(cut.await.unwrap_err().is_cancelled());
        assert_eq!((vital.stop.is_cancelled(), vital.died()), (false, None));
        let died = vital.spawn("what dies", async { panic!("of its own mistake") });
        assert!(died.await.unwrap_err().is_panic());
        assert!(vital.stop.is_cancelled());
        let later = vital.spawn("what dies later", async { panic!("as well") });
        assert!(later.await.unwrap_err().is_panic());
        assert_eq!(vital.died(), Some("what dies"));
    }
}
