//! What tests from outside share: the program under test, a proxy in front of an event store, the
//! player of recordings, and the checks of the workspace itself. What needs no room of ours (ports,
//! bounded waits, child processes, emulators) is in `tests/kit`, and found here too.
//!
//! Nothing here knows what a test wants to prove. The suites are in `tests/`; the recordings of a
//! real server, which the [`golden`] player replays against any node, are in `golden/`; the
//! independent judge of the emulated cloud is in `oracle/`.

#![warn(missing_docs)]
#![allow(
    clippy::unwrap_used,
    reason = "a helper of tests that cannot go on should say so and stop the test"
)]

pub mod binary;
pub mod checks;
pub mod engine;
pub mod golden;
pub mod node;
pub mod oidc;
pub mod pki;
pub mod preload;
pub mod store_proxy;

pub use testkit::{
    canned, forwarder, http, microburst, moto, oracle, ports, process, store, strict, venv, wait,
    workspace,
};
