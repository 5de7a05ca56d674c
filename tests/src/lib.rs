//! The ground that tests stand on: ports, bounded waits, child processes, emulators, and the checks
//! of the workspace itself.
//!
//! Nothing here knows what a test wants to prove. The suites are in `tests/`; the recordings of a
//! real server, which the [`golden`] player replays against any node, are in `golden/`; the
//! independent judge of the emulated cloud is in `oracle/`.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of tests that cannot go on should say so and stop the test"
)]

pub mod binary;
pub mod checks;
pub mod engine;
pub mod forwarder;
pub mod golden;
pub mod http;
pub mod microburst;
pub mod moto;
pub mod node;
pub mod oracle;
pub mod ports;
pub mod process;
pub mod store;
pub mod store_proxy;
pub mod strict;
pub mod venv;
pub mod wait;
pub mod workspace;
