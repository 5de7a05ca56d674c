//! What stands beside the rules of a side's group: what is denied in front of subnets, and what the
//! group is attached to.

use super::{
    super::{attach::Attach, change::Change, document::Denial},
    Draft,
};
use crate::cli::args::Side;
use std::collections::BTreeSet;

impl Draft {
    /// In front of which subnets of each side is denied.
    pub(super) fn denials(&mut self, wanted: &[Denial], is: &[Denial]) {
        let of = |all: &[Denial], side: Side| -> BTreeSet<String> {
            let here = all.iter().filter(|it| it.side == side);
            here.flat_map(|it| it.subnets.clone()).collect()
        };
        for side in [Side::Local, Side::Remote] {
            let (named, standing) = (of(wanted, side), of(is, side));
            let added: Vec<_> = named.difference(&standing).cloned().collect();
            let beside: Vec<_> = standing.difference(&named).cloned().collect();
            if named.is_empty() && !beside.is_empty() {
                let change = Change::StopDenying(side, beside);
                let what = change.told();
                self.beside(change, what.trim_start_matches("- "));
                continue;
            }
            let all = if self.prune {
                named.clone()
            } else {
                let left = beside.iter();
                let left = left.map(|it| format!("{}deny before {it}", self.of()));
                let left: Vec<_> = left.collect();
                self.plan.left.extend(left);
                &named | &standing
            };
            if all != standing {
                self.step(Change::Deny {
                    side,
                    subnets: all.into_iter().collect(),
                    added,
                    taken: if self.prune { beside } else { Vec::new() },
                });
            }
        }
    }

    /// To what the group of each side is attached.
    pub(super) fn attachments(&mut self, wanted: &[Attach], is: &[Attach]) {
        for side in [Side::Local, Side::Remote] {
            let standing = is.iter().find(|it| it.side == side);
            let Some(named) = wanted.iter().find(|it| it.side == side) else {
                if let Some(it) = standing {
                    let change = Change::Detach(side, it.full_name());
                    let what = change.told();
                    self.beside(change, what.trim_start_matches("- "));
                }
                continue;
            };
            if standing.is_none_or(|it| !it.is_same(named)) {
                self.step(Change::Attach(named.clone()));
            }
        }
    }
}
