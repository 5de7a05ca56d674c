//! The event store, in memory: what it reads from is not what is measured.

use crate::role::{left_alone, say};
use embedded::EmbeddedNode;

/// The argument that makes a process this one.
pub const ROLE: &str = "node";

/// Serves, and says where.
///
/// # Panics
/// When it cannot be started.
pub async fn serve() {
    let node = EmbeddedNode::builder().in_memory().start().await;
    let node = node.expect("a node");
    say(&node.connection_string());
    left_alone().await;
}
