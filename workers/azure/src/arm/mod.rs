//! Azure Resource Manager in its own words: resources by id, one version of the interface, typed
//! failures, operations that take a while.

mod client;
mod error;
mod grant;
mod id;
mod machine;
pub(crate) mod model;
mod operation;
mod tenants;
mod token;
mod transport;

pub(crate) use client::{Arm, As};
pub(crate) use error::{ArmError, Failure};
pub(crate) use id::{ResourceId, same};
pub(crate) use operation::{Change, OperationName, Progress};

/// The version of `Microsoft.Network` that every request names. Versions only add, and old ones
/// stay; this one is the last that calls of peerings were recorded with.
pub const API_VERSION: &str = "2024-05-01";

/// The version in which configurations of network managers are asked for: the one above does not
/// tell what they keep to themselves.
pub(crate) const MANAGERS_API_VERSION: &str = "2025-05-01";
