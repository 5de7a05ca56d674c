//! The sending side of webhooks: one record of the log to one endpoint, signed, guarded, and told
//! apart by whose fault it is when it does not arrive.
//!
//! ```text
//!  Settings ──▶ Endpoint            checked at once, ready to send; its connections are its own
//!  Record ──▶ Format ──▶ Message    one body under one id, the same for every attempt
//!  SigningKey ──▶ SigningKeys       the current one, and those in their grace
//!                     │
//!                     ▼
//!   send(endpoint, keys, message, now) ──▶ Attempt { outcome, status, fault, body, … }
//!                     │
//!                     └─ resolve → vet (`guard`) → connect to what was vetted → TLS
//! ```
//!
//! This crate sends and says what came of it. It keeps no position, knows no log, and decides
//! nothing about what is next: that is whoever runs it. Time, ids and randomness are passed in.

#![warn(missing_docs)]

mod attempt;
mod breaker;
mod dial;
mod echo;
mod endpoint;
mod exchange;
mod format;
pub mod guard;
mod message;
mod oauth;
mod record;
#[cfg(test)]
mod samples;
pub mod secrets;
mod send;
mod signing;
mod template;
mod values;
mod wrong;

pub use attempt::{Attempt, Body, BodyEnd, Fault, KEPT, LONGEST_RETRY_AFTER, Outcome};
pub use breaker::{BreakerSettings, BreakerState, Breakers, Permit};
pub use dial::{DialError, Resolve, SystemResolver, Transport};
pub use endpoint::{Authentication, ClientCertificate, Endpoint, Settings, TIMEOUT};
pub use exchange::CONNECTION_LIFETIME;
pub use format::{Envelope, Format};
pub use message::{Delivery, Message, Place, Replay, SystemHeaders};
pub use record::{Actor, Cloud, Named, Record};
pub use send::send;
pub use signing::{SigningKey, SigningKeyError, SigningKeys};
pub use wrong::{Problem, Wrong};
