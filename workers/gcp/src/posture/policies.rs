//! Firewall policies: those of the organisation and its folders, and those of the network itself.

use super::rules::{Entry, anywhere, entry_id, ranges, text};
use crate::{
    Asked,
    compute::{
        NetworkName,
        model::{EffectiveFirewalls, Matcher, Policy, PolicyRule},
        names,
    },
    owned::POLICIES,
};
use cloud::{AccessEntry, CloudError, Direction, GroupView, RuleView, Source, Traffic};
use domain::{network::ExposedBy, text::CloudNetwork};
use ipnet::IpNet;

/// Adds the policies of a region; the others are known. Two of them may have one name.
pub(super) fn add_regional(known: &mut EffectiveFirewalls, more: EffectiveFirewalls, of: &str) {
    let regional = more
        .policies
        .into_iter()
        .filter(|it| Level::of(it) == Level::Region);
    known.policies.extend(regional.map(|it| {
        let name = it.name.as_deref().map_or("", names::last);
        let name = Some(format!("{of}-{name}"));
        Policy { name, ..it }
    }));
}

/// Whose policies are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Those of the organisation, its folders and the service itself, which come first.
    Above,
    /// The network's own.
    Network,
    /// Those of the network's machines in one region.
    Region,
}

impl Level {
    fn of(policy: &Policy) -> Self {
        match policy.kind.as_deref() {
            Some("NETWORK") => Self::Network,
            Some("NETWORK_REGIONAL" | "SYSTEM_REGIONAL") => Self::Region,
            Some(_) | None => Self::Above,
        }
    }
}

/// What a rule does with traffic that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Allow,
    Deny,
    /// The next level decides.
    GoToNext,
}

impl Action {
    /// What the service inspects it may let through, and so may what nobody here has heard of.
    fn of(rule: &PolicyRule) -> Self {
        match rule.action.as_str() {
            "deny" => Self::Deny,
            "goto_next" => Self::GoToNext,
            _ => Self::Allow,
        }
    }
}

fn is_inbound(rule: &PolicyRule) -> bool {
    rule.direction.as_deref() != Some("EGRESS") && !rule.disabled
}

fn is_about(rule: &PolicyRule, network: &NetworkName) -> bool {
    let mut named = rule.target_resources.iter();
    let is_it = |url: &String| NetworkName::of(url, &network.project).as_ref() == Some(network);
    rule.target_resources.is_empty() || named.any(is_it)
}

/// Whether a rule is aimed at some machines alone.
fn is_aimed(rule: &PolicyRule) -> bool {
    !rule.target_service_accounts.is_empty()
        || !rule.target_secure_tags.is_empty()
        || !rule.target_forwarding_rules.is_empty()
        || rule
            .target_type
            .as_deref()
            .is_some_and(|it| it != "INSTANCES")
}

/// The sources of a rule, any of which will do; none where it is about tags alone, which are no
/// peer's.
fn sources(matcher: &Matcher) -> Vec<Source> {
    let lists = [
        &matcher.src_address_groups,
        &matcher.src_fqdns,
        &matcher.src_region_codes,
        &matcher.src_threat_intelligences,
        &matcher.src_networks,
    ];
    let context = [&matcher.src_network_type, &matcher.src_network_context];
    let context = context
        .into_iter()
        .flatten()
        .filter(|it| *it != "UNSPECIFIED");
    let named: Vec<String> = lists
        .into_iter()
        .flatten()
        .chain(context)
        .cloned()
        .collect();
    let mut sources = Vec::new();
    match matcher.src_ip_ranges.as_slice() {
        [] if named.is_empty() && matcher.src_secure_tags.is_empty() => {
            sources.push(Source::Ranges(anywhere()));
        }
        [] => {}
        texts => sources
            .push(ranges(texts).map_or_else(|| Source::Named(texts.join(",")), Source::Ranges)),
    }
    if !named.is_empty() {
        sources.push(Source::Named(named.join(",")));
    }
    sources
}

/// The traffic that a rule is about, and whether all of it could be read.
fn traffic(matcher: &Matcher) -> Vec<(Entry, Traffic, bool)> {
    let lists = [
        &matcher.dest_address_groups,
        &matcher.dest_fqdns,
        &matcher.dest_region_codes,
        &matcher.dest_threat_intelligences,
    ];
    let names_targets = lists.into_iter().any(|it| !it.is_empty());
    let target: Option<Vec<IpNet>> = match matcher.dest_ip_ranges.as_slice() {
        [] => None,
        texts => ranges(texts),
    };
    let is_read = !names_targets && (matcher.dest_ip_ranges.is_empty() || target.is_some());
    let target = target.filter(|_| !names_targets);
    let mut entries = Vec::new();
    for config in &matcher.layer4_configs {
        match config.ports.as_slice() {
            [] => entries.push(Entry::of(&config.ip_protocol, None)),
            ports => {
                let each = ports
                    .iter()
                    .map(|it| Entry::of(&config.ip_protocol, Some(it)));
                entries.extend(each);
            }
        }
    }
    if matcher.layer4_configs.is_empty() {
        entries.push(Entry::of("all", None));
    }
    let of = |entry: Entry| {
        let all = sources(matcher).into_iter().map(|source| {
            let traffic = Traffic {
                source,
                target: target.clone(),
                protocol: entry.protocol.clone(),
                ports: entry.ports,
            };
            (entry.clone(), traffic, is_read && entry.is_read)
        });
        all.collect::<Vec<_>>()
    };
    entries.into_iter().flat_map(of).collect()
}

fn in_order(policy: &Policy) -> Vec<&PolicyRule> {
    let inbound = policy.rules.iter().filter(|it| is_inbound(it));
    let mut rules: Vec<_> = inbound.collect();
    rules.sort_by_key(|it| it.priority);
    rules
}

/// What the policies of a level allow and deny a network, in order.
pub(super) fn entries(
    effective: &EffectiveFirewalls,
    network: &NetworkName,
    level: Level,
) -> Vec<AccessEntry> {
    let mut policies: Vec<_> = effective.policies.iter().collect();
    policies.retain(|it| Level::of(it) == level);
    if level == Level::Network {
        policies.sort_by_key(|it| it.priority.unwrap_or(0));
    }
    let mut entries = Vec::new();
    for policy in policies {
        let mut hands_over = false;
        for rule in in_order(policy)
            .into_iter()
            .filter(|it| is_about(it, network))
        {
            let allow = match Action::of(rule) {
                Action::GoToNext => {
                    hands_over = true;
                    continue;
                }
                Action::Deny if hands_over || level == Level::Region || is_aimed(rule) => continue,
                Action::Deny => false,
                Action::Allow => true,
            };
            for (_, traffic, is_read) in traffic(&rule.matcher) {
                if allow || is_read {
                    entries.push(AccessEntry {
                        direction: Direction::Inbound,
                        priority: 0,
                        traffic,
                        allow,
                    });
                }
            }
        }
    }
    entries
}

/// Each policy that admits something as a group of its own, which is never the engine's.
pub(super) fn groups(
    asked: &Asked<'_>,
    network: &CloudNetwork,
    effective: &EffectiveFirewalls,
) -> Result<Vec<GroupView>, CloudError> {
    let mut views = Vec::new();
    let home = asked.network(network);
    for (number, policy) in effective.policies.iter().enumerate() {
        let id = policy.name.as_deref().map(names::last);
        let id = id.map_or_else(
            || format!("{POLICIES}/{number}"),
            |it| format!("{POLICIES}/{it}"),
        );
        let title = policy.short_name.as_ref().or(policy.display_name.as_ref());
        let title = title.or(policy.name.as_ref()).unwrap_or(&id);
        let mut rules = Vec::new();
        let admitting = in_order(policy)
            .into_iter()
            .filter(|it| is_about(it, &home) && Action::of(it) == Action::Allow);
        for rule in admitting {
            let all = traffic(&rule.matcher);
            let name = format!("{id}/{}", rule.priority);
            for (number, (entry, admits, _)) in all.iter().enumerate() {
                let mut id = entry_id(&name, entry, all.len());
                if matches!(admits.source, Source::Named(_)) && all.len() > 1 {
                    id = format!("{id}/{number}");
                }
                rules.push(RuleView {
                    id: asked.name("firewall rule", &id)?,
                    rule: None,
                    text: text(admits),
                    admits: admits.clone(),
                    owner: None,
                    what: ExposedBy::Rule,
                });
            }
        }
        if !rules.is_empty() {
            let whose = policy.kind.as_deref().unwrap_or("unspecified");
            views.push(GroupView {
                network: network.clone(),
                group: asked.name("firewall policy", &id)?,
                name: title.clone(),
                belongs_to: format!("{} policy ({title})", whose.to_ascii_lowercase()),
                owner: None,
                rules,
            });
        }
    }
    Ok(views)
}
