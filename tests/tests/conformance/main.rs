//! What a client of KurrentDB may rely on, row by row, driven through the official Rust client.
//!
//! Each module is one table or list of the wire's semantics, each test one row of it, named as a
//! sentence. The suite runs against an embedded node in this process, or against whatever
//! `PEERAGE_TEST_STORE` names: a connection string of a real KurrentDB, for instance. It assumes
//! nothing about what the store holds or who else writes to it: streams have names nobody used
//! before, and positions are those of its own events. The binary needs no file beside it, so it can
//! be copied elsewhere.
//!
//! What the client cannot say or does not show goes over raw gRPC, in the form of the recordings
//! (see `peerage_tests::golden`). Rows about things that a node may be started without (users,
//! system projections) look first and stand aside.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, unreachable_pub)]

mod appends;
mod behaviours;
mod deletes;
mod filters;
mod idempotency;
mod limits;
mod metadata;
mod persistent;
mod positions;
mod raw;
mod reads;
mod statuses;
mod stored_fields;
mod subscriptions;
mod support;
mod switched_on;
