//! Where the time stamps and the ids that the store itself gives come from.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Tells the time at which a record is written.
pub(crate) type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Makes the ids of the store's own records and subscriptions.
pub(crate) type NewId = Arc<dyn Fn() -> Uuid + Send + Sync>;

/// The wall clock: a database server stamps its records itself.
#[allow(
    clippy::disallowed_methods,
    reason = "the default of a store that is used on its own; the binary passes its own clock"
)]
pub(crate) fn wall_clock() -> Clock {
    Arc::new(Utc::now)
}

/// Random ids.
#[allow(
    clippy::disallowed_methods,
    reason = "the default of a store that is used on its own; the binary passes its own source"
)]
pub(crate) fn random_ids() -> NewId {
    Arc::new(Uuid::new_v4)
}
