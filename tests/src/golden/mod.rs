//! Replays recorded conversations of a real server against any node, and says where the answers
//! differ.
//!
//! The recordings are in `golden/`; what they mean and what may differ is said in
//! `golden/README.md`. Everything that may differ is a rule here, about a kind of answer; there is
//! no list of excused cases. The player speaks raw gRPC with messages made from the protocol's
//! descriptors, so it shares nothing with the node or with the client under test.
//!
//! Read in this order: [`recording`] is what a file holds, [`player`] goes through its steps,
//! [`matching`], [`status`] and [`checkpoints`] judge what came, [`messages`] and [`wire`] carry
//! it.

pub mod checkpoints;
pub mod matching;
pub mod messages;
pub mod player;
pub mod recording;
pub mod special;
pub mod status;
pub mod wire;

pub use player::{Report, play};
pub use wire::Target;
