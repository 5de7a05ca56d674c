//! Connectors on a store: what is delivered, in which order, how often, and what ends it.
#![allow(clippy::unwrap_used)]

mod ends;
mod figures;
mod flaky;
mod lease;
mod order;
mod outages;
mod parked;
mod replays;
mod schemas;
mod servers;
mod several;
mod support;
mod transforms;
