//! The engine's own rules by their names, and the words in which they say what they do.
//!
//! ```text
//!   peerage-{peering}                    denies all that comes from the other network
//!   peerage-{peering}-{port}-{digest}    admits one port from one range to one
//! ```

use crate::arm::{ResourceId, model::RuleProperties, model::SecurityRule};
use cloud::{Owner, group_name, owner_by_name};
use domain::{
    PeeringId,
    network::InboundRule,
    text::{FirewallGroup, FirewallRule},
};
use ipnet::IpNet;
use std::fmt;
use uuid::{Uuid, uuid};

/// The name space of digests; never changed.
const RULES: Uuid = uuid!("2b7a2c9e-0a55-4d3e-8d0b-5f2f6f4f3c11");

/// How many characters of a digest a name has: with the rest, 80 at most.
const DIGEST: usize = 12;

/// The name of the denial.
pub(super) fn denial(peering: PeeringId) -> String {
    group_name(peering)
}

/// The name of the rule that admits this.
pub(super) fn admission(peering: PeeringId, rule: InboundRule) -> String {
    let target = rule.target.map(|it| it.to_string()).unwrap_or_default();
    let said = format!("{}/{}/{target}", rule.source, rule.port);
    format!("{}-{}-{}", group_name(peering), rule.port, digest(&said))
}

/// Whose a rule of this name is, and whether it is the denial.
pub(super) fn owner(name: &str) -> Option<(PeeringId, bool)> {
    const LONGEST: usize = "peerage-".len() + 36;
    let head = name.get(..LONGEST)?;
    let owner = owner_by_name(&head.parse().ok()?)?;
    let rest = name.get(LONGEST..)?;
    let is_ours = rest.is_empty() || rest.starts_with('-');
    is_ours.then_some((owner.peering, rest.is_empty()))
}

/// Whose a rule is, as its description says it: the owner; and of a link that somebody else made, a
/// digest of its name, since that name does not say whose it is. A description has 140 characters
/// at most, which is too few for the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) owner: Owner,
    pub(super) link: Option<String>,
}

impl Told {
    pub(super) fn by(rule: &SecurityRule) -> Option<Self> {
        let told = rule.properties.description.as_deref()?;
        let (owner, link) = match told.split_once(' ') {
            Some((owner, link)) => (owner, Some(link.to_owned())),
            None => (told, None),
        };
        let owner = owner.parse().ok()?;
        Some(Self { owner, link })
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.link {
            Some(link) => write!(f, "{} {link}", self.owner),
            None => self.owner.fmt(f),
        }
    }
}

/// The digest of a half's name, which the service does not tell apart by case.
pub(super) fn digest_of(half: &str) -> String {
    digest(&half.to_ascii_lowercase())
}

fn digest(said: &str) -> String {
    let digest = Uuid::new_v5(&RULES, said.as_bytes()).simple().to_string();
    digest.get(..DIGEST).unwrap_or_default().to_owned()
}

/// Whether a rule of the denial's name is the engine's: it says whose it is. What does not is
/// somebody else's, whatever it denies.
pub(super) fn is_denial_of(rule: &SecurityRule, peering: PeeringId) -> bool {
    let told = Told::by(rule);
    owner(&rule.name) == Some((peering, true)) && told.is_some_and(|it| it.owner.peering == peering)
}

/// Whether this is a rule of the engine's that admits something for this peering.
pub(super) fn admits_for(rule: &SecurityRule, peering: Option<PeeringId>) -> bool {
    let owner = owner(&rule.name);
    owner.is_some_and(|(of, is_denial)| !is_denial && Some(of) == peering)
}

/// What the denial says.
pub(super) fn deny(from: &[IpNet], priority: u32, told: &Told) -> RuleProperties {
    RuleProperties {
        access: "Deny".to_owned(),
        protocol: "*".to_owned(),
        source_address_prefixes: from.iter().map(ToString::to_string).collect(),
        destination_port_range: Some("*".to_owned()),
        destination_address_prefix: Some("*".to_owned()),
        ..said(priority, told)
    }
}

/// What a rule says that admits this.
pub(super) fn admit(rule: InboundRule, priority: u32, told: &Told) -> RuleProperties {
    let target = rule.target.map(|it| it.to_string());
    RuleProperties {
        access: "Allow".to_owned(),
        protocol: "Tcp".to_owned(),
        source_address_prefix: Some(rule.source.to_string()),
        destination_port_range: Some(rule.port.to_string()),
        destination_address_prefix: Some(target.unwrap_or_else(|| "*".to_owned())),
        ..said(priority, told)
    }
}

fn said(priority: u32, told: &Told) -> RuleProperties {
    RuleProperties {
        description: Some(told.to_string()),
        direction: "Inbound".to_owned(),
        priority,
        source_port_range: Some("*".to_owned()),
        ..RuleProperties::default()
    }
}

/// A rule in the engine's words, if they have any for it.
pub(super) fn in_our_words(rule: &RuleProperties) -> Option<InboundRule> {
    let source = rule.source_address_prefix.as_deref()?;
    let to = rule.destination_address_prefix.as_deref()?;
    let target = match to {
        "*" => None,
        range => Some(range.parse().ok()?),
    };
    let is_plain = rule.source_address_prefixes.is_empty()
        && rule.destination_address_prefixes.is_empty()
        && rule.destination_port_ranges.is_empty()
        && rule.source_application_security_groups.is_empty()
        && rule.destination_application_security_groups.is_empty()
        && rule.protocol.eq_ignore_ascii_case("Tcp")
        && rule.source_port_range.as_deref() == Some("*");
    is_plain.then_some(InboundRule {
        source: source.parse().ok()?,
        port: rule.destination_port_range.as_deref()?.parse().ok()?,
        target,
    })
}

/// The owner that a rule's description names, or else its name.
pub(super) fn owner_of(rule: &SecurityRule, peering: PeeringId) -> Owner {
    Told::by(rule).map_or(Owner::before_networks(peering), |it| it.owner)
}

/// The id of the rules of a peering in a VNet. It is no resource of Azure's.
pub(super) fn group_id(vnet: &str, peering: PeeringId) -> Option<FirewallGroup> {
    format!("{vnet}/{}", group_name(peering)).parse().ok()
}

/// The VNet and the peering of such an id.
pub(super) fn read_group(id: &FirewallGroup) -> Option<(ResourceId, PeeringId)> {
    let (vnet, name) = id.as_str().rsplit_once('/')?;
    let (peering, _) = owner(name).filter(|(_, is_denial)| *is_denial)?;
    Some((ResourceId::vnet(vnet)?, peering))
}

/// The id of one of its rules.
pub(super) fn rule_id(group: &FirewallGroup, name: &str) -> Option<FirewallRule> {
    format!("{group}/{name}").parse().ok()
}

/// What stands for a denial that is missing: it is removed by putting the denial.
pub(super) const OPEN: &str = "open";

#[cfg(test)]
mod tests {
    use super::*;

    const PEERING: PeeringId = PeeringId(Uuid::from_u128(7));

    fn rule(port: u16, target: Option<&str>) -> InboundRule {
        InboundRule {
            source: "10.2.0.0/16".parse().unwrap(),
            port,
            target: target.map(|it| it.parse().unwrap()),
        }
    }

    #[test]
    fn a_rules_name_says_whose_it_is_and_differs_with_what_it_admits() {
        let names = [
            admission(PEERING, rule(65535, None)),
            admission(PEERING, rule(2113, None)),
            admission(PEERING, rule(2113, Some("10.1.0.4/32"))),
        ];
        for name in &names {
            assert!(name.len() <= 80, "Azure takes no longer name: {name}");
            assert_eq!(owner(name), Some((PEERING, false)));
        }
        assert!(names[0] != names[1] && names[1] != names[2]);
        assert_eq!(owner(&denial(PEERING)), Some((PEERING, true)));
        for other in ["web", "peerage-web", &format!("{}x", denial(PEERING))] {
            assert_eq!(owner(other), None, "{other}");
        }
    }

    fn told(link: Option<&str>) -> Told {
        Told {
            owner: Owner::new(domain::NetworkId(Uuid::from_u128(6)), PEERING),
            link: link.map(digest_of),
        }
    }

    #[test]
    fn a_description_tells_of_somebody_elses_link_and_is_read_as_it_was_written() {
        let longest = "x".repeat(80);
        for link in [None, Some("to-events"), Some(&*longest)] {
            let it = told(link);
            assert!(it.to_string().len() <= 140, "Azure takes no longer one");
            let rule = SecurityRule {
                id: String::new(),
                name: denial(PEERING),
                properties: deny(&[], 199, &it),
            };
            assert_eq!(Told::by(&rule), Some(it));
            assert!(is_denial_of(&rule, PEERING));
        }
        assert_eq!(told(Some("To-Events")), told(Some("to-events")));
        assert_ne!(told(Some("to-orders")), told(Some("to-events")));
    }

    #[test]
    fn a_denial_is_the_engines_only_if_it_says_so() {
        let says = |description: Option<String>| SecurityRule {
            id: String::new(),
            name: denial(PEERING),
            properties: RuleProperties {
                description,
                ..deny(&[], 199, &told(None))
            },
        };
        let of = |peering| Some(Owner::before_networks(peering).to_string());
        assert!(is_denial_of(&says(of(PEERING)), PEERING));
        let others = of(PeeringId(Uuid::from_u128(8)));
        for not in [None, Some("keep orders out".to_owned()), others] {
            assert!(!is_denial_of(&says(not.clone()), PEERING), "{not:?}");
        }
    }

    #[test]
    fn what_the_engine_admits_is_read_as_it_was_written() {
        for it in [rule(2113, None), rule(443, Some("10.1.2.0/24"))] {
            assert_eq!(in_our_words(&admit(it, 100, &told(None))), Some(it));
        }
        assert_eq!(in_our_words(&deny(&[], 100, &told(None))), None);
        let wide = RuleProperties {
            destination_port_range: Some("1-9".to_owned()),
            ..admit(rule(1, None), 100, &told(None))
        };
        assert_eq!(in_our_words(&wide), None);
    }

    #[test]
    fn the_id_of_a_peerings_rules_names_the_network_and_the_peering() {
        let vnet =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";
        let id = group_id(vnet, PEERING).unwrap();
        let (read, peering) = read_group(&id).unwrap();
        assert!(read.is(vnet) && peering == PEERING);
        let nsg = vnet.replace("virtualNetworks", "networkSecurityGroups");
        assert_eq!(read_group(&nsg.parse().unwrap()), None);
    }
}
