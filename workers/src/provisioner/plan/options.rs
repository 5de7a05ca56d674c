//! Name resolution over the link: whether one side's names resolve to private addresses for the
//! other.
//!
//! AWS: an option of each end, set by its owner, possible once the link is active, and only if both
//! networks answer for their names and give their machines some.

use super::{
    Draft, Facts, Query,
    drift::{self, Verdict},
};
use crate::provisioner::{apply::Action, sides};
use cloud::LinkView;
use domain::{
    Side,
    network::{BlockCause, DnsResolutionApplied, DriftKind, LinkOption, Thing},
};

pub(super) fn plan(facts: &Facts<'_>, side: Side, view: &LinkView, draft: &mut Draft) {
    let on_record = facts.peering.dns.get(side);
    let Some(view) = own_view(facts, side, view, draft) else {
        return;
    };
    let Some((role, end)) = view.end(&sides::network(facts.network, facts.peering, side)) else {
        return;
    };
    let shown = end.dns_resolution.unwrap_or_default();
    if shown == on_record.wanted {
        if on_record.applied != shown {
            draft.record(DnsResolutionApplied {
                peering_id: facts.peering.id,
                side,
                enabled: shown,
            });
        }
        return;
    }
    let nobody_asked = !on_record.wanted && !on_record.applied;
    if nobody_asked && !facts.peering.made_the_link() {
        return;
    }
    if (on_record.applied == on_record.wanted)
        && drift::classify(facts, DriftKind::DnsResolutionFlipped { side }, draft) == Verdict::Leave
    {
        return;
    }
    if on_record.wanted && !is_possible(facts, draft) {
        return;
    }
    let action = Action::SetDnsResolution {
        side,
        link: view.link.clone(),
        end: role,
        enabled: on_record.wanted,
    };
    if on_record.wanted {
        draft.install(facts, side, thing(), action);
    } else {
        draft.act(facts, action);
    }
}

/// The thing that name resolution over a side's half of the link is.
pub(super) fn thing() -> Thing {
    Thing::Option {
        option: LinkOption::DnsResolution,
    }
}

/// The link as this side shows it: an end's options are told in its own account. The remote side is
/// not asked for what nobody wanted.
pub(super) fn own_view<'a>(
    facts: &Facts<'a>,
    side: Side,
    local: &'a LinkView,
    draft: &mut Draft,
) -> Option<&'a LinkView> {
    let on_record = facts.peering.dns.get(side);
    if side == Side::Remote && !on_record.wanted && !on_record.applied {
        return None;
    }
    any_view(facts, side, local, draft)
}

/// The same, whether or not anything was asked for.
pub(super) fn any_view<'a>(
    facts: &Facts<'a>,
    side: Side,
    local: &'a LinkView,
    draft: &mut Draft,
) -> Option<&'a LinkView> {
    match side {
        Side::Local => Some(local),
        Side::Remote => {
            let views = draft.require(&facts.seen.links.remote, Query::Links(Side::Remote))?;
            views.iter().find(|view| view.link == local.link)
        }
    }
}

/// Whether the networks that can be looked at meet what this needs.
fn is_possible(facts: &Facts<'_>, draft: &mut Draft) -> bool {
    let mut possible = true;
    for side in facts.peering.kept_sides() {
        let Some(support) = draft.require(facts.seen.dns.get(side), Query::Dns(side)) else {
            possible = false;
            continue;
        };
        if support.resolution && support.hostnames {
            continue;
        }
        possible = false;
        let network = sides::network(facts.network, facts.peering, side);
        let lacks = if support.resolution {
            "hostnames"
        } else {
            "support"
        };
        let message =
            format!("{network} has DNS {lacks} switched off; names cannot resolve over the link");
        let command = |option: &str| {
            format!(
                "aws ec2 modify-vpc-attribute --region {} --vpc-id {} --enable-dns-{option}",
                network.at.region, network.network
            )
        };
        draft.block(
            facts,
            BlockCause::DnsPrecondition,
            side,
            message,
            vec![command("support"), command("hostnames")],
        );
    }
    possible
}
