//! The log as one pass sees it: one network, folded, and a way to write outcomes.
//!
//! It is the journal and nothing else, narrowed to two calls, so that a test can stop a pass before
//! or after any of them.

use super::cause;
use async_trait::async_trait;
use domain::{
    Actor, CloudCalls, CommandId, NetworkId,
    network::{NetworkCommand, Outcome},
};
use journal::{Caller, Clock, ExecuteError, Fence, JournalError, Loaded, Networks};
use std::{fmt, sync::Arc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// One network's part of the log.
#[async_trait]
pub(super) trait NetworkLog: Send + Sync + fmt::Debug {
    /// The network as it is now.
    async fn load(&self) -> Result<Arc<Loaded>, JournalError>;

    /// The network with this event, which the log has; later ones need not be in it, for they ask
    /// for a pass of their own. Without one, as it is now.
    async fn load_with(&self, revision: Option<u64>) -> Result<Arc<Loaded>, JournalError> {
        let _ = revision;
        self.load().await
    }

    /// Puts outcomes on record that follow from `on`, together: all of them, or none. The calls
    /// that led to them stand beside the first.
    async fn record_all(
        &self,
        on: &Loaded,
        outcomes: Vec<Outcome>,
        calls: &CloudCalls,
    ) -> Result<Written, JournalError>;
}

/// What became of an outcome.
#[derive(Clone, Debug)]
pub(super) enum Written {
    /// It is on record, by this very call; the network after it.
    New(Arc<Loaded>),
    /// It was on record before.
    Known(Arc<Loaded>),
    /// The network has moved on, and it no longer follows.
    Stale,
}

/// The journal's own.
pub(super) struct JournalLog {
    pub(super) networks: Networks,
    pub(super) id: NetworkId,
    pub(super) actor: Actor,
    pub(super) clock: Clock,
    /// The term under which outcomes are recorded, and what ends its passes.
    pub(super) term: Option<Fence>,
    pub(super) over: CancellationToken,
}

impl fmt::Debug for JournalLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalLog")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl NetworkLog for JournalLog {
    async fn load(&self) -> Result<Arc<Loaded>, JournalError> {
        self.networks.load(self.id).await
    }

    async fn load_with(&self, revision: Option<u64>) -> Result<Arc<Loaded>, JournalError> {
        match revision {
            Some(revision) => self.networks.load_with(self.id, revision).await,
            None => self.load().await,
        }
    }

    async fn record_all(
        &self,
        on: &Loaded,
        outcomes: Vec<Outcome>,
        calls: &CloudCalls,
    ) -> Result<Written, JournalError> {
        let Some(first) = outcomes.first() else {
            return Ok(Written::Known(self.load().await?));
        };
        let caller = Caller {
            correlation_id: first.peering_id().map(|id| id.0),
            cloud_calls: Some(calls.clone()),
            traceparent: cause::here(),
            term: self.term,
            ..Caller::new(
                command_id(self.id, on.revision, &outcomes),
                self.actor.clone(),
            )
        };
        let mut rest = outcomes.clone();
        rest.retain(|it| {
            !matches!(
                it,
                Outcome::NetworkImmutableIdSeen(_)
                    | Outcome::PeerImmutableIdSeen(_)
                    | Outcome::QuotasSeen(_)
            )
        });
        let mut commands = outcomes.into_iter().map(NetworkCommand::Record);
        let Some(first) = commands.next() else {
            return Ok(Written::Known(self.load().await?));
        };
        let also: Vec<_> = commands.collect();
        match self
            .networks
            .execute_all(self.id, &first, &also, &caller, (self.clock)())
            .await
        {
            Ok(executed) if executed.repeated || executed.events.is_empty() => {
                Ok(Written::Known(executed.after))
            }
            Ok(executed) => Ok(Written::New(executed.after)),
            // Servers of an older version are there: which network an end is, and what its account
            // allows, is recorded once they are gone, and nothing else waits for that.
            Err(ExecuteError::Journal(JournalError::NotYetReadable { .. }))
                if rest.len() <= also.len() =>
            {
                self.record_all(on, rest, calls).await
            }
            Err(ExecuteError::Journal(error)) => Err(error),
            Err(error @ ExecuteError::TermOver { .. }) => {
                tracing::warn!(network = %self.id, %error, "another server works on this network: the passes of this term end");
                self.over.cancel();
                Ok(Written::Stale)
            }
            Err(
                stale @ (ExecuteError::Refused(_)
                | ExecuteError::CommandIdReused { .. }
                | ExecuteError::WrongRevision { .. }
                | ExecuteError::Contended { .. }),
            ) => {
                tracing::debug!(network = %self.id, %stale, "an outcome no longer follows");
                Ok(Written::Stale)
            }
        }
    }
}

/// The id of the command that records this: the same outcome seen from the same revision is the
/// same command, and the same words said again later, of another revision, are another.
///
/// An engine of another version may give the same outcome another id. It is not doubled for that:
/// whether an outcome is news is decided on the folded state at the revision that is appended to
/// ([`domain::network::decide`]), and what the state says already is no news. An append whose
/// answer was lost, and that an engine of another version repeats, finds it in the state.
fn command_id(network: NetworkId, revision: Option<u64>, outcomes: &[Outcome]) -> CommandId {
    let said = serde_json::to_vec(&(revision, outcomes)).unwrap_or_default();
    CommandId(Uuid::new_v5(&network.0, &said))
}
