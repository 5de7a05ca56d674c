//! The binary's room: API, command line, configuration and assembly.
//!
//! This is the only room that reads the environment, files, arguments and the wall clock. It
//! decides nothing: it parses what comes in, hands it to the rooms that know, and shows what they
//! answer. Read first: [`assembly`], where the rooms meet.

pub mod api;
pub mod assembly;
pub mod cli;
pub mod clouds;
pub mod config;
mod descriptors;
mod note_keys;
mod places;
mod storage;
mod telemetry;
