//! What figures of connectors are made of: an event store, the engine's connectors, a receiver and
//! a bare HTTP client, each a process of its own.
//!
//! What is measured and what it is compared with take turns in one run, so that what else the
//! machine does befalls both. The receiver is the judge: it counts what arrives, and from when to
//! when, whoever sends. Each process's processor time is its own.

pub mod bare;
pub mod engine;
pub mod node;
pub mod receiver;
pub mod role;
pub mod store;
