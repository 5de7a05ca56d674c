//! Makes the world match what was decided.
//!
//! Read first: [`cloud`], the port to a cloud and what may have happened when a call there fails.

pub mod cloud;
pub mod clouds;
