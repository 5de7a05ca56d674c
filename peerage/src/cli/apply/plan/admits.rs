//! What the private network admits, and who answers for it and until when.

use super::{
    super::{
        admit::{Admit, Terms, told},
        change::Change,
        document::Peering,
    },
    Draft, range,
};
use crate::api::v1;
use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

/// A source, written in one way, and a port.
type Key = (String, u32);

fn key(it: &Admit) -> Key {
    (range(&it.rule.source), it.rule.port)
}

fn named((source, port): &Key) -> String {
    format!("{source}:{port}")
}

fn rule((source, port): Key) -> v1::InboundRule {
    v1::InboundRule {
        source,
        port,
        ..Default::default()
    }
}

impl Draft {
    /// The peering as one command requests it: what that admits has one owner and one end. The rest
    /// of what the file names is admitted after it.
    pub(super) fn requested(&self, wanted: &Peering) -> Peering {
        let terms = |it: &Admit| it.terms(wanted.admit_expires);
        let mut admit = wanted.admit.clone();
        admit.retain(|it| !self.is_over(it));
        let first = admit.iter().map(terms).min();
        admit.retain(|it| Some(terms(it)) == first);
        Peering {
            admit,
            ..wanted.clone()
        }
    }

    fn is_over(&self, it: &Admit) -> bool {
        it.expires.is_some_and(|at| at <= self.now)
    }

    pub(super) fn admitted(&mut self, wanted: &Peering, is: &[Admit]) {
        let standing: BTreeSet<Key> = is.iter().map(key).collect();
        let all: BTreeSet<Key> = wanted.admit.iter().map(key).collect();
        let mut anew: BTreeMap<Terms, BTreeSet<Key>> = BTreeMap::new();
        for one in &wanted.admit {
            if let Some(same) = is.iter().find(|it| key(it) == key(one)) {
                self.terms(one, same);
            } else if self.is_over(one) {
                let what = format!("admit {}: its end has passed", named(&key(one)));
                self.plan.left.push(format!("{}{what}", self.of()));
            } else {
                let terms = one.terms(wanted.admit_expires);
                anew.entry(terms).or_default().insert(key(one));
            }
        }
        let beside: Vec<_> = standing.difference(&all).map(named).collect();
        let (mut admit, mut taken) = if self.prune {
            (&standing & &all, beside)
        } else {
            let left = beside.iter().map(|it| format!("{}admit {it}", self.of()));
            let left: Vec<_> = left.collect();
            self.plan.left.extend(left);
            (standing, Vec::new())
        };
        if anew.is_empty() && !taken.is_empty() {
            self.restrict(&admit, Vec::new(), taken, Terms::default());
            return;
        }
        // All that one command admits anew has the same owner and end.
        for (terms, keys) in anew {
            let added = keys.iter();
            let added = added.map(|it| format!("{}{}", named(it), told(&terms)));
            let added = added.collect();
            admit.extend(keys);
            self.restrict(&admit, added, mem::take(&mut taken), terms);
        }
    }

    fn restrict(
        &mut self,
        admit: &BTreeSet<Key>,
        added: Vec<String>,
        taken: Vec<String>,
        (owner, expires): Terms,
    ) {
        self.step(Change::Restrict {
            admit: admit.iter().cloned().map(rule).collect(),
            added,
            taken,
            owner,
            expires,
        });
    }

    /// The owner and the end that are named of what is admitted already.
    fn terms(&mut self, wanted: &Admit, is: &Admit) {
        let owner = wanted.owner.clone().filter(|_| wanted.owner != is.owner);
        let end = wanted.expires.filter(|_| wanted.expires != is.expires);
        if owner.is_some() || end.is_some() {
            let of = Some(is.rule.clone());
            self.step(Change::Tenure { of, owner, end });
        }
    }
}
