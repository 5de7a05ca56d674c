//! What the suites share: the API's typed client, and a cloud with networks to peer.

pub(crate) mod api;
pub(crate) mod http;
pub(crate) mod world;

use std::time::Duration;

/// How long anything that happens by itself may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Registers the network of most stories.
pub(crate) const REGISTER: [&str; 12] = [
    "network",
    "register",
    "--name",
    "orders",
    "--region",
    "eu-west-1",
    "--account",
    "111122223333",
    "--vpc",
    "vpc-0a1b2c3d",
    "--range",
    "10.20.0.0/16",
];

/// Asks for its peering, and for nothing more.
pub(crate) const REQUEST: [&str; 12] = [
    "peering",
    "request",
    "--network",
    "orders",
    "--region",
    "us-east-1",
    "--account",
    "444455556666",
    "--vpc",
    "vpc-0d4c3b2a",
    "--range",
    "10.30.0.0/16",
];
