//! Connectors on a store: what is delivered, in which order, how often, and what ends it.
#![allow(clippy::unwrap_used)]

mod ends;
mod flaky;
mod order;
mod outages;
mod parked;
mod replays;
mod schemas;
mod several;
mod support;
mod transforms;
