//! Witnesses over HTTP (C2SP tlog-witness): being one, and asking some.
//!
//! What is to be cosigned is decided by [`tree::cosign`]. Here are the requests, the file of what
//! was seen, and the client of a log that collects cosignatures.

#![warn(missing_docs)]

mod client;
mod server;
mod state;

pub use client::{AskError, Asked, Client, WitnessAddress};
pub use server::{Witness, serve};
pub use state::{State, StateError};
