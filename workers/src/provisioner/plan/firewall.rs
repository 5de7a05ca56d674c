//! The firewall of one side: a group that the engine owns and that admits exactly what the posture says, be it nothing.

use super::{Draft, Facts};
use crate::{
    cloud::{GroupView, RuleView},
    provisioner::apply::Action,
};
use domain::{
    Side,
    network::{
        BlockCause, Firewall, FirewallEnforced, FirewallGroupCreated, FirewallRuleAuthorized, FirewallRuleRevoked, InboundRule, Outcome,
    },
};
use std::collections::BTreeSet;

pub(super) fn plan(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    let Some(groups) = facts.seen.groups.get(side) else {
        draft.again = true;
        return;
    };
    match groups.as_slice() {
        [] => draft.act(facts, Action::CreateGroup { side }),
        [group] => hold(facts, side, group, draft),
        [_, _, ..] => {
            let ids = groups.iter().map(|group| group.group.to_string()).collect::<Vec<_>>().join(", ");
            let message = format!("{ids} all carry this peering's tag; one of them can be the engine's");
            let remedy = vec![format!("take the tag off those of {ids} that Peerage did not make")];
            draft.block(facts, BlockCause::Conflict, side, message, remedy);
        }
    }
}

/// Compares the group with the posture.
fn hold(facts: &Facts<'_>, side: Side, view: &GroupView, draft: &mut Draft) {
    let (peering_id, group) = (facts.peering.id, view.group.clone());
    let firewall = facts.peering.firewall.get(side);
    let is_new = firewall.group.as_ref() != Some(&group);
    if is_new {
        draft.record(Outcome::FirewallGroupCreated(FirewallGroupCreated { peering_id, side, group: group.clone() }));
    }
    // Another group than before holds none of the rules on record.
    let nothing = Firewall::default();
    let known = if is_new { &nothing } else { firewall };
    let strangers = view.rules.iter().filter(|rule| own(facts, rule).is_none()).collect::<Vec<_>>();
    let ours = view.rules.iter().filter_map(|rule| own(facts, rule).map(|it| (it, rule))).collect::<Vec<_>>();
    let mut exact = strangers.is_empty();
    for (rule, shown) in &ours {
        if known.rules.get(rule) != Some(&shown.id) {
            let rule_id = shown.id.clone();
            draft.record(Outcome::FirewallRuleAuthorized(FirewallRuleAuthorized { peering_id, side, rule: *rule, rule_id }));
        }
        if !firewall.admit.contains(rule) {
            exact = false;
            draft.act(facts, Action::RevokeRule { side, group: group.clone(), id: shown.id.clone() });
        }
    }
    let present: BTreeSet<InboundRule> = view.rules.iter().filter_map(|rule| rule.rule).collect();
    for (rule, rule_id) in known.rules.iter().filter(|(rule, _)| !present.contains(rule) && !firewall.admit.contains(rule)) {
        let revoked = FirewallRuleRevoked { peering_id, side, rule: *rule, rule_id: rule_id.clone() };
        draft.record(Outcome::FirewallRuleRevoked(revoked));
    }
    for rule in firewall.admit.difference(&present) {
        exact = false;
        draft.act(facts, Action::AuthorizeRule { side, group: group.clone(), rule: *rule });
    }
    if exact && (is_new || !firewall.enforced) {
        let admit = firewall.admit.iter().copied().collect();
        draft.record(Outcome::FirewallEnforced(FirewallEnforced { peering_id, side, group, admit }));
    }
    if !strangers.is_empty() {
        strange(facts, side, view, &strangers, draft);
    }
}

/// The rule, if the engine made it for this peering.
fn own(facts: &Facts<'_>, view: &RuleView) -> Option<InboundRule> {
    view.rule.filter(|_| view.owner == Some(facts.peering.id))
}

fn strange(facts: &Facts<'_>, side: Side, view: &GroupView, strangers: &[&RuleView], draft: &mut Draft) {
    let rules = strangers.iter().map(|rule| format!("{} ({})", rule.id, rule.text)).collect::<Vec<_>>().join(", ");
    let message = format!("{} holds rules that Peerage did not make: {rules}; they are left alone", view.group);
    let remedy = vec![format!("remove {rules} from {}, or move them to a group of your own", view.group)];
    draft.block(facts, BlockCause::Conflict, side, message, remedy);
}
