//! Why nothing can be denied as it was asked for.

use super::{
    super::Facts,
    lists::{inbound, serving},
};
use crate::provisioner::seen::stands;
use cloud::AccessListView;
use domain::{
    Side,
    network::{BlockCause, DenialWanted},
    text::Subnet,
};
use std::collections::BTreeSet;

/// EC2's own last entries have the numbers from here on, and no quota counts them.
const LAST_NUMBER: u32 = 32766;

/// Why nothing can be denied as it was asked for.
#[derive(Debug)]
pub(in crate::provisioner::plan) struct Problem {
    pub(in crate::provisioner::plan) cause: BlockCause,
    pub(in crate::provisioner::plan) message: String,
    pub(in crate::provisioner::plan) remedy: Vec<String>,
}

/// What stands in the way of these denials, if anything does: a subnet that is not there, a list
/// that stands before other subnets too, one that has no room.
pub(in crate::provisioner::plan) fn problem(
    facts: &Facts<'_>,
    side: Side,
    wanted: &DenialWanted,
    lists: &[AccessListView],
) -> Option<Problem> {
    let again = format!(
        "peerage firewall deny {} --side {side} --deny-with network-acl --yes",
        facts.peering.id
    );
    let guarded: BTreeSet<&Subnet> = lists.iter().flat_map(|it| &it.subnets).collect();
    if let Some(missing) = wanted.subnets.iter().find(|it| !guarded.contains(it)) {
        return Some(Problem {
            cause: BlockCause::NotFound,
            message: format!("no list shows before {missing}: it is not in this network"),
            remedy: vec![format!("name subnets that are: {again} --subnet …")],
        });
    }
    for list in serving(wanted, lists) {
        let Some(id) = &list.list else {
            continue;
        };
        let others = list
            .subnets
            .iter()
            .filter(|it| !wanted.subnets.contains(*it));
        let others: Vec<_> = others.map(ToString::to_string).collect();
        if !others.is_empty() {
            let others = others.join(", ");
            return Some(Problem {
                cause: BlockCause::Conflict,
                message: format!(
                    "{id} stands before {others} too, which was not named: what is denied in it is denied there as well"
                ),
                remedy: vec![
                    "give the subnets that were named a network ACL of their own".to_owned(),
                    format!("or name all of them: {again} --subnet …"),
                ],
            });
        }
        let most = facts.limits.get(side).access_entries;
        let there = inbound(list)
            .filter(|it| it.priority <= LAST_NUMBER)
            .count();
        let own = facts.peering.own_denials(side);
        let missing = facts
            .network
            .denied(facts.peering, side)
            .into_iter()
            .filter(|denied| {
                let mut standing = own
                    .iter()
                    .filter(|it| it.list == *id && it.denies == *denied);
                !standing.any(|it| stands(lists, it))
            });
        let missing = missing.count();
        if missing > 0 && there + missing > most {
            return Some(Problem {
                cause: BlockCause::QuotaExceeded,
                message: format!(
                    "{id} has {there} inbound entries of {most}, and {missing} more are asked for"
                ),
                remedy: vec![format!(
                    "take some out of {id}, or have the quota raised and say so: cloud.aws.network_acl_entries"
                )],
            });
        }
    }
    None
}
