//! What tests of every room share: free ports, bounded waits, child processes, the Python
//! environment, and the stand-ins of a cloud that run in it.
//!
//! It knows no room, so every room may use it for its own tests without learning of another. What
//! needs a room (the program under test, the proxy in front of an event store, the player of
//! recordings) is in `tests/src`.

#![warn(missing_docs)]
#![allow(
    clippy::unwrap_used,
    reason = "a helper of tests that cannot go on should say so and stop the test"
)]

pub mod arm;
pub mod canned;
pub mod forks;
pub mod forwarder;
pub mod http;
pub mod microburst;
pub mod moto;
pub mod oracle;
pub mod ports;
pub mod process;
pub mod store;
pub mod strict;
pub mod venv;
pub mod wait;
pub mod wire;
pub mod workspace;
