//! What may happen to a private network and its peerings, and nothing else.
//!
//! This room decides: a command and the folded state go in, events or a refusal come out
//! ([`network::decide`]); an event and a state go in, the next state comes out
//! ([`network::evolve`]). It does no I/O, reads no clock, draws no random number and holds no lock:
//! time and ids are arguments. What it knows about the clouds is only what is true of all of them,
//! or a table of facts ([`place`]).
//!
//! Connectors, which deliver the log's records elsewhere, are decided the same way ([`connector`]).
//!
//! A command that several people have to approve waits in a record of its own ([`approval`]).
//!
//! From the same record it says what people should know ([`advisory`]).
//!
//! Read first: [`network`] (the aggregate, with its state diagram), then [`network::Refusal`].

#![warn(missing_docs)]

pub mod access;
pub mod actor;
pub mod advisory;
pub mod approval;
pub mod claim;
mod clock;
mod cloud_call;
pub mod cloud_mode;
pub mod connector;
mod error_chain;
#[cfg(test)]
mod golden;
pub mod ids;
pub mod ledger;
mod moved;
pub mod network;
mod pairs;
pub mod place;
pub mod range;
#[cfg(test)]
mod schemas;
pub mod side;
pub mod source;
pub mod text;
pub mod vocabulary;

pub use actor::{Actor, Context};
pub use advisory::Advisory;
pub use claim::{Claim, Claimed};
pub use clock::Clock;
pub use cloud_call::{CloudCall, CloudCalls};
pub use cloud_mode::{CloudMode, ServedClouds};
pub use error_chain::error_chain;
pub use ids::{CommandId, EventId, Ids, IngressId, NetworkId, PeeringId};
pub use ledger::{Digest, Ledger, Receipt};
pub use moved::moved_metadata;
pub use place::{
    Aim, FirewallAbilities, GLOBAL, HeldQuota, Partition, Places, Provider, QuotaKind,
    QuotaOverrides, QuotaSource, Quotas, Region, SeenQuotas, Sources, UnknownRegion, Unspoken,
    Verdicts,
};
pub use range::{Family, Ipv6Range, NetworkRange, Range, RangeError};
pub use side::{BySide, Side};
pub use source::{AdmittedSource, PeerGroup, SourceError};
