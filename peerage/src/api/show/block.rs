//! Blocks: what keeps the engine from continuing until a person acts.

use crate::api::{time::timestamp, v1, words::number};
use domain::network::Blocked;

pub(super) fn block(block: &Blocked) -> v1::Block {
    v1::Block {
        cause: number::<v1::BlockCause>(block.cause),
        side: number::<v1::Side>(block.side),
        message: block.message.clone(),
        remedy: block.remedy.clone(),
        since: Some(timestamp(block.since)),
    }
}
