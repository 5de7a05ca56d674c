//! What holds in a whole network at once.

use projections::TimelineEntry;

/// Whether an event holds or releases every peering of a network at once.
pub(super) fn is_hold(event: &TimelineEntry) -> bool {
    let holds = [
        "NetworkFrozen",
        "NetworkThawed",
        "QuarantineImposed",
        "QuarantineLifted",
    ];
    holds.contains(&event.event_type.as_str())
}
