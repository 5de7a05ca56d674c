//! Keeps one usable client of the crate at hand.
//!
//! A client whose first connection failed is dead for ever, and in a cluster a client never leaves
//! a node that died. So callers borrow the client and report how it went, and a client that is
//! dead, or failed twice in a row, is dropped for a new one.

use crate::{JournalError, error::Source};
use kurrentdb::{Client, ClientSettings};
use std::time::Duration;
use tokio::{
    runtime::Handle,
    sync::Mutex,
    task::spawn_blocking,
    time::{Instant, sleep_until},
};

/// So many failures in a row, and the client is replaced.
const FAILURES: u32 = 2;

/// No client is made sooner than this after the last one: making one takes work, and many callers
/// may ask while the store is away.
const LEAST_AGE: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(crate) struct Keeper {
    settings: ClientSettings,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    client: Option<Client>,
    generation: u64,
    failures: u32,
    made: Option<Instant>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("generation", &self.generation)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

/// A borrowed client. It counts only against its own generation.
pub(crate) struct Lease {
    pub(crate) client: Client,
    generation: u64,
}

/// How a call on a borrowed client went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// The node answered, whatever it said.
    Answered,
    Failed,
    /// This client can never work again.
    Dead,
}

impl Keeper {
    pub(crate) fn new(settings: ClientSettings) -> Self {
        Self {
            settings,
            state: Mutex::default(),
        }
    }

    /// The client, a new one if need be. A client is made off the runtime's threads: it loads root
    /// certificates from disk.
    pub(crate) async fn lease(&self, operation: &'static str) -> Result<Lease, JournalError> {
        let mut state = self.state.lock().await;
        let client = match &state.client {
            Some(client) => client.clone(),
            None => {
                if let Some(made) = state.made {
                    sleep_until(made + LEAST_AGE).await;
                }
                let unavailable = |source: Source| JournalError::Unavailable { operation, source };
                let (handle, settings) = (Handle::current(), self.settings.clone());
                let client = spawn_blocking(move || Client::with_runtime_handle(handle, settings))
                    .await
                    .map_err(|error| unavailable(error.into()))?
                    .map_err(|report| unavailable(report.into()))?;
                state.made = Some(Instant::now());
                state.client = Some(client.clone());
                state.generation += 1;
                state.failures = 0;
                client
            }
        };
        Ok(Lease {
            client,
            generation: state.generation,
        })
    }

    pub(crate) async fn report(&self, lease: &Lease, report: Report) {
        let mut state = self.state.lock().await;
        if state.generation != lease.generation {
            return;
        }
        match report {
            Report::Answered => state.failures = 0,
            Report::Failed => state.failures += 1,
            Report::Dead => state.failures = FAILURES,
        }
        if state.failures >= FAILURES && state.client.take().is_some() {
            tracing::debug!(
                generation = state.generation,
                ?report,
                "the event store's client is replaced"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper() -> Keeper {
        Keeper::new(
            "kurrentdb://127.0.0.1:1?tls=false"
                .parse()
                .expect("settings"),
        )
    }

    #[tokio::test]
    async fn a_dead_client_is_replaced_at_once_and_a_failing_one_the_second_time() {
        let keeper = keeper();
        let first = keeper.lease("test").await.expect("a client");
        keeper.report(&first, Report::Failed).await;
        assert_eq!(keeper.lease("test").await.expect("a client").generation, 1);
        keeper.report(&first, Report::Failed).await;
        let second = keeper.lease("test").await.expect("a client");
        assert_eq!(second.generation, 2);
        keeper.report(&second, Report::Dead).await;
        assert_eq!(keeper.lease("test").await.expect("a client").generation, 3);
    }

    #[tokio::test]
    async fn an_answer_in_between_keeps_the_client_and_a_late_report_harms_no_successor() {
        let keeper = keeper();
        let first = keeper.lease("test").await.expect("a client");
        keeper.report(&first, Report::Failed).await;
        keeper.report(&first, Report::Answered).await;
        keeper.report(&first, Report::Failed).await;
        assert_eq!(keeper.lease("test").await.expect("a client").generation, 1);
        keeper.report(&first, Report::Dead).await;
        let second = keeper.lease("test").await.expect("a client");
        keeper.report(&first, Report::Dead).await;
        assert_eq!(
            keeper.lease("test").await.expect("a client").generation,
            second.generation
        );
    }
}
