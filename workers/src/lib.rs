//! Makes the world match what was decided.
//!
//! Workers follow the log and act on it. The one here is the [`provisioner`]; the clouds that it
//! works on are behind one port, in a crate of its own ([`cloud`]), and each cloud is another.
//!
//! What this room does not know: read models, the API, configuration files, the time of day (a
//! clock is passed in).
//!
//! Read first: [`cloud`], what may have happened when a call fails; then [`provisioner`].

#![warn(missing_docs)]

pub mod provisioner;

pub use provisioner::{
    Alone, Directory, Lease, Never, Provisioner, ProvisionerSettings, Resolved, Rest, Term,
};
