//! Carrying out a command: look for its receipt, decide, append at the exact revision.
//!
//! ```text
//!            ┌────────────── read on ◀─────────────┐
//!            ▼                                     │
//!   receipt → expected revision → decide ─ events ─▶ append ─ somebody was first ─┘
//!            │                                     │
//!            └─ no append needed:                  └─▶ Executed
//!               from the cache: read on, again
//!               from a fresh read: that is the answer
//! ```

use super::{Caller, Loaded, Networks, Slot, has_receipt};
use crate::{
    Encoded, ExecuteError, JournalError, Metadata, Position, SCHEMA_VERSION,
    calls::{Appended, WrongExpectedVersion},
    codec::event_id,
    deadline::Deadline,
    encode,
    retry::pauses,
    wire::Proposed,
};
use chrono::{DateTime, Utc};
use domain::{
    Claim, CloudMode, Context, Digest, EventId, Ids, NetworkId, Receipt,
    network::{Network, NetworkCommand, NetworkEvent, Refusal, decide, evolve, may_rest_on_part},
    vocabulary,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// What a command would come to. Nothing was appended, and its id is still free.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The network.
    pub network_id: NetworkId,
    /// The revision on which it was decided; `None` if the network is not on record.
    pub revision: Option<u64>,
    /// The events that would be appended, or those of the earlier sending; none if all is as asked
    /// already.
    pub events: Vec<NetworkEvent>,
    /// Whether the same command was carried out before.
    pub repeated: bool,
    /// The network as it would be.
    pub after: Arc<Loaded>,
}

/// What a command came to.
#[derive(Clone, Debug)]
pub struct Executed {
    /// The network.
    pub network_id: NetworkId,
    /// The number of the command's last event; if all was as asked already, the network's revision
    /// then.
    pub revision: Option<u64>,
    /// Where the command's last event is in the log; `None` if there is none.
    pub position: Option<Position>,
    /// The command's events; none if all was as asked already.
    pub events: Vec<NetworkEvent>,
    /// Whether this is the outcome of an earlier sending of the same command.
    pub repeated: bool,
    /// The network after the command, or later.
    pub after: Arc<Loaded>,
}

/// A command on its way.
pub(super) struct Order<'a> {
    pub(super) id: NetworkId,
    pub(super) command: &'a NetworkCommand,
    /// What is decided after it, each on what the one before has left.
    also: &'a [NetworkCommand],
    pub(super) caller: &'a Caller,
    pub(super) digest: Digest,
    now: DateTime<Utc>,
    /// What other networks have of what the command asks for.
    claims: Vec<Claim>,
}

/// What follows from one state.
enum Conclusion {
    Append(Vec<NetworkEvent>),
    /// An answer that needs no append, and a state that is fresh.
    Answer(Answer),
}

enum Answer {
    Nothing,
    /// A command with this id was answered before.
    Before(Receipt),
    Not(ExecuteError),
}

impl Networks {
    /// Carries out a command, or says why not. An error of the journal leaves the outcome unknown
    /// at worst: the same command id finds out.
    pub async fn execute(
        &self,
        id: NetworkId,
        command: &NetworkCommand,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<Executed, ExecuteError> {
        self.execute_all(id, command, &[], caller, now).await
    }

    /// The same with further commands, decided one after the other and appended together: all of
    /// them, or none. The outcomes of one observation are one append.
    pub async fn execute_all(
        &self,
        id: NetworkId,
        command: &NetworkCommand,
        also: &[NetworkCommand],
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<Executed, ExecuteError> {
        let deadline = Deadline::after(self.command_deadline, "execute");
        let digest = Digest::of(command).map_err(|source| encoding(command.name(), source))?;
        let mut order = Order {
            id,
            command,
            also,
            caller,
            digest,
            now,
            claims: Vec::new(),
        };
        let slot = self.slot(id).await;
        let _turn = deadline.bound(slot.turn.lock()).await?;
        let mut loaded = slot.loaded();
        // Nothing is known of the network yet. To decide on that would append, and the store would
        // take the repetition of a command that it has for the command itself, whatever is in it.
        let mut fresh = loaded.revision.is_none();
        if fresh {
            loaded = self.read_on(id, &slot, &deadline).await?;
        }
        order.claims = self.claims(&loaded, command).await?;
        let mut attempts = 0;
        // A node that lags may show the old state once more; asking it again at once would use up
        // the attempts.
        let mut pauses = pauses(Duration::from_millis(2), Duration::from_millis(100));
        loop {
            let receipt = self.receipt(&order, &slot, &deadline).await?;
            match order.conclude(&loaded, receipt) {
                Conclusion::Append(events) => {
                    if let Some(executed) = self
                        .append(&order, &slot, loaded, events, &deadline)
                        .await?
                    {
                        return Ok(executed);
                    }
                    attempts += 1;
                    if attempts >= self.contention_attempts {
                        return Err(ExecuteError::Contended { attempts });
                    }
                    if attempts > 1 {
                        deadline.pause(pauses.next().unwrap_or_default()).await;
                    }
                }
                Conclusion::Answer(answer) if fresh => {
                    if let Some(executed) = self
                        .answer(&order, &slot, loaded, answer, &deadline)
                        .await?
                    {
                        return Ok(executed);
                    }
                }
                Conclusion::Answer(_) => {}
            }
            loaded = self.read_on(id, &slot, &deadline).await?;
            fresh = true;
        }
    }

    /// Decides a command on the network as the log has it now, and leaves it at that: nothing is
    /// appended and nothing is claimed.
    pub async fn validate(
        &self,
        id: NetworkId,
        command: &NetworkCommand,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<Preview, ExecuteError> {
        let deadline = Deadline::after(self.command_deadline, "validate");
        let digest = Digest::of(command).map_err(|source| encoding(command.name(), source))?;
        let mut order = Order {
            id,
            command,
            also: &[],
            caller,
            digest,
            now,
            claims: Vec::new(),
        };
        let slot = self.slot(id).await;
        let mut loaded = self.read_on(id, &slot, &deadline).await?;
        let revision = loaded.revision;
        order.claims = self.claims(&loaded, command).await?;
        let (events, repeated, after) = loop {
            let receipt = self.receipt(&order, &slot, &deadline).await?;
            match order.conclude(&loaded, receipt) {
                Conclusion::Append(events) => {
                    for event in &events {
                        Arc::make_mut(&mut loaded).evolve(event, now);
                    }
                    break (events, false, loaded);
                }
                Conclusion::Answer(answer) => {
                    if let Some(executed) = self
                        .answer(&order, &slot, Arc::clone(&loaded), answer, &deadline)
                        .await?
                    {
                        break (executed.events, executed.repeated, loaded);
                    }
                }
            }
        };
        Ok(Preview {
            network_id: id,
            revision,
            events,
            repeated,
            after,
        })
    }

    /// Appends on top of `loaded`; nothing if somebody else was first.
    async fn append(
        &self,
        order: &Order<'_>,
        slot: &Arc<Slot>,
        loaded: Arc<Loaded>,
        events: Vec<NetworkEvent>,
        deadline: &Deadline,
    ) -> Result<Option<Executed>, ExecuteError> {
        let stream = order.id.stream();
        let first = loaded.next_revision();
        let last = first + events.len() as u64 - 1;
        let cloud = loaded.cloud(&events);
        let proposed = events
            .iter()
            .enumerate()
            .map(|(index, event)| order.propose(index, event, cloud))
            .collect::<Result<Vec<_>, _>>()?;
        let Appended { revision, position } = match self
            .store
            .append(&stream, loaded.revision, &proposed, deadline)
            .await?
        {
            Ok(appended) => appended,
            Err(WrongExpectedVersion) => return Ok(None),
        };
        if revision != last {
            // Numbers go on after a deletion: the stream once held what can no longer be read.
            slot.forget();
            return Err(JournalError::Truncated {
                stream,
                missing: first,
            }
            .into());
        }
        let after = slot.advance(loaded, |loaded, receipts| {
            for ((event, proposed), revision) in events.iter().zip(&proposed).zip(first..) {
                loaded.evolve(event, order.now);
                loaded.revision = Some(revision);
                loaded.last_event = Some(EventId(proposed.id));
                loaded.note_term(order.caller.term);
                if has_receipt(event) {
                    receipts.note(order.caller.command_id, revision);
                }
            }
        });
        self.keep(order.id, slot).await;
        tracing::debug!(network = %order.id, command = order.command.name(), revision, "appended");
        Ok(Some(Executed {
            network_id: order.id,
            revision: Some(revision),
            position,
            events,
            repeated: false,
            after,
        }))
    }

    /// The answer that needs no append; nothing if the receipt it was to come from is wrong. Then
    /// the receipts are had from the log anew.
    async fn answer(
        &self,
        order: &Order<'_>,
        slot: &Slot,
        after: Arc<Loaded>,
        answer: Answer,
        deadline: &Deadline,
    ) -> Result<Option<Executed>, ExecuteError> {
        let receipt = match answer {
            Answer::Not(error) => return Err(error),
            Answer::Nothing => {
                let (network_id, revision) = (order.id, after.revision);
                return Ok(Some(Executed {
                    network_id,
                    revision,
                    position: None,
                    events: Vec::new(),
                    repeated: false,
                    after,
                }));
            }
            Answer::Before(receipt) => receipt,
        };
        let Some(first) = self.first_outcome(order, receipt, deadline).await? else {
            tracing::warn!(network = %order.id, "receipts of another log are had anew from this one");
            slot.distrust_receipts();
            return Ok(None);
        };
        Ok(Some(Executed {
            network_id: order.id,
            revision: Some(first.revision),
            position: Some(first.position),
            events: first.events,
            repeated: true,
            after,
        }))
    }
}

impl Order<'_> {
    /// What follows from this state. A command that was answered before is answered the same way,
    /// whatever holds now.
    fn conclude(&self, loaded: &Loaded, receipt: Option<Receipt>) -> Conclusion {
        let command_id = self.caller.command_id;
        if let Some(receipt) = receipt {
            return Conclusion::Answer(Answer::Before(receipt));
        }
        if let (Some(sent), Some(held)) = (self.caller.term, loaded.term)
            && sent.is_before(&held)
        {
            return no(ExecuteError::TermOver {
                sent: sent.number,
                held: held.number,
            });
        }
        if let Some(expected) = self.caller.expected_revision
            && loaded.revision != Some(expected)
        {
            return no(ExecuteError::WrongRevision {
                expected,
                actual: loaded.revision,
            });
        }
        if let Some(fault) = self.fault(loaded)
            && !may_rest_on_part(self.command)
        {
            return no(fault);
        }
        let context = Context {
            reason: self.caller.reason.clone(),
            ticket: self.caller.ticket.clone(),
            clouds: self.caller.clouds.clone(),
            claims: self.claims.clone(),
        };
        let ids = Ids::of(command_id);
        let ids = match self.caller.generation {
            Some(generation) => ids.registering(self.id, generation),
            None => ids,
        };
        let decided = decide(&loaded.network, self.command, &context, self.now, ids);
        let decided = decided.and_then(|events| self.decide_also(loaded, events, &context, ids));
        match decided {
            Ok(events) if events.is_empty() => Conclusion::Answer(Answer::Nothing),
            Ok(events) => Conclusion::Append(events),
            Err(refusal) => no(refusal),
        }
    }

    /// What the state lacks: a decision on it could be wrong, but for one that closes.
    fn fault(&self, loaded: &Loaded) -> Option<JournalError> {
        let stream = || self.id.stream();
        if let Some(missing) = loaded.missing {
            return Some(JournalError::Truncated {
                stream: stream(),
                missing,
            });
        }
        let super::Undecodable {
            revision,
            event_type,
            problem,
        } = loaded.undecodable.first().cloned()?;
        Some(JournalError::Unreadable {
            stream: stream(),
            revision,
            event_type,
            problem,
        })
    }

    fn decide_also(
        &self,
        loaded: &Loaded,
        mut events: Vec<NetworkEvent>,
        context: &Context,
        ids: Ids,
    ) -> Result<Vec<NetworkEvent>, Refusal> {
        if self.also.is_empty() {
            return Ok(events);
        }
        let fold = |network: Network, events: &[NetworkEvent]| {
            let each = events.iter();
            each.fold(network, |network, event| evolve(network, event, self.now))
        };
        let mut network = fold(loaded.network.clone(), &events);
        for command in self.also {
            let more = decide(&network, command, context, self.now, ids)?;
            network = fold(network, &more);
            events.extend(more);
        }
        Ok(events)
    }

    fn propose(
        &self,
        index: usize,
        event: &NetworkEvent,
        cloud: Option<&CloudMode>,
    ) -> Result<Proposed, JournalError> {
        let failed = |source| encoding(event.name(), source);
        let Encoded {
            event_type,
            data,
            metadata,
        } = encode(event, self.metadata(index, cloud).map_err(failed)?).map_err(failed)?;
        let data = serde_json::to_string(&data).map_err(failed)?;
        let id = event_id(self.caller.command_id, &self.digest, index, &data);
        Ok(Proposed {
            id: id.0,
            event_type,
            vocabulary: vocabulary::needed(event),
            data: data.into(),
            metadata: serde_json::to_vec(&metadata).map_err(failed)?.into(),
        })
    }

    fn metadata(
        &self,
        index: usize,
        cloud: Option<&CloudMode>,
    ) -> Result<Metadata, serde_json::Error> {
        let command_id = self.caller.command_id;
        Ok(Metadata {
            correlation_id: self.caller.correlation_id.unwrap_or(command_id.0),
            causation_id: self.caller.causation_id.map_or(command_id.0, |it| it.0),
            command_id,
            command_digest: self.digest.clone(),
            actor: self.caller.actor.clone(),
            schema_version: SCHEMA_VERSION,
            traceparent: self.caller.traceparent.clone(),
            time: Some(self.now),
            reason: self.caller.reason.clone(),
            ticket: self.caller.ticket.clone(),
            command: if index == 0 { self.body()? } else { None },
            cloud_calls: self.caller.cloud_calls.clone().filter(|_| index == 0),
            cloud: cloud.cloned(),
            term: self.caller.term,
        })
    }

    /// The command's JSON, where it is worth keeping and not too large.
    fn body(&self) -> Result<Option<Value>, serde_json::Error> {
        if let NetworkCommand::Record(_) = self.command {
            return Ok(None);
        }
        let body = serde_json::to_value(self.command)?;
        Ok(Some(body).filter(|it| it.to_string().len() <= Metadata::LARGEST_COMMAND))
    }
}

fn no(error: impl Into<ExecuteError>) -> Conclusion {
    Conclusion::Answer(Answer::Not(error.into()))
}

fn encoding(event_type: &'static str, source: serde_json::Error) -> JournalError {
    JournalError::Encoding {
        operation: "execute",
        event_type,
        source,
    }
}
