//! Tasks that a node cannot do without: one that dies, of its own mistake or since it can do its
//! work no more, ends the node.

use std::{
    future::Future,
    io,
    sync::{Arc, OnceLock},
    thread,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Starts them, and knows which of them has died. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Vital {
    stop: CancellationToken,
    died: Arc<OnceLock<String>>,
}

impl Vital {
    /// Those of a node that ends with `stop`.
    pub(crate) fn of(stop: CancellationToken) -> Self {
        Self {
            stop,
            died: Arc::default(),
        }
    }

    /// Which has died first, and of what if it could tell.
    pub(crate) fn died(&self) -> Option<String> {
        self.died.get().cloned()
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

    /// The same of work that may find that it can go on no more.
    pub(crate) fn spawn_able(
        &self,
        part: &'static str,
        work: impl Future<Output = io::Result<()>> + Send + 'static,
    ) -> JoinHandle<()> {
        let vital = self.clone();
        self.spawn(part, async move {
            if let Err(error) = work.await {
                vital.end(part, format!("{part} ({error})"));
            }
        })
    }

    fn end(&self, part: &'static str, told: String) {
        tracing::error!(
            part,
            cause = told,
            "a part of the store has died: the store ends"
        );
        // The first is the cause.
        let _ = self.died.set(told);
        self.stop.cancel();
    }
}

struct Watched {
    vital: Vital,
    part: &'static str,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if thread::panicking() {
            self.vital.end(self.part, self.part.to_owned());
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
        assert_eq!(vital.died().unwrap(), "what dies");
    }

    #[tokio::test]
    async fn a_task_that_can_go_on_no_more_ends_the_node_with_its_cause() {
        let vital = Vital::of(CancellationToken::new());
        vital.spawn_able("its ear", async { Ok(()) }).await.unwrap();
        assert_eq!((vital.stop.is_cancelled(), vital.died()), (false, None));
        let deaf = async { Err(io::ErrorKind::NotConnected.into()) };
        vital.spawn_able("its ear", deaf).await.unwrap();
        assert!(vital.stop.is_cancelled());
        assert_eq!(vital.died().unwrap(), "its ear (not connected)");
    }
}
