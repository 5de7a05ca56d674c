//! What may be recorded of the link's options. Each function says whether it is news.

use super::super::{Refusal, Registered, event::LinkOptionApplied};
use super::standing;

pub(super) fn applied(network: &Registered, it: &LinkOptionApplied) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "a change of an option")?;
    let known = peering.option(it.side, it.option);
    let is_told_otherwise = it.in_effect.is_some() && known.in_effect != it.in_effect;
    Ok(known.applied != it.enabled || is_told_otherwise)
}
