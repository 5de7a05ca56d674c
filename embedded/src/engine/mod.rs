//! What a write does: the rules as pure functions, and the one writer that applies them to the log.
//!
//! [`decide`] holds the tables of expected revisions and repeated events; [`visible`] says which of
//! a stream's events can be seen. Both are values in, values out. [`writer`] collects what they
//! need, writes groups of commands with one flush, and answers each.

mod backfill;
mod decide;
mod heads;
mod projected;
mod queue;
mod recent;
mod scavenge;
mod settings;
mod transaction;
mod visible;
mod writer;

pub(crate) use heads::{Head, Heads};
pub(crate) use settings::{Settings, SystemProjections};
pub(crate) use visible::{Visibility, expired_before};
pub(crate) use writer::{AppendOutcome, DeleteOutcome, Deletion, Engine, Failure, WriterHandle};
