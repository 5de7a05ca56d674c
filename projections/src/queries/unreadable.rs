//! What of a network's history cannot be read: then its rows are folded from the rest.

use serde::{Deserialize, Serialize};

/// The first event of a network that this version cannot read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// The event's number in its stream, from 0.
    pub revision: u64,
    /// The type as the log names it.
    pub event_type: String,
    /// Why, in words.
    pub problem: String,
}

/// The column of the event above, as JSON, for a row with this network's id.
macro_rules! unreadable_of {
    ($network:literal) => {
        concat!(
            "(SELECT json_object('revision', t.revision, 'event_type', t.event_type, 'problem', t.problem)
              FROM timeline t WHERE t.network_id = ",
            $network,
            " AND t.problem IS NOT NULL ORDER BY t.revision LIMIT 1) AS unreadable"
        )
    };
}

pub(super) use unreadable_of;
