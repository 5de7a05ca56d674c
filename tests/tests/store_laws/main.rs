//! Laws of the embedded store that must hold whatever happens: random operations against a model,
//! processes killed hard, files damaged, requests that nobody would send.
//!
//! Every test prints the seed it runs with; `PEERAGE_TEST_SEED` repeats one. Short by default;
//! lengths are set by `PEERAGE_TEST_CASES` (random operations, requests, damages) and
//! `PEERAGE_TEST_CRASHES` (kills, 200 by default).
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, unreachable_pub)]

mod chance;
mod crash;
mod damage;
mod failed_flush;
mod full_disk;
mod ledger;
mod model;
mod node_process;
mod operations;
mod random;
mod requests;
