//! What may be recorded of the link's options. Each function says whether it is news.

use super::super::{Refusal, Registered, event::LinkOptionApplied};
use super::standing;

pub(super) fn applied(network: &Registered, it: &LinkOptionApplied) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "a change of an option")?;
    Ok(peering.option(it.side, it.option).applied != it.enabled)
}
