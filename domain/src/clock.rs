//! How the parts that act in time are told it: a function that is passed to them.

use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Tells the time. Only the binary makes one that reads the wall clock; the domain itself calls
/// none, a decision is given its `now`.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
