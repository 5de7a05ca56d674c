//! What a real server did: one client, one run, two cores, a disk whose flush takes 0.1 ms,
//! 256-byte JSON events, durable.
//!
//! It was measured with a Node client on another day, so the ratios say where we stand, not by how
//! many hundredths. The client's own ceiling is near the figures for appends of 1,000 events and
//! for the catch-up.

/// The figures of KurrentDB 25.0.0 and of 24.10.0.
pub(crate) type Both = [f64; 2];

pub(crate) const ONE_IN_FLIGHT: Both = [433.0, 781.0];
pub(crate) const IN_FLIGHT_32: Both = [4_769.0, 5_334.0];
pub(crate) const IN_FLIGHT_90: Both = [6_177.0, 5_586.0];
/// Events per second in appends of 1,000.
pub(crate) const LARGE_APPENDS: Both = [32_427.0, 39_806.0];
/// Events per second of a filtered `$all`.
pub(crate) const CATCH_UP: Both = [41_374.0, 84_810.0];
/// Megabytes in memory.
pub(crate) const MEMORY: Both = [583.0, 533.0];
