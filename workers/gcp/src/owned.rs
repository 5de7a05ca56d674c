//! Whose a firewall rule is: its name, and the owner in its description.
//!
//! ```text
//!   peerage-{peering}              the group: a rule that is not enforced and holds the name
//!   peerage-{peering}-{16 digits}  a rule of it; the digits say what it admits
//! ```
//!
//! Rules have no tags. One of such a name whose description says no owner is somebody else's.

use crate::compute::model::Firewall;
use cloud::{OWNER_TAG, Owner, group_name};
use domain::network::InboundRule;
use uuid::Uuid;

/// How many digits say what a rule admits: with the peering's name they are 61 characters of the 63
/// that a name may have.
const DIGITS: usize = 16;

/// What ids of policies begin with.
pub(crate) const POLICIES: &str = "firewallPolicies";

/// The name of the rule of a group that admits this.
pub(crate) fn rule_name(group: &str, rule: InboundRule) -> String {
    let target = rule.target.map(|it| it.to_string()).unwrap_or_default();
    let what = format!("{group}/tcp/{}/{}/{target}", rule.port, rule.source);
    let digits = Uuid::new_v5(&Uuid::NAMESPACE_URL, what.as_bytes())
        .simple()
        .to_string();
    format!("{group}-{}", &digits[..DIGITS])
}

/// What the name of a rule says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'n> {
    /// What holds a group's name.
    Group(&'n str),
    /// A rule of the group of this name.
    Rule(&'n str),
}

/// Whether a rule's name is one that the engine gives.
pub(crate) fn part_of_name(name: &str) -> Option<Part<'_>> {
    /// `peerage-` and an id.
    const GROUP: usize = 8 + 36;
    let (group, rest) = name.split_at_checked(GROUP)?;
    let id = group.strip_prefix("peerage-")?;
    let owner: Owner = id.parse().ok()?;
    debug_assert_eq!(group_name(owner.peering), group);
    match rest.strip_prefix('-') {
        None if rest.is_empty() => Some(Part::Group(group)),
        Some(digits) if is_digits(digits) => Some(Part::Rule(group)),
        None | Some(_) => None,
    }
}

fn is_digits(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == DIGITS && text.bytes().all(is_digit)
}

/// Whether a rule of this name is one of the group of that name.
pub(crate) fn is_member(name: &str, group: &str) -> bool {
    part_of_name(name) == Some(Part::Rule(group))
}

/// Whose a rule is: by its name and by what its description says, which have to agree.
pub(crate) fn owner_of(rule: &Firewall) -> Option<Owner> {
    let (Part::Group(group) | Part::Rule(group)) = part_of_name(&rule.name)?;
    let mut tags = rule.description.split_whitespace().filter_map(tagged);
    let owner = tags.next()?;
    (group_name(owner.peering) == group).then_some(owner)
}

/// A description that says the owner.
pub(crate) fn described(words: &str, owner: Owner) -> String {
    format!("{words} {OWNER_TAG}={owner}")
        .trim_start()
        .to_owned()
}

/// The owner that a word of a description says.
pub(crate) fn tagged(word: &str) -> Option<Owner> {
    let value = word.strip_prefix(OWNER_TAG)?.strip_prefix('=')?;
    value.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{NetworkId, PeeringId};

    const PEERING: PeeringId = PeeringId(Uuid::from_u128(7));
    const OWNER: Owner = Owner::new(NetworkId(Uuid::from_u128(5)), PEERING);

    fn rule(port: u16, source: &str, target: Option<&str>) -> InboundRule {
        InboundRule {
            source: source.parse().unwrap(),
            port,
            target: target.map(|it| it.parse().unwrap()),
        }
    }

    #[test]
    fn a_rules_name_says_its_group_and_is_another_for_each_thing_that_it_admits() {
        let group = group_name(PEERING);
        let rules = [
            rule(2113, "10.20.0.0/16", None),
            rule(2114, "10.20.0.0/16", None),
            rule(2113, "10.21.0.0/16", None),
            rule(2113, "10.20.0.0/16", Some("10.1.0.0/24")),
        ];
        let mut names: Vec<_> = rules.map(|it| rule_name(&group, it)).to_vec();
        for name in &names {
            assert!(name.len() <= 63, "{name} is too long");
            assert_eq!(part_of_name(name), Some(Part::Rule(&group)));
            assert!(is_member(name, &group));
        }
        assert_eq!(rule_name(&group, rules[0]), names[0], "always the same");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 4);
        assert_eq!(part_of_name(&group), Some(Part::Group(&group)));
        let others = [
            "peerage".to_owned(),
            "default-allow-internal".to_owned(),
            format!("{group}-deny"),
            format!("{group}0"),
            format!("{group}-0123456789abcdeg"),
            group.replace("peerage", "peerace"),
        ];
        for other in others {
            assert_eq!(part_of_name(&other), None, "{other}");
        }
    }

    #[test]
    fn a_rule_is_the_engines_only_if_its_name_and_its_description_agree() {
        let named = |name: &str, description: String| Firewall {
            name: name.to_owned(),
            description,
            ..Firewall::default()
        };
        let group = group_name(PEERING);
        let ours = described("Words of people.", OWNER);
        assert_eq!(owner_of(&named(&group, ours.clone())), Some(OWNER));
        assert_eq!(owner_of(&named("web", ours.clone())), None);
        assert_eq!(owner_of(&named(&group, String::new())), None);
        let another = Owner::new(NetworkId(Uuid::from_u128(5)), PeeringId(Uuid::from_u128(8)));
        assert_eq!(owner_of(&named(&group, described("", another))), None);
    }
}
