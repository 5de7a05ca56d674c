//! What the suites share: the API's typed client, and a cloud with networks to peer.

pub(crate) mod api;
pub(crate) mod http;
pub(crate) mod world;

use std::time::Duration;

/// How long anything that happens by itself may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);
