//! One change: the command that makes it, and how it reads.

use super::{
    admit,
    attach::Attach,
    document::{Ingress, Network, Peering},
};
use crate::{
    api::v1::{
        self,
        set_tenure_request::{EndChange, OwnerChange},
    },
    cli::{
        CliError,
        args::{Side, SideOption, timestamp},
        engine::{Context, Done, Servers},
        network::PolicyArgs,
        output::word,
        subnets,
        tenure::tenure,
    },
};
use chrono::{DateTime, Utc};

/// What one command changes. The ids are those on record; what is not on record yet is named by the
/// command that makes it.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Register(Network),
    SetPolicy(PolicyArgs),
    Request(Peering),
    Adopt(Peering, String),
    /// Ranges of the peer.
    AddRanges(Vec<String>),
    DropRanges(Vec<String>),
    /// All subnets of this end from now on.
    NetworkSubnets(Vec<String>),
    /// From where the network's nodes call out, all of it from now on.
    NetworkNodes(Vec<String>),
    /// All IPv6 ranges of the network from now on, and which it has no more.
    NetworkIpv6Ranges {
        all: Vec<String>,
        taken: Vec<String>,
    },
    PeerSubnets(Vec<String>),
    Accept(Side, String),
    Withdraw(Side, String),
    /// What the local side admits from now on, and what that adds and takes away.
    Restrict {
        admit: Vec<v1::InboundRule>,
        added: Vec<String>,
        taken: Vec<String>,
        /// Who answers for what that adds, and when it ends by itself.
        owner: Option<String>,
        expires: Option<DateTime<Utc>>,
    },
    /// The owner and the end that are named, of the peering or of what it admits.
    Tenure {
        of: Option<v1::InboundRule>,
        owner: Option<String>,
        end: Option<DateTime<Utc>>,
    },
    Allow(Ingress),
    Revoke {
        ingress_id: String,
        name: String,
    },
    Dns(Side, bool),
    Option(SideOption, bool),
    /// All subnets of a side in front of which is denied from now on, and which of them are new.
    Deny {
        side: Side,
        subnets: Vec<String>,
        added: Vec<String>,
        taken: Vec<String>,
    },
    StopDenying(Side, Vec<String>),
    Attach(Attach),
    Detach(Side, String),
    Remove,
}

/// What a command is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct About {
    pub(super) network_id: String,
    /// Empty for what is about the network itself.
    pub(super) peering_id: String,
}

impl Change {
    /// Whether it takes something away.
    pub(super) fn closes(&self) -> bool {
        match self {
            Self::Withdraw(..) | Self::Revoke { .. } | Self::Remove | Self::DropRanges(_) => true,
            Self::Detach(..) => true,
            Self::Dns(_, false) | Self::Option(_, false) => true,
            Self::Restrict { taken, .. } | Self::NetworkIpv6Ranges { taken, .. } => {
                !taken.is_empty()
            }
            Self::Deny { added, .. } => !added.is_empty(),
            Self::Register(_)
            | Self::SetPolicy(_)
            | Self::Request(_)
            | Self::Adopt(..)
            | Self::AddRanges(_)
            | Self::NetworkSubnets(_)
            | Self::NetworkNodes(_)
            | Self::PeerSubnets(_)
            | Self::Accept(..)
            | Self::Tenure { .. }
            | Self::Attach(_)
            | Self::Allow(_)
            | Self::Dns(_, true)
            | Self::Option(_, true)
            | Self::StopDenying(..) => false,
        }
    }

    /// When its turn is. A range that is added opens nothing, and may have to be there before
    /// another one goes; what closes comes before what opens, if there is anything yet to close.
    pub(super) fn turn(&self, about: &About) -> u8 {
        if matches!(self, Self::AddRanges(_)) {
            0
        } else if self.closes() && !self.needs(about) {
            1
        } else {
            2
        }
    }

    /// Whether it is about what another change makes, which the engine cannot judge before.
    pub(super) fn needs(&self, about: &About) -> bool {
        match self {
            Self::Register(_) => false,
            Self::SetPolicy(_)
            | Self::NetworkSubnets(_)
            | Self::NetworkNodes(_)
            | Self::NetworkIpv6Ranges { .. }
            | Self::Request(_)
            | Self::Adopt(..) => about.network_id.is_empty(),
            Self::AddRanges(_)
            | Self::DropRanges(_)
            | Self::PeerSubnets(_)
            | Self::Accept(..)
            | Self::Withdraw(..)
            | Self::Restrict { .. }
            | Self::Tenure { .. }
            | Self::Attach(_)
            | Self::Detach(..)
            | Self::Allow(_)
            | Self::Revoke { .. }
            | Self::Dns(..)
            | Self::Option(..)
            | Self::Deny { .. }
            | Self::StopDenying(..)
            | Self::Remove => about.peering_id.is_empty(),
        }
    }

    /// How it reads.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Register(it) => {
                let at = format!("{}/{} in {}", it.account, it.cloud_network, it.region);
                let ranges = std::iter::once(&it.range).chain(&it.ipv6_ranges);
                let ranges: Vec<&str> = ranges.map(String::as_str).collect();
                format!("+ register {at}, {}", ranges.join(", "))
            }
            Self::SetPolicy(_) => "~ set the policy".to_owned(),
            Self::Request(it) => {
                let opens = opened(it);
                format!("+ request a peering ({}){opens}", it.ranges.join(", "))
            }
            Self::Adopt(_, link) => format!("+ adopt {link}"),
            Self::AddRanges(all) => format!("+ ranges {}", all.join(", ")),
            Self::DropRanges(all) => format!("- ranges {}", all.join(", ")),
            Self::NetworkSubnets(all) => format!("~ subnets: {}", subnets::told(all)),
            Self::NetworkNodes(all) => format!("~ nodes: {}", all.join(", ")),
            Self::NetworkIpv6Ranges { all, taken } => {
                let gone = match taken.as_slice() {
                    [] => String::new(),
                    some => format!(", without {} and what needs it", some.join(", ")),
                };
                format!("~ IPv6 ranges: {}{gone}", all.join(", "))
            }
            Self::PeerSubnets(all) => format!("~ subnets of the peer: {}", subnets::told(all)),
            Self::Accept(side, to) => format!("+ {} route to {to}", side_word(*side)),
            Self::Withdraw(side, to) => format!("- {} route to {to}", side_word(*side)),
            Self::Restrict { added, taken, .. } => {
                let added = added.iter().map(|it| format!("+ admit {it}"));
                let taken = taken.iter().map(|it| format!("- admit {it}"));
                added.chain(taken).collect::<Vec<_>>().join(", ")
            }
            Self::Tenure { of, owner, end } => {
                let of = of.as_ref();
                let of = of.map(|it| format!("admit {}:{} ", it.source, it.port));
                let of = of.unwrap_or_default();
                let owner = owner.as_ref().map(|it| format!("~ {of}owner {it}"));
                let end = end.map(|at| format!("~ {of}ends {at}"));
                owner.into_iter().chain(end).collect::<Vec<_>>().join(", ")
            }
            Self::Allow(it) => {
                let end = it.expires.map(|at| format!(" until {at}"));
                let end = end.unwrap_or_default();
                let from = match it.from.as_slice() {
                    [] => "the nodes".to_owned(),
                    some => some.join(", "),
                };
                format!(
                    "+ ingress {} from {from}{end}: {}",
                    it.full_name(),
                    it.reason
                )
            }
            Self::Revoke { name, .. } => format!("- ingress {name}"),
            Self::Dns(side, true) => format!("+ names of the {} side", side_word(*side)),
            Self::Dns(side, false) => format!("- names of the {} side", side_word(*side)),
            Self::Option(it, true) => format!("+ option {it}"),
            Self::Option(it, false) => format!("- option {it}"),
            Self::Deny {
                side, added, taken, ..
            } => {
                let of = |sign: char, all: &[String]| {
                    let told = format!(
                        "{sign} deny before {} of the {} side",
                        all.join(", "),
                        side_word(*side)
                    );
                    (!all.is_empty()).then_some(told)
                };
                let both = of('+', added).into_iter().chain(of('-', taken));
                both.collect::<Vec<_>>().join(", ")
            }
            Self::StopDenying(side, subnets) => format!(
                "- deny before {} of the {} side",
                subnets.join(", "),
                side_word(*side)
            ),
            Self::Attach(it) => {
                let to = it.full_name();
                format!("+ attach the {} side's group to {to}", side_word(it.side))
            }
            Self::Detach(side, from) => {
                format!("- attach the {} side's group to {from}", side_word(*side))
            }
            Self::Remove => "- remove the peering".to_owned(),
        }
    }

    /// Has it carried out.
    pub(super) async fn send(
        self,
        servers: &mut Servers,
        about: &About,
        context: &Context,
    ) -> Result<Done, CliError> {
        let (network_id, peering_id) = (about.network_id.clone(), about.peering_id.clone());
        macro_rules! peering_command {
            ($request:ident { $($field:ident: $value:expr),* }) => {{
                let message = v1::$request { peering_id, $($field: $value,)* ..Default::default() };
                servers.command(message, context).await
            }};
        }
        match self {
            Self::Register(network) => servers.command(network.registration(), context).await,
            Self::SetPolicy(policy) => {
                let get = v1::GetNetworkRequest {
                    network_id: network_id.clone(),
                    ..Default::default()
                };
                let now = servers.read(get).await?.network.unwrap_or_default();
                let message = v1::SetPolicyRequest {
                    network_id,
                    policy: Some(policy.changed(now.policy.unwrap_or_default())),
                    ..Default::default()
                };
                servers.command(message, context).await
            }
            Self::Request(peering) => {
                let message = v1::RequestPeeringRequest {
                    network_id,
                    peering: Some(peering.spec()),
                    ..Default::default()
                };
                servers.command(message, context).await
            }
            Self::Adopt(peering, link) => {
                let adoption = v1::AdoptionSpec {
                    peer: Some(peering.peer()),
                    link,
                    consent: v1::Consent::from(peering.consent).into(),
                    tenure: tenure(peering.owner.as_ref(), peering.expires),
                };
                let message = v1::AdoptPeeringRequest {
                    network_id,
                    adoption: Some(adoption),
                    ..Default::default()
                };
                servers.command(message, context).await
            }
            Self::AddRanges(ranges) => peering_command!(AddPeerRangesRequest { ranges: ranges }),
            Self::DropRanges(ranges) => peering_command!(DropPeerRangesRequest { ranges: ranges }),
            Self::PeerSubnets(all) => peering_command!(ChangePeerSubnetsRequest {
                change: Some(subnets::set(all))
            }),
            Self::NetworkSubnets(all) => {
                let message = v1::ChangeNetworkSubnetsRequest {
                    network_id,
                    change: Some(subnets::set(all)),
                    ..Default::default()
                };
                servers.command(message, context).await
            }
            Self::NetworkNodes(nodes) => {
                let message = v1::SetNetworkNodesRequest {
                    network_id,
                    nodes,
                    ..Default::default()
                };
                servers.command(message, context).await
            }
            Self::NetworkIpv6Ranges { all, .. } => {
                let message = v1::SetNetworkIpv6RangesRequest {
                    network_id,
                    ipv6_ranges: all,
                    ..Default::default()
                };
                servers.command(message, context).await
            }
            Self::Accept(side, destination) => peering_command!(AcceptRouteRequest {
                side: v1::Side::from(side).into(),
                destination: destination
            }),
            Self::Withdraw(side, destination) => peering_command!(WithdrawRouteRequest {
                side: v1::Side::from(side).into(),
                destination: destination
            }),
            Self::Restrict {
                admit,
                owner,
                expires,
                ..
            } => peering_command!(RestrictFirewallRequest {
                side: v1::Side::Local.into(),
                admit: admit,
                tenure: tenure(owner.as_ref(), expires)
            }),
            Self::Tenure { of, owner, end } => peering_command!(SetTenureRequest {
                rule: of,
                owner_change: owner.map(OwnerChange::Owner),
                end_change: end.map(|at| EndChange::ExpiresAt(timestamp(at)))
            }),
            Self::Allow(it) => {
                let mut context = context.clone();
                context.why.reason = Some(it.reason);
                let message = v1::AllowConnectorIngressRequest {
                    peering_id,
                    target: it.target,
                    port: it.port.into(),
                    expires_at: it.expires.map(timestamp),
                    no_expiry: it.expires.is_none(),
                    from_nodes: it.from.is_empty(),
                    from: it.from,
                    ..Default::default()
                };
                servers.command(message, &context).await
            }
            Self::Revoke { ingress_id, .. } => {
                peering_command!(RevokeConnectorIngressRequest {
                    ingress_id: ingress_id
                })
            }
            Self::Dns(side, enabled) => peering_command!(SetDnsResolutionRequest {
                side: v1::Side::from(side).into(),
                enabled: enabled
            }),
            Self::Option(it, enabled) => peering_command!(SetLinkOptionRequest {
                side: v1::Side::from(it.side).into(),
                option: v1::LinkOption::from(it.option).into(),
                enabled: enabled
            }),
            Self::Deny { side, subnets, .. } => peering_command!(DenyWithListsRequest {
                side: v1::Side::from(side).into(),
                subnets: subnets
            }),
            Self::StopDenying(side, _) => peering_command!(StopDenyingRequest {
                side: v1::Side::from(side).into()
            }),
            Self::Attach(it) => peering_command!(AttachFirewallRequest {
                side: v1::Side::from(it.side).into(),
                to: Some(it.message())
            }),
            Self::Detach(side, _) => peering_command!(DetachFirewallRequest {
                side: v1::Side::from(side).into()
            }),
            Self::Remove => peering_command!(RemovePeeringRequest {}),
        }
    }
}

fn side_word(side: Side) -> String {
    word(v1::Side::from(side))
}

/// What a request opens from the start.
fn opened(it: &Peering) -> String {
    let routes = it
        .routes()
        .map(|(side, to)| format!("{} route to {to}", side_word(side)));
    let admitted = it.admit.iter().map(|one| {
        format!(
            "admit {}{}",
            one.full_name(),
            admit::told(&one.terms(it.admit_expires))
        )
    });
    let names = it
        .dns
        .iter()
        .map(|it| format!("names of the {} side", side_word(*it)));
    let options = it.options.iter().map(|it| format!("option {it}"));
    let opened: Vec<_> = routes.chain(admitted).chain(names).chain(options).collect();
    if opened.is_empty() {
        return String::new();
    }
    format!(": {}", opened.join(", "))
}
