//! The audit: what happened in a sentence, what a network was at any place of its log, what changed
//! between two, and who could reach an address by whose decision.
//!
//! All of it follows from the events: a fold by the domain's own `evolve`, over what the journal
//! reads. Nothing is recorded here, nothing is decided, and no read model is asked.
//!
//! Read first: [`Past`] (the fold), then [`Comparison`] and [`who_can_reach`].

#![warn(missing_docs)]

mod decision;
mod difference;
mod entry;
mod explain;
mod past;
mod reach;
mod review;
mod sentence;
mod stored;
mod unsaid;

pub use decision::{Decision, Decisions, Opening};
pub use difference::{Change, Comparison, Difference, DifferenceError, apply, between};
pub use entry::{Entry, OCSF_VERSION};
pub use explain::{Answer, Answered, Causes, Command, Decided, Outcome, around, explain};
pub use past::{Past, Place, Told, Until, walk};
pub use reach::{Drop, Unknown, Verdict, Way, who_can_reach};
pub use review::Review;
pub use sentence::{
    access_sentence, approval_sentence, connector_sentence, marked, sentence, sentence_of,
    sentence_with, thing, unreadable,
};
pub use stored::stored_version;
pub use unsaid::Unsaid;

#[cfg(test)]
mod tests;
