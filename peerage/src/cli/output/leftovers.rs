//! What stays at the cloud when a peering ends.

use super::word;
use crate::api::v1::{
    Leftover, Peering, PossibleThingLeftover, leftover::Leftover as Left,
    possible_thing_leftover::Thing,
};

/// What stays at the cloud, for the last line about a peering.
pub(in crate::cli) fn leftovers(it: &Peering) -> String {
    format!("left behind: {}", leftovers_of(it))
}

/// The same by itself.
pub(super) fn leftovers_of(it: &Peering) -> String {
    let unseen: Vec<_> = it
        .not_observed()
        .map(|side| {
            format!(
                "what else stands on the {} side, which was not observed",
                word(side)
            )
        })
        .collect();
    if it.leftovers.is_empty() {
        return match unseen.as_slice() {
            [] => "nothing".to_owned(),
            [..] => unseen.join("; "),
        };
    }
    it.leftovers
        .iter()
        .map(leftover)
        .chain(unseen)
        .collect::<Vec<_>>()
        .join("; ")
}

fn leftover(it: &Leftover) -> String {
    match &it.leftover {
        Some(Left::PossibleLink(_)) => "possible link".to_owned(),
        Some(Left::Link(it)) => format!("link {}", it.link),
        Some(Left::Half(it)) if it.link.is_empty() => {
            format!("half of the link ({})", word(it.side()))
        }
        Some(Left::Half(it)) => format!("half of the link {} ({})", it.link, word(it.side())),
        Some(Left::PossibleHalf(it)) => format!(
            "possibly half of the link {} ({})",
            it.link,
            word(it.side())
        ),
        Some(Left::Route(it)) => {
            format!(
                "route to {} in {} ({})",
                it.destination,
                it.route_table,
                word(it.side())
            )
        }
        Some(Left::OtherRoute(it)) => {
            format!(
                "another owner's route to {} in {} ({})",
                it.destination,
                it.route_table,
                word(it.side())
            )
        }
        Some(Left::FirewallGroup(it)) => {
            format!("firewall group {} ({})", it.group, word(it.side()))
        }
        Some(Left::FirewallRule(it)) => {
            format!("firewall rule {} ({})", it.rule_id, word(it.side()))
        }
        Some(Left::Denial(it)) => format!(
            "entry {} in {}, which denies {} ({})",
            it.number,
            it.list,
            it.denies,
            word(it.side())
        ),
        Some(Left::PossibleThing(it)) => {
            format!("possibly {} ({})", possible(it), word(it.side()))
        }
        None => "something that this version does not know".to_owned(),
    }
}

fn possible(it: &PossibleThingLeftover) -> String {
    match &it.thing {
        Some(Thing::Route(it)) if it.route_table.is_empty() => {
            format!("a route to {} over the exchange", it.destination)
        }
        Some(Thing::Route(it)) => format!("a route to {} in {}", it.destination, it.route_table),
        Some(Thing::FirewallGroup(_)) => "the engine's firewall group".to_owned(),
        Some(Thing::FirewallRule(it)) => format!("a rule for tcp {} from {}", it.port, it.source),
        Some(Thing::Attachment(it)) => format!("the engine's group on {}", it.interface),
        Some(Thing::Denial(it)) => format!("entry {} in {}", it.number, it.list),
        Some(Thing::Option(it)) => format!("the option {}", it.option),
        None => "something that this version does not know".to_owned(),
    }
}
