//! What follows the log and delivers its records elsewhere: connectors, and the runtime that they
//! share.
//!
//! A connector is managed by commands that are events themselves ([`Connectors`]). The runtime
//! ([`Runtime`]) holds one lease for all of them, so that of several servers on one store one
//! delivers. It reads the log once for all (`log`), lets each connector take what its filter
//! wants in lanes that keep the order of a network, and writes checkpoints that a stale holder
//! cannot write.
//!
//! What this room does not know: what a connector delivers to. That is a [`Sink`], given from
//! outside.
//!
//! Read first: [`Runtime`], then `run` (one connector, from its checkpoint to its end).

#![warn(missing_docs)]

mod built_in;
mod catalogue;
mod checkpoint;
mod codec;
mod deliveries;
mod filter;
mod gate;
mod lane;
mod lease;
mod log;
mod metrics;
mod parked;
mod registry;
mod replays;
mod run;
mod runtime;
mod schedule;
mod series;
mod servers;
mod sink;
mod sinks;
mod status;
mod streams;
mod tracker;

pub use built_in::{BuiltInExecuted, BuiltIns};
pub use catalogue::{Catalogue, Listed};
pub use codec::{Unreadable, decode};
pub use deliveries::{
    DeliveredEvent, DeliveriesPage, DeliveriesQuery, Delivery, DeliveryKey, DeliveryLog,
    DeliveryLogError, DeliveryLogSettings, DeliveryResult,
};
pub use filter::{FilterError, Matcher};
pub use lease::{Election, LeaseSettings, Term, Terms};
pub use metrics::exposition;
pub use parked::{ParkedError, ParkedRecords, ParkedState, Which};
pub use registry::{Connectors, ExecuteError, Executed, Loaded};
pub use replays::{LogReplay, count_records};
pub use runtime::{Runtime, RuntimeError, RuntimeSettings, Tenancy};
pub use series::SinkKind;
pub use servers::{OlderServer, Servers};
pub use sink::{Attempt, Item, Names, Outcome, Parcel, Sink, Sinks};
pub use sinks::{SIGNING, StandardSinks};
pub use status::{Counts, Live, Statuses};
pub use streams::ParkedStreams;
pub use transform;
pub use webhook::{BreakerSettings, SigningKey, secrets};
