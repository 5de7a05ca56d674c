//! The clouds that the engine can work on, and the manners in which it calls any of them.

mod around;
pub mod aws;
mod calls;
mod metered;
pub mod simulated;

pub use around::Around;
pub use aws::AwsCloud;
pub use calls::{CallOutcome, Calls};
pub use metered::{CallSettings, Metered};
pub use simulated::{SimulatedCloud, SimulatedSettings};
