//! The file: networks and their peerings as they are wanted, in TOML. `apply` reads it, `export`
//! writes it.

use super::{
    admit::{Admit, Terms},
    attach::Attach,
    values::{local, time, when},
};
use crate::{
    api::v1,
    cli::{
        CliError,
        args::{LinkOption, Provider, Side, SideOption, timestamp},
        deny::DenyWith,
        network::PolicyArgs,
        output::word,
        peering::Consent,
        tenure::tenure,
    },
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// All that a file says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(rename = "network", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) networks: Vec<Network>,
}

/// A private network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    #[serde(default = "default_project")]
    pub(super) project: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) provider: Provider,
    pub(super) account: String,
    /// None for a network of Google Cloud.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) region: String,
    pub(super) cloud_network: String,
    pub(super) range: String,
    /// The IPv6 ranges that it has beside that; none is no word about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ipv6_ranges: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) subnets: Vec<String>,
    /// From where its nodes call out; none is no word about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) nodes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<PolicyArgs>,
    #[serde(rename = "peering", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) peerings: Vec<Peering>,
}

/// The region that is meant: of a network of Google Cloud none has to be named.
fn place(provider: Provider, region: &str) -> String {
    match provider {
        Provider::Gcp if region.is_empty() => domain::GLOBAL.to_owned(),
        Provider::Aws | Provider::Gcp | Provider::Azure => region.to_owned(),
    }
}

/// A peering of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Peering {
    #[serde(default)]
    pub(super) provider: Provider,
    pub(super) account: String,
    /// None for a network of Google Cloud.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) region: String,
    pub(super) cloud_network: String,
    pub(super) ranges: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) subnets: Vec<String>,
    /// A link that another tool made, to be adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<String>,
    #[serde(default)]
    pub(super) consent: Consent,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time")]
    pub(super) deadline: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) renew: bool,
    /// Why the link may be opened though nothing denies what comes over it (Azure).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) accept_open: Option<String>,
    /// Who answers for it. Left out: as on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<String>,
    /// When it ends by itself. Left out: as on record.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time")]
    pub(super) expires: Option<DateTime<Utc>>,
    /// When what is admitted anew ends by itself, unless another end is named with it; what is
    /// admitted already keeps what it has.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time")]
    pub(super) admit_expires: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) local_routes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) remote_routes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) admit: Vec<Admit>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) dns: Vec<Side>,
    /// Other options of the link, like `local:gateway-transit`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) options: Vec<SideOption>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) deny: Vec<Denial>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) attach: Vec<Attach>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ingress: Vec<Ingress>,
}

/// Subnets of a side, in front of which the other side is denied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Denial {
    #[serde(default = "local")]
    pub(super) side: Side,
    pub(super) with: DenyWith,
    pub(super) subnets: Vec<String>,
}

/// A target of the peer that is open to the private network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ingress {
    pub(super) target: String,
    pub(super) port: u16,
    pub(super) reason: String,
    /// Ranges of the private network; none means its nodes, as they are on record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) from: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time")]
    pub(super) expires: Option<DateTime<Utc>>,
}

fn default_project() -> String {
    "default".to_owned()
}

impl Document {
    /// What a file says; an error names the file and the line.
    pub(super) fn read(text: &str, file: &str) -> Result<Self, CliError> {
        toml::from_str::<Self>(text).map_err(|error| {
            let before = error.span().and_then(|it| text.get(..it.start));
            let line = before.map_or(1, |it| it.matches('\n').count() + 1);
            CliError::usage(format!("{file}:{line}: {}", error.message()))
        })
    }

    /// The file that says this.
    pub(super) fn written(&self) -> String {
        let text = toml::to_string(self).unwrap_or_default();
        text.trim_end().to_owned()
    }
}

impl Network {
    /// What people call it.
    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.project, self.name)
    }

    pub(super) fn registration(&self) -> v1::RegisterNetworkRequest {
        v1::RegisterNetworkRequest {
            project: self.project.clone(),
            name: self.name.clone(),
            provider: v1::Provider::from(self.provider).into(),
            region: place(self.provider, &self.region),
            account: self.account.clone(),
            cloud_network: self.cloud_network.clone(),
            range: self.range.clone(),
            ipv6_ranges: self.ipv6_ranges.clone(),
            subnets: self.subnets.clone(),
            ..Default::default()
        }
    }

    /// A network as it is on record.
    pub(super) fn on_record(network: &v1::Network, peerings: &[v1::Peering]) -> Self {
        Self {
            project: network.project.clone(),
            name: network.name.clone(),
            provider: Provider::of(network.provider()),
            account: network.account.clone(),
            region: network.region.clone(),
            cloud_network: network.cloud_network.clone(),
            range: network.range.clone(),
            ipv6_ranges: network.ipv6_ranges.clone(),
            subnets: network.subnets.clone(),
            nodes: network.nodes.clone(),
            policy: network.policy.as_ref().map(PolicyArgs::of),
            peerings: peerings.iter().map(Peering::on_record).collect(),
        }
    }

    /// What this says otherwise than that, of what no command changes.
    pub(super) fn differs(&self, on_record: &Self) -> Vec<String> {
        differences([
            (
                "provider",
                word_of(self.provider),
                word_of(on_record.provider),
            ),
            ("account", self.account.clone(), on_record.account.clone()),
            (
                "region",
                place(self.provider, &self.region),
                on_record.region.clone(),
            ),
            (
                "cloud_network",
                self.cloud_network.clone(),
                on_record.cloud_network.clone(),
            ),
            ("range", self.range.clone(), on_record.range.clone()),
        ])
    }
}

/// An option that is asked for; name resolution has a word of its own in the file.
fn other_option(it: &v1::LinkOptionState) -> Option<SideOption> {
    let is_other = it.option() != v1::LinkOption::DnsResolution;
    let option = LinkOption::of(it.option()).filter(|_| it.requested && is_other)?;
    let side = Side::of(it.side());
    Some(SideOption { side, option })
}

impl Denial {
    fn on_record(it: &v1::Firewall) -> Option<Self> {
        let denials = it.denials.as_ref();
        let denials = denials.filter(|it| !it.subnets.is_empty())?;
        Some(Self {
            side: Side::of(it.side()),
            with: DenyWith::NetworkAcl,
            subnets: denials.subnets.clone(),
        })
    }
}

impl Peering {
    /// The network on the other end, which is what makes it this peering.
    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.account, self.cloud_network)
    }

    pub(super) fn peer(&self) -> v1::Peer {
        v1::Peer {
            provider: v1::Provider::from(self.provider).into(),
            account: self.account.clone(),
            region: place(self.provider, &self.region),
            cloud_network: self.cloud_network.clone(),
            ranges: self.ranges.clone(),
            subnets: self.subnets.clone(),
        }
    }

    /// The whole of it in one command; what is opened for connectors comes after.
    pub(super) fn spec(&self) -> v1::PeeringSpec {
        let routes = self.routes().map(|(side, destination)| v1::RouteSpec {
            side: v1::Side::from(side).into(),
            destination: destination.to_owned(),
        });
        v1::PeeringSpec {
            peer: Some(self.peer()),
            consent: v1::Consent::from(self.consent).into(),
            deadline: self.deadline.map(timestamp),
            renew: self.renew,
            accept_open: self.accept_open.clone().unwrap_or_default(),
            routes: routes.collect(),
            admit: self.admit.iter().map(|it| it.rule.clone()).collect(),
            dns_resolution: self
                .dns
                .iter()
                .map(|it| v1::Side::from(*it).into())
                .collect(),
            options: self.options.iter().copied().map(Into::into).collect(),
            tenure: tenure(self.owner.as_ref(), self.expires),
            admission: self.admission(),
        }
    }

    /// The owner and the end of what is admitted from the start, if anything is: all of that has
    /// the same.
    pub(super) fn admission_terms(&self) -> Option<Terms> {
        let first = self.admit.first();
        first.map(|it| it.terms(self.admit_expires))
    }

    fn admission(&self) -> Option<v1::Tenure> {
        let (owner, expires) = self.admission_terms()?;
        tenure(owner.as_ref(), expires)
    }

    pub(super) fn routes(&self) -> impl Iterator<Item = (Side, &str)> {
        let local = self.local_routes.iter().map(|it| (Side::Local, &**it));
        local.chain(self.remote_routes.iter().map(|it| (Side::Remote, &**it)))
    }

    /// The same, with nothing open.
    pub(super) fn closed(&self) -> Self {
        Self {
            local_routes: Vec::new(),
            remote_routes: Vec::new(),
            admit: Vec::new(),
            dns: Vec::new(),
            options: Vec::new(),
            deny: Vec::new(),
            attach: Vec::new(),
            ingress: Vec::new(),
            ..self.clone()
        }
    }

    /// A peering as it is on record.
    pub(super) fn on_record(it: &v1::Peering) -> Self {
        let peer = it.peer.clone().unwrap_or_default();
        let accepted = |side: v1::Side| {
            let of_side = it.routes.iter().filter(move |route| route.side() == side);
            let standing = of_side.filter(|route| route.withdrawn_at.is_none());
            standing.map(|route| route.destination.clone()).collect()
        };
        let tenure = it.tenure.clone().unwrap_or_default();
        let local = it.firewall.iter().filter(|it| it.side() == v1::Side::Local);
        let admit = local.flat_map(|it| &it.admit);
        let dns = it.dns.iter().filter(|it| it.requested);
        Self {
            provider: Provider::of(peer.provider()),
            account: peer.account,
            region: peer.region,
            cloud_network: peer.cloud_network,
            ranges: peer.ranges,
            subnets: peer.subnets,
            link: Some(it.link.clone()).filter(|_| it.origin() == v1::Origin::Adopted),
            consent: Consent::of(it.consent()),
            deadline: it.deadline.as_ref().and_then(when),
            renew: it.renew,
            accept_open: Some(it.accept_open.clone()).filter(|it| !it.is_empty()),
            owner: Some(tenure.owner).filter(|it| !it.is_empty()),
            expires: tenure.expires_at.as_ref().and_then(when),
            admit_expires: None,
            local_routes: accepted(v1::Side::Local),
            remote_routes: accepted(v1::Side::Remote),
            admit: admit.map(|rule| Admit::on_record(rule, it)).collect(),
            dns: dns.map(|it| Side::of(it.side())).collect(),
            options: it.options.iter().filter_map(other_option).collect(),
            deny: it.firewall.iter().filter_map(Denial::on_record).collect(),
            attach: it.firewall.iter().filter_map(Attach::on_record).collect(),
            ingress: it.ingress.iter().map(Ingress::on_record).collect(),
        }
    }

    /// A link to be adopted, with nothing opened on it.
    pub(super) fn to_adopt(link: &v1::DiscoveredLink) -> Self {
        let peer = link.peer.clone().unwrap_or_default();
        let (is_ipv6_routed, mut ranges) = (peer.provider() == v1::Provider::Aws, peer.ranges);
        ranges.retain(|it| is_ipv6_routed || !it.contains(':'));
        let peering = v1::Peering {
            peer: link.peer.clone().map(|it| v1::Peer { ranges, ..it }),
            origin: v1::Origin::Adopted.into(),
            link: link.link.clone(),
            ..Default::default()
        };
        Self::on_record(&peering)
    }

    /// What this says otherwise than that, of what no command changes.
    pub(super) fn differs(&self, on_record: &Self) -> Vec<String> {
        let consent = |it: Consent| word(v1::Consent::from(it));
        let mut differ = differences([
            (
                "provider",
                word_of(self.provider),
                word_of(on_record.provider),
            ),
            (
                "region",
                place(self.provider, &self.region),
                on_record.region.clone(),
            ),
            ("consent", consent(self.consent), consent(on_record.consent)),
        ]);
        differ.extend(differences([
            ("deadline", end(self.deadline), end(on_record.deadline)),
            ("renew", self.renew.to_string(), on_record.renew.to_string()),
            (
                "accept_open",
                said(self.accept_open.as_ref()),
                said(on_record.accept_open.as_ref()),
            ),
        ]));
        if let Some(link) = &self.link
            && on_record.link.as_ref() != Some(link)
        {
            differ.push(format!("link: {link} in the file, another one on record"));
        }
        differ
    }
}

fn said(why: Option<&String>) -> String {
    why.map_or_else(|| "nothing".to_owned(), |it| format!("`{it}`"))
}

/// From where an ingress is open, in order.
fn sources(it: &v1::Ingress) -> Vec<String> {
    let rules = it.rule.iter().chain(&it.also);
    let mut from: Vec<_> = rules.map(|rule| rule.source.clone()).collect();
    from.sort();
    from
}

impl Ingress {
    pub(super) fn on_record(it: &v1::Ingress) -> Self {
        let port = it.rule.as_ref().map(|rule| rule.port).unwrap_or_default();
        Self {
            target: it.target.clone(),
            port: u16::try_from(port).unwrap_or_default(),
            reason: it.reason.clone(),
            from: sources(it),
            expires: it.expires_at.as_ref().and_then(when),
        }
    }

    /// What people call it.
    pub(super) fn full_name(&self) -> String {
        format!("{}:{}", self.target, self.port)
    }
}

/// When something ends, to the second, as the record has it.
fn end(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
        .unwrap_or_default()
}

fn word_of(provider: Provider) -> String {
    word(v1::Provider::from(provider))
}

fn differences<const N: usize>(of: [(&str, String, String); N]) -> Vec<String> {
    let differ = of.into_iter().filter(|(_, wanted, is)| wanted != is);
    let told = |text: String| {
        if text.is_empty() {
            "none".to_owned()
        } else {
            text
        }
    };
    differ
        .map(|(key, wanted, is)| {
            format!(
                "{key}: {} in the file, {} on record",
                told(wanted),
                told(is)
            )
        })
        .collect()
}
