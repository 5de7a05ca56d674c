//! Keeps one usable connection to the right node at hand, for appends and reads.
//!
//! A node alone is always the right one; in a cluster it is the one that the connection string
//! prefers, found by gossip, or the leader that a node points to. Callers borrow the connection and
//! say how the call went: after two failures in a row the connection is dropped and the node chosen
//! anew, since a frozen server keeps connections open and a dead member keeps its address.

use crate::{
    JournalError,
    appends::Appends,
    error::Source,
    nodes::Nodes,
    transport::{Http, Transport},
};
use kurrentdb::{Endpoint, NodePreference};
use parking_lot::Mutex;
use std::sync::Arc;

/// So many failures in a row, and the node is chosen anew.
const FAILURES: u32 = 2;

#[derive(Debug)]
pub(crate) struct ClientPool {
    transport: Arc<Transport>,
    /// Held for moments only: nobody who was handed it and is not polled may hold up the others.
    state: Mutex<State>,
    nodes: tokio::sync::Mutex<Nodes>,
}

#[derive(Debug, Default)]
struct State {
    chosen: Option<Chosen>,
    /// Counts the choices, so that a late outcome says nothing of a successor.
    generation: u64,
    failures: u32,
    /// The node that was given up last, as far as no choice has heard of it.
    given_up: Option<Endpoint>,
}

#[derive(Debug)]
struct Chosen {
    node: Endpoint,
    uri: http::Uri,
    http: Http,
    appends: Arc<Appends>,
}

/// A borrowed connection.
#[derive(Clone, Debug)]
pub(crate) struct Borrowed {
    pub(crate) http: Http,
    pub(crate) uri: http::Uri,
    /// The one call for the appends of all who have this connection.
    pub(crate) appends: Arc<Appends>,
    generation: u64,
}

/// How a call on a borrowed connection went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallOutcome {
    /// The node answered, whatever it said.
    Answered,
    Failed,
    /// The node answered that another one leads.
    LedBy(Endpoint),
}

impl ClientPool {
    pub(crate) fn new(transport: Arc<Transport>) -> Self {
        Self {
            state: Mutex::default(),
            nodes: tokio::sync::Mutex::new(Nodes::of(&transport.settings)),
            transport,
        }
    }

    /// A request with this connection's headers. Where the connection string prefers the leader, a
    /// node that does not lead refuses it and says who does.
    pub(crate) fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = self.transport.request(message);
        if self.transport.settings.node_preference() == NodePreference::Leader {
            let value = tonic::metadata::MetadataValue::from_static("true");
            request.metadata_mut().insert("requires-leader", value);
        }
        request
    }

    pub(crate) async fn borrow(&self, operation: &'static str) -> Result<Borrowed, JournalError> {
        if let Some(borrowed) = self.state.lock().borrowed() {
            return Ok(borrowed);
        }
        let mut nodes = self.nodes.lock().await;
        {
            let mut state = self.state.lock();
            // Somebody else has chosen meanwhile.
            if let Some(borrowed) = state.borrowed() {
                return Ok(borrowed);
            }
            if let Some(node) = state.given_up.take() {
                nodes.failed(node);
            }
        }
        let http = self.transport.connect();
        let unavailable = |source: Source| JournalError::Unavailable { operation, source };
        let node = nodes.choose(&self.transport, &http).await;
        let node = node.ok_or_else(|| unavailable("no node takes part in it".into()))?;
        let chosen = self.at(node, http).map_err(unavailable)?;
        Ok(self.state.lock().choose(chosen))
    }

    pub(crate) fn report(&self, borrowed: &Borrowed, outcome: CallOutcome) {
        let mut state = self.state.lock();
        if state.generation != borrowed.generation {
            return;
        }
        match outcome {
            CallOutcome::Answered => state.failures = 0,
            CallOutcome::Failed => state.failures += 1,
            CallOutcome::LedBy(leader) => {
                tracing::debug!(?leader, "another node leads");
                match self.at(leader, borrowed.http.clone()) {
                    Ok(chosen) => drop(state.choose(chosen)),
                    Err(_) => state.failures += 1,
                }
            }
        }
        if state.failures >= FAILURES
            && let Some(dropped) = state.chosen.take()
        {
            tracing::debug!(node = ?dropped.node, "this node of the event store is given up");
            state.given_up = Some(dropped.node);
        }
    }

    fn at(&self, node: Endpoint, http: Http) -> Result<Chosen, Source> {
        let uri = self
            .transport
            .uri(&node)
            .ok_or_else(|| format!("{node:?} is no address"))?;
        Ok(Chosen {
            node,
            uri,
            http,
            appends: Arc::default(),
        })
    }
}

impl State {
    fn borrowed(&self) -> Option<Borrowed> {
        let chosen = self.chosen.as_ref()?;
        Some(chosen.lent(self.generation))
    }

    fn choose(&mut self, chosen: Chosen) -> Borrowed {
        self.generation += 1;
        self.failures = 0;
        self.chosen.insert(chosen).lent(self.generation)
    }
}

impl Chosen {
    fn lent(&self, generation: u64) -> Borrowed {
        Borrowed {
            http: self.http.clone(),
            uri: self.uri.clone(),
            appends: Arc::clone(&self.appends),
            generation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{JournalSettings, settings};

    fn pool() -> ClientPool {
        let text = "kurrentdb://127.0.0.1:1?tls=false";
        let parsed = settings::parse(text).expect("settings");
        let transport = Transport::of(parsed, &JournalSettings::new(text)).expect("a transport");
        ClientPool::new(Arc::new(transport))
    }

    async fn borrow(pool: &ClientPool) -> Borrowed {
        pool.borrow("test").await.expect("a connection")
    }

    #[tokio::test]
    async fn a_node_that_fails_twice_in_a_row_is_chosen_anew() {
        let pool = pool();
        let first = borrow(&pool).await;
        pool.report(&first, CallOutcome::Failed);
        assert_eq!(borrow(&pool).await.generation, 1);
        pool.report(&first, CallOutcome::Failed);
        assert_eq!(borrow(&pool).await.generation, 2);
    }

    #[tokio::test]
    async fn an_answer_in_between_keeps_the_connection_and_a_late_outcome_harms_no_successor() {
        let pool = pool();
        let first = borrow(&pool).await;
        pool.report(&first, CallOutcome::Failed);
        pool.report(&first, CallOutcome::Answered);
        pool.report(&first, CallOutcome::Failed);
        assert_eq!(borrow(&pool).await.generation, 1);
        pool.report(&first, CallOutcome::Failed);
        let second = borrow(&pool).await;
        pool.report(&first, CallOutcome::Failed);
        pool.report(&first, CallOutcome::Failed);
        assert_eq!(borrow(&pool).await.generation, second.generation);
    }

    #[tokio::test]
    async fn the_leader_that_a_node_names_is_asked_next() {
        let pool = pool();
        let first = borrow(&pool).await;
        let leader = Endpoint {
            host: "127.0.0.2".to_owned(),
            port: 2,
        };
        pool.report(&first, CallOutcome::LedBy(leader));
        assert_eq!(borrow(&pool).await.uri.to_string(), "http://127.0.0.2:2/");
    }
}
