//! Who may do what: roles as data, and one place that judges by them.
//!
//! A caller is known by a credential ([`Identity`]). A [`Policy`] binds a subject, or everybody of
//! a group, to a [`Role`], everywhere or in some projects, networks and peers' accounts. [`judge`]
//! is the one function that says whether a call is allowed; [`Role::allows`] is its table. What is
//! not allowed is denied.
//!
//! Two aggregates stand behind it, each with a stream of its own: which policy was in force where
//! and since when ([`policies`]), so that "who was allowed to, then?" has an answer, and what was
//! denied to whom ([`denials`]), damped.

mod approval_rule;
pub mod denials;
mod event;
mod identity;
mod judge;
mod method;
pub mod policies;
mod policy;
#[cfg(test)]
mod tests;

pub use approval_rule::{ApprovalRule, Asked, MOST_APPROVALS, MOST_HOURS};
pub use event::{
    AccessDenied, AccessEvent, AccessPoliciesDiffered, AccessPolicyEnforced, Enforced,
};
pub use identity::{Identity, Proof, Subject};
pub use judge::{Denial, Peers, Reach, Target, judge};
pub use method::{Method, Role};
pub use policy::{Binding, BindingError, NetworkName, Policy};

/// The stream of the policies that were in force.
pub const POLICY_STREAM: &str = "access-policy";

/// The stream of what was denied.
pub const DENIALS_STREAM: &str = "access-denials";
