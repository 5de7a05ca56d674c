//! The firewall of one side: a group that the engine owns and that admits exactly what the posture
//! says, be it nothing.

use super::{
    Draft, Facts, Query, attachment,
    drift::{self, Verdict},
    later, left_open, pair,
};
use crate::provisioner::apply::Action;
use cloud::{FirewallPart, GroupView, LinkForm, RuleView, group_name};
use domain::{
    Side,
    network::{
        BlockCause, DriftKind, DriftPolicy, Firewall, FirewallEnforced, FirewallGroupCreated,
        FirewallRuleAuthorized, FirewallRuleRevoked, InboundRule, InstallationEnded, Thing,
    },
};
use std::collections::BTreeSet;

pub(super) fn plan(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    if is_unseen(facts, side) {
        match left_open::may_make(facts, side, draft) {
            Some(true) => make(facts, side, draft),
            // What lets the other side in is told all the same.
            Some(false) => drop(draft.require(facts.seen.groups.get(side), Query::Groups(side))),
            None => {}
        }
        return;
    }
    if may_have_group(facts, side) {
        attachment::is_seen(facts, side, draft);
    }
    let Some(groups) = draft.require(facts.seen.groups.get(side), Query::Groups(side)) else {
        return;
    };
    let ours: Vec<&GroupView> = groups
        .iter()
        .filter(|group| is_ours(facts, side, group))
        .collect();
    match ours.as_slice() {
        [] => missing(facts, side, groups, draft),
        [group] => hold(facts, side, group, draft),
        [_, _, ..] => {
            let ids = ours
                .iter()
                .map(|group| group.group.to_string())
                .collect::<Vec<_>>()
                .join(", ");
            let message = format!(
                "{ids} all have this peering's tag and name; one of them can be the engine's"
            );
            let remedy = vec![format!(
                "delete those of {ids} that Peerage did not make, or take the tag off them"
            )];
            draft.block(facts, BlockCause::Conflict, side, message, remedy);
        }
    }
}

/// Whether the engine made the group for this peering: by the record, or, where it was about to
/// make one, by its tag and its name. A copy of it has the tag too, and a name of its own.
pub(super) fn is_ours(facts: &Facts<'_>, side: Side, view: &GroupView) -> bool {
    let named_and_tagged =
        || pair::has_our_tag(facts, view.owner) && view.name == group_name(facts.peering.id);
    facts.peering.firewall.get(side).group.as_ref() == Some(&view.group)
        || facts.peering.is_ours(side, &Thing::Group) && named_and_tagged()
}

fn missing(facts: &Facts<'_>, side: Side, groups: &[GroupView], draft: &mut Draft) {
    let known = facts.peering.firewall.get(side).group.clone();
    let repairs = match known {
        None => true,
        Some(group) => {
            drift::classify(facts, DriftKind::GroupMissing { side, group }, draft)
                == Verdict::Repair
        }
    };
    if !repairs {
        return;
    }
    let name = group_name(facts.peering.id);
    match groups.iter().find(|group| group.name == name) {
        Some(theirs) => name_is_taken(facts, side, theirs, draft),
        None if left_open::may_make(facts, side, draft) == Some(true) => make(facts, side, draft),
        None => {}
    }
}

/// A group of somebody else's has the name that the engine's would have. A cloud gives a name once
/// in a network, and a group of another owner is not taken over.
fn name_is_taken(facts: &Facts<'_>, side: Side, theirs: &GroupView, draft: &mut Draft) {
    let (name, group, owner) = (&theirs.name, &theirs.group, &theirs.belongs_to);
    let message = format!(
        "{group} has the name of the engine's firewall group, {name}, and was not made by Peerage; it belongs to {owner}"
    );
    let remedy = vec![format!(
        "delete {group}, or move what uses it to a group of another name; Peerage then makes its own {name}"
    )];
    draft.block(facts, BlockCause::Conflict, side, message, remedy);
}

/// Whether the group is to be made before the groups are looked at.
pub(super) fn is_unseen(facts: &Facts<'_>, side: Side) -> bool {
    facts.seen.groups.get(side).is_none() && is_new(facts, side)
}

/// Whether nobody has asked for the group yet, as far as anybody remembers. It can be made unseen:
/// its name is unique in its network, so there will not be two, and one that is there already is
/// for the read that follows.
fn is_new(facts: &Facts<'_>, side: Side) -> bool {
    !facts.peering.is_ours(side, &Thing::Group)
        && facts
            .memory
            .answered(&Action::CreateGroup { side })
            .is_none()
}

/// The group, and at once what it admits: nobody could look at it in between and see anything else.
fn make(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    let action = Action::CreateGroup { side };
    if !draft.waits_for(facts, &action) {
        draft.about_to_make(facts, side, Thing::Group);
        draft.actions.push(action);
        for rule in facts.network.admitted(facts.peering, side) {
            draft.about_to_make(facts, side, thing(rule));
            draft.admissions.push((side, rule));
        }
    }
}

/// The thing that a rule is.
pub(super) fn thing(rule: InboundRule) -> Thing {
    Thing::from(rule)
}

/// Whether a group of the engine's is there, or may be.
pub(super) fn may_have_group(facts: &Facts<'_>, side: Side) -> bool {
    let firewall = facts.peering.firewall.get(side);
    let is_intended = |(it, _)| matches!(it, &Thing::Group | &Thing::Rule { .. });
    firewall.group.is_some() || facts.peering.intents.get(side).iter().any(is_intended)
}

/// The rule, if the engine made it for this peering: by the record, or by its tag where it was
/// about to make one of this form, or is to.
pub(super) fn own(
    facts: &Facts<'_>,
    side: Side,
    known: &Firewall,
    view: &RuleView,
) -> Option<InboundRule> {
    let rule = view.rule?;
    let by_record = known.rules.get(&rule) == Some(&view.id);
    let by_form = || {
        facts.peering.is_ours(side, &thing(rule))
            || facts.peering.firewall.get(side).admit.contains(&rule)
    };
    (by_record || pair::has_our_tag(facts, view.owner) && by_form()).then_some(rule)
}

/// Puts on record which of our rules are there and which are not, as far as it does not say so yet.
pub(super) fn record_rules(
    facts: &Facts<'_>,
    side: Side,
    view: &GroupView,
    known: &Firewall,
    draft: &mut Draft,
) {
    let (peering_id, group) = (facts.peering.id, view.group.clone());
    if known.group.as_ref() != Some(&group) {
        draft.record(FirewallGroupCreated {
            peering_id,
            side,
            group,
        });
    }
    for (rule, shown) in view
        .rules
        .iter()
        .filter_map(|shown| own(facts, side, known, shown).map(|rule| (rule, shown)))
    {
        if known.rules.get(&rule) != Some(&shown.id) {
            draft.record(FirewallRuleAuthorized {
                peering_id,
                side,
                rule,
                rule_id: shown.id.clone(),
            });
        }
    }
}

/// What is on record of the group; another group than before holds none of the rules on record.
pub(super) fn known_of(facts: &Facts<'_>, side: Side, view: &GroupView) -> Firewall {
    let firewall = facts.peering.firewall.get(side);
    if firewall.group.as_ref() == Some(&view.group) {
        firewall.clone()
    } else {
        Firewall::default()
    }
}

/// Compares the group with the posture.
fn hold(facts: &Facts<'_>, side: Side, view: &GroupView, draft: &mut Draft) {
    let (peering_id, group) = (facts.peering.id, view.group.clone());
    let (firewall, admit) = (
        facts.peering.firewall.get(side),
        facts.network.admitted(facts.peering, side),
    );
    if attachment::is_seen(facts, side, draft).is_none() {
        return;
    }
    let known = known_of(facts, side, view);
    record_rules(facts, side, view, &known, draft);
    tags(facts, side, view, &known, draft);
    let mut exact = strangers(facts, side, view, &known, draft);
    exact &= close(facts, side, view, &known, draft);
    let present: BTreeSet<InboundRule> = view.rules.iter().filter_map(|rule| rule.rule).collect();
    for rule in admit.difference(&present).copied() {
        let kind = DriftKind::RuleMissing { side, rule };
        let accepted_drift = facts.peering.accepted_drift.contains_key(&kind);
        if accepted_drift {
            continue;
        }
        exact = false;
        if !known.rules.contains_key(&rule)
            || drift::classify(facts, kind, draft) == Verdict::Repair
        {
            draft.install(
                facts,
                side,
                thing(rule),
                Action::AuthorizeRule {
                    side,
                    group: group.clone(),
                    rule,
                },
            );
        }
    }
    let is_on_record = if admit == firewall.admit {
        firewall.is_enforced()
    } else {
        firewall.closed_at.is_some()
    };
    if exact && (known.group.is_none() || !is_on_record) {
        let admit = admit.into_iter().collect();
        draft.record(FirewallEnforced {
            peering_id,
            side,
            group,
            admit,
            attached: attachment::count(facts, side, &view.group),
        });
    } else {
        attachment::tell(facts, side, view, draft);
    }
    attachment::plan(facts, side, view, draft);
}

/// What is no longer admitted goes, and is put on record as gone once it is. Says whether there was
/// nothing of the kind.
fn close(
    facts: &Facts<'_>,
    side: Side,
    view: &GroupView,
    known: &Firewall,
    draft: &mut Draft,
) -> bool {
    let (peering_id, admit) = (
        facts.peering.id,
        facts.network.admitted(facts.peering, side),
    );
    let mut closed = true;
    for (rule, shown) in view
        .rules
        .iter()
        .filter_map(|shown| own(facts, side, known, shown).map(|rule| (rule, shown)))
    {
        if !admit.contains(&rule) {
            closed = false;
            draft.act(
                facts,
                Action::RevokeRule {
                    side,
                    group: view.group.clone(),
                    id: shown.id.clone(),
                },
            );
        }
    }
    let shown = |rule: &InboundRule| view.rules.iter().any(|it| it.rule == Some(*rule));
    for (rule, rule_id) in known
        .rules
        .iter()
        .filter(|(rule, _)| !shown(rule) && !admit.contains(rule))
    {
        draft.record(FirewallRuleRevoked {
            peering_id,
            side,
            rule: *rule,
            rule_id: rule_id.clone(),
        });
    }
    closed
}

/// What is to be closed on this side, as far as the log knows of it, and no more than that: it does
/// not wait for what cannot be seen elsewhere.
pub(super) fn close_alone(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    let on_record = facts.peering.firewall.get(side);
    let admit = facts.network.admitted(facts.peering, side);
    let wanted: BTreeSet<Thing> = admit.iter().map(|rule| thing(*rule)).collect();
    let mut intents = facts.peering.intents.get(side).iter();
    let may_stand = intents.any(|(it, _)| matches!(it, Thing::Rule { .. }) && !wanted.contains(it));
    if on_record.rules.keys().all(|rule| admit.contains(rule)) && !may_stand {
        return;
    }
    let Some(groups) = draft.require(facts.seen.groups.get(side), Query::Groups(side)) else {
        return;
    };
    let shown = groups.iter().find(|view| is_ours(facts, side, view));
    if let Some(view) = shown {
        let known = known_of(facts, side, view);
        record_rules(facts, side, view, &known, draft);
        close(facts, side, view, &known, draft);
    }
    unseen_rules(facts, side, shown, &wanted, draft);
}

/// Rules that were about to be made, are no longer wanted and never show are over once no read
/// could hide them any more.
fn unseen_rules(
    facts: &Facts<'_>,
    side: Side,
    shown: Option<&GroupView>,
    wanted: &BTreeSet<Thing>,
    draft: &mut Draft,
) {
    let shows = |it: &Thing| {
        let rules = shown.into_iter().flat_map(|view| &view.rules);
        rules
            .filter_map(|rule| rule.rule)
            .any(|rule| thing(rule) == *it)
    };
    let mut over = Vec::new();
    for (it, since) in facts.peering.intents.get(side).iter() {
        if !matches!(it, Thing::Rule { .. }) || wanted.contains(it) || shows(it) {
            continue;
        }
        if facts.seen_at < later(since, facts.settings.visibility_window) {
            draft.polls = true;
        } else {
            over.push(it.clone());
        }
    }
    if !over.is_empty() {
        draft.record(InstallationEnded {
            peering_id: facts.peering.id,
            side,
            things: over,
        });
    }
}

/// The tags say whose a thing is; without them a person cannot tell, and neither could an engine
/// with an older log.
fn tags(facts: &Facts<'_>, side: Side, view: &GroupView, known: &Firewall, draft: &mut Draft) {
    let group = &view.group;
    let mut put_back = |kind, part| {
        if drift::classify(facts, kind, draft) == Verdict::Repair {
            draft.act(facts, Action::TagFirewall { side, part });
        }
    };
    if !pair::has_our_tag(facts, view.owner) {
        put_back(
            DriftKind::GroupTagMissing {
                side,
                group: group.clone(),
            },
            FirewallPart::Group(group.clone()),
        );
    }
    for shown in view.rules.iter().filter(|shown| {
        !pair::has_our_tag(facts, shown.owner) && own(facts, side, known, shown).is_some()
    }) {
        let (group, rule) = (group.clone(), shown.id.clone());
        put_back(
            DriftKind::RuleTagMissing {
                side,
                rule_id: rule.clone(),
            },
            FirewallPart::Rule { group, rule },
        );
    }
}

/// The rules in our group that the engine did not make.
pub(super) fn others<'v>(
    facts: &Facts<'_>,
    side: Side,
    view: &'v GroupView,
    known: &Firewall,
) -> Vec<&'v RuleView> {
    let mut all: Vec<_> = view.rules.iter().collect();
    all.retain(|rule| own(facts, side, known, rule).is_none());
    all
}

fn named(rules: &[&RuleView]) -> String {
    let each = rules.iter().map(|it| format!("{} ({})", it.id, it.text));
    each.collect::<Vec<_>>().join(", ")
}

/// A group that is to go stays while it holds rules that the engine did not make: they would go
/// with it. A person is told which.
pub(super) fn stays(
    facts: &Facts<'_>,
    side: Side,
    view: &GroupView,
    others: &[&RuleView],
    draft: &mut Draft,
) {
    let (group, rules) = (&view.group, named(others));
    let message = format!(
        "{group} holds rules that Peerage did not make, and is not deleted with them: {rules}"
    );
    let remedy = vec![
        format!(
            "remove {rules} from {group}, or move them to a group of your own; the removal goes on then"
        ),
        format!(
            "or leave {group} to whoever uses it: `peerage peering abandon {}` ends the peering and names it",
            facts.peering.id
        ),
    ];
    draft.block(facts, BlockCause::Conflict, side, message, remedy);
}

/// Rules in our group that the engine did not make are left alone, and a person is told. Says
/// whether there are none that matter.
/// Whether a rule is the engine's and admits what the engine never admits: somebody has changed it,
/// or it stands for a denial of the engine's that is missing. Only where a rule's name says whose
/// it is; a tag can be copied.
fn is_altered(facts: &Facts<'_>, rule: &RuleView) -> bool {
    let says_by_name = LinkForm::of(facts.network.provider).is_two_objects();
    says_by_name && rule.rule.is_none() && pair::has_our_tag(facts, rule.owner)
}

fn strangers(
    facts: &Facts<'_>,
    side: Side,
    view: &GroupView,
    known: &Firewall,
    draft: &mut Draft,
) -> bool {
    let kind = |rule: &RuleView| DriftKind::RuleExtra {
        side,
        rule_id: rule.id.clone(),
        admits: rule.text.clone(),
    };
    let mut strange = others(facts, side, view, known);
    strange.retain(|rule| !facts.peering.accepted_drift.contains_key(&kind(rule)));
    if strange.is_empty() {
        return true;
    }
    let (altered, strange): (Vec<_>, Vec<_>) = strange
        .into_iter()
        .partition(|rule| is_altered(facts, rule));
    for rule in altered {
        if drift::classify(facts, kind(rule), draft) == Verdict::Repair {
            let (group, id) = (view.group.clone(), rule.id.clone());
            draft.act(facts, Action::RevokeRule { side, group, id });
        }
    }
    if strange.is_empty() {
        return false;
    }
    for rule in &strange {
        drift::report(facts, kind(rule), draft);
    }
    if facts.network.policy.drift == DriftPolicy::Repair {
        let rules = named(&strange);
        let message = format!(
            "{} holds rules that Peerage did not make: {rules}; they are left alone",
            view.group
        );
        let remedy = vec![format!(
            "remove {rules} from {}, or move them to a group of your own",
            view.group
        )];
        draft.block(facts, BlockCause::Conflict, side, message, remedy);
    }
    false
}
