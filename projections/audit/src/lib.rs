//! The audit: what happened in a sentence, what a network was at any place of its log, and what
//! changed between two.

#![warn(missing_docs)]

mod sentence;

pub use sentence::{sentence, unreadable};
