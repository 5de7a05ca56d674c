//! Operations: changes that a cloud has begun, and that can be asked about by their names.

use chrono::{DateTime, Utc};
use domain::text::{CloudOperation, Link};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A change that takes a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulatedOperation {
    /// Its name.
    pub name: CloudOperation,
    /// The request that began it.
    pub request: Uuid,
    /// The half that it makes or removes.
    pub half: Link,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// The error that it ends with, if it does.
    pub error: Option<String>,
}
