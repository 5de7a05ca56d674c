//! Connectors on a store: what is delivered, in which order, how often, and what ends it.
#![allow(clippy::unwrap_used)]

mod ends;
mod order;
mod parked;
mod schemas;
mod several;
mod support;
