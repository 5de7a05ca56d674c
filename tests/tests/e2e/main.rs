//! End to end: the program as a user runs it, judged from outside.
//!
//! Engines, event stores and emulators are child processes; what stands in the cloud is judged by
//! the oracle, what happened by the API. One binary for all suites, because linking takes longer
//! than most of them.
#![allow(clippy::unwrap_used)]

mod api_commands;
mod api_reads;
mod apply;
mod audit;
mod bad_input;
mod changes;
mod cli;
mod cli_calls;
mod cloud;
mod clouds;
mod compose;
mod demo;
mod deploy;
mod doors;
mod elsewhere;
mod evidence;
mod explain;
mod holds;
mod json;
mod life;
mod outage;
mod probes;
mod projection;
mod replicas;
mod restart;
mod serve;
mod stand_ins;
mod stopped;
mod support;
mod traces;
mod webhooks;
