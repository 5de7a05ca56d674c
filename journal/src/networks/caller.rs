//! Who sends a command.

use crate::Fence;
use domain::{
    Actor, CloudCalls, CommandId, EventId, ServedClouds,
    text::{Reason, Ticket},
};
use std::sync::Arc;
use uuid::Uuid;

/// Who sends a command, and under which conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Sent again, the same id with the same body gives the first outcome.
    pub command_id: CommandId,
    /// Who.
    pub actor: Actor,
    /// Why, in the caller's words; a policy may require it.
    pub reason: Option<Reason>,
    /// Where the change is tracked; a policy may require it.
    pub ticket: Option<Ticket>,
    /// What the command belongs to; by default itself.
    pub correlation_id: Option<Uuid>,
    /// The event that it follows from; by default the command itself.
    pub causation_id: Option<EventId>,
    /// The W3C trace context to record with the events.
    pub traceparent: Option<String>,
    /// The revision that the network must be at.
    pub expected_revision: Option<u64>,
    /// Which clouds the engine serves that takes the command; `None` where that is nobody's to say.
    pub clouds: Option<Arc<ServedClouds>>,
    /// Of a registration under a derived id: how many of the same network are over.
    pub generation: Option<u32>,
    /// Of a worker: the calls to the cloud that led to this. They say nothing of what is asked for.
    pub cloud_calls: Option<CloudCalls>,
    /// Of a worker: the term of the lease under which it works. A network that a later holder has
    /// recorded something of refuses it.
    pub term: Option<Fence>,
}

impl Caller {
    /// Somebody who only sends a command, under no conditions.
    pub fn new(command_id: CommandId, actor: Actor) -> Self {
        Self {
            command_id,
            actor,
            reason: None,
            ticket: None,
            correlation_id: None,
            causation_id: None,
            traceparent: None,
            expected_revision: None,
            clouds: None,
            generation: None,
            cloud_calls: None,
            term: None,
        }
    }
}
