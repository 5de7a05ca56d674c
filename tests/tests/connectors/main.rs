//! Connectors on a store: what is delivered, in which order, how often, and what ends it.
#![allow(clippy::unwrap_used)]

mod attempts;
mod checkpoints;
mod ends;
mod flaky;
mod lag;
mod lease;
mod order;
mod outages;
mod parked;
mod replays;
mod schemas;
mod servers;
mod set_aside;
mod several;
mod support;
mod transforms;
