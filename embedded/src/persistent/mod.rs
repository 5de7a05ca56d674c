//! Persistent subscriptions: consumers that share a stream's events, and whose progress the store
//! keeps.
//!
//! A group is a task of its own ([`group`]) around a machine without I/O ([`delivery`]) that says
//! who gets what, what comes again and what is parked. The group follows its source as any
//! subscription does, and keeps its checkpoint and its parked events in streams; which groups exist
//! is in a stream too ([`config`]).

mod config;
mod delivery;
mod figures;
mod group;
mod groups;
mod held;
mod kept;
mod settings;

pub(crate) use delivery::NackAction;
pub(crate) use figures::{Caller, ConsumerInfo, GroupInfo, Measured};
pub(crate) use group::Pushed;
pub(crate) use groups::{Connection, GroupError, Groups};
pub(crate) use settings::{ALL, FilterSpec, GroupConfig, GroupName, Origin, Settings, Strategy};
