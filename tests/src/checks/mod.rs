//! What the workspace demands of itself. Each check is a function from text to complaints, with an
//! example that must fail.

pub mod arrows;
pub mod circles;
pub mod foreign;
pub mod links;
pub mod pins;
pub mod policy;
pub mod tidy;
pub mod width;
