//! The clouds that the engine can work on.

pub mod simulated;

pub use simulated::{SimulatedCloud, SimulatedSettings};
