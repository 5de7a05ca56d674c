//! The port over a Resource Manager on loopback: the whole life of a link, its failures, and what
//! is left of it when the process dies in between.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod failures;
mod firewall;
mod interfaces;
mod life;
mod machine;
mod managers;
mod operations;
mod options;
mod quotas;
