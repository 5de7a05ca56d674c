//! Apply: one action at the cloud, and what the call said of it.
//!
//! What a call says is never recorded as an outcome: only a read afterwards is. The one exception
//! is no success: a definite error to the creation of a link.

use super::sides;
use cloud::{
    Cloud, CloudError, CloudErrorKind, FirewallPart, HalfAnswer, LinkForm, LinkRole, Switch,
};
use domain::{
    Range, Side,
    network::{Denial, InboundRule, Life, LinkOption, Peering, Registered, Thing, Where},
    text::{CloudOperation, FirewallGroup, FirewallRule, Interface, Link, RouteTable},
};

/// Everything that the provisioner ever changes at a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    CreateLink {
        attempt: u32,
    },
    AcceptLink {
        side: Side,
        link: Link,
    },
    DeleteLink {
        side: Side,
        link: Link,
    },
    TagLink {
        link: Link,
    },
    SetOption {
        side: Side,
        link: Link,
        end: LinkRole,
        option: LinkOption,
        enabled: bool,
    },
    InstallRoute {
        side: Side,
        table: RouteTable,
        destination: Range,
        link: Link,
    },
    RemoveRoute {
        side: Side,
        table: RouteTable,
        destination: Range,
    },
    CreateGroup {
        side: Side,
    },
    DeleteGroup {
        side: Side,
        group: FirewallGroup,
    },
    AuthorizeRule {
        side: Side,
        group: FirewallGroup,
        rule: InboundRule,
    },
    RevokeRule {
        side: Side,
        group: FirewallGroup,
        id: FirewallRule,
    },
    TagFirewall {
        side: Side,
        part: FirewallPart,
    },
    AttachGroup {
        side: Side,
        interface: Interface,
        group: FirewallGroup,
    },
    DetachGroup {
        side: Side,
        interface: Interface,
        group: FirewallGroup,
    },
    MakeDenial {
        side: Side,
        denial: Denial,
    },
    /// Planned only where what takes its place stands, or nothing is to be denied any more.
    RemoveDenial {
        side: Side,
        denial: Denial,
    },
}

/// What an action changes, and so what must be looked at again after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touches {
    Links,
    Tables,
    Groups,
    Lists,
}

impl Action {
    /// The side whose identity carries it out.
    pub(super) fn side(&self) -> Side {
        match self {
            Self::CreateLink { .. } | Self::TagLink { .. } => Side::Local,
            Self::AcceptLink { side, .. }
            | Self::DeleteLink { side, .. }
            | Self::SetOption { side, .. }
            | Self::InstallRoute { side, .. }
            | Self::RemoveRoute { side, .. }
            | Self::CreateGroup { side }
            | Self::DeleteGroup { side, .. }
            | Self::AuthorizeRule { side, .. }
            | Self::RevokeRule { side, .. }
            | Self::TagFirewall { side, .. }
            | Self::AttachGroup { side, .. }
            | Self::DetachGroup { side, .. }
            | Self::MakeDenial { side, .. }
            | Self::RemoveDenial { side, .. } => *side,
        }
    }

    /// The thing that it makes or removes, as it is named on record; `None` for the link and for
    /// tags, and for a rule that is removed by its id.
    pub(super) fn thing(&self) -> Option<Thing> {
        match self {
            Self::InstallRoute {
                table, destination, ..
            }
            | Self::RemoveRoute {
                table, destination, ..
            } => Some(Thing::Route {
                at: Where::Table(table.clone()),
                destination: *destination,
            }),
            Self::CreateGroup { .. } | Self::DeleteGroup { .. } => Some(Thing::Group),
            Self::AuthorizeRule { rule, .. } => Some(Thing::from(*rule)),
            Self::AttachGroup { interface, .. } | Self::DetachGroup { interface, .. } => {
                let interface = interface.clone();
                Some(Thing::Attachment { interface })
            }
            Self::MakeDenial { denial, .. } | Self::RemoveDenial { denial, .. } => {
                let denial = denial.clone();
                Some(Thing::Denial { denial })
            }
            Self::SetOption { option, .. } => Some(Thing::Option { option: *option }),
            Self::CreateLink { .. }
            | Self::AcceptLink { .. }
            | Self::DeleteLink { .. }
            | Self::TagLink { .. }
            | Self::RevokeRule { .. }
            | Self::TagFirewall { .. } => None,
        }
    }

    /// Whether it lets something through that did not pass before, or puts something in place. All
    /// others only close, or say whose a thing is.
    pub(super) fn opens(&self) -> bool {
        match self {
            Self::CreateLink { .. }
            | Self::AcceptLink { .. }
            | Self::InstallRoute { .. }
            | Self::CreateGroup { .. }
            | Self::AuthorizeRule { .. }
            | Self::SetOption { enabled: true, .. }
            | Self::TagLink { .. }
            | Self::TagFirewall { .. }
            | Self::AttachGroup { .. }
            | Self::MakeDenial { .. } => true,
            Self::DeleteLink { .. }
            | Self::SetOption { enabled: false, .. }
            | Self::RemoveRoute { .. }
            | Self::DeleteGroup { .. }
            | Self::RevokeRule { .. }
            | Self::DetachGroup { .. }
            | Self::RemoveDenial { .. } => false,
        }
    }

    /// Whether the record still asks for what this opens; what closes is always asked for.
    pub(super) fn is_asked_for(&self, network: &Registered, peering: &Peering) -> bool {
        if let Self::RemoveDenial { .. } = self {
            let is_active = matches!(peering.life, Life::Active { .. });
            return !is_active || network.may_open(peering);
        }
        if !self.opens() {
            return true;
        }
        if !network.may_open(peering) {
            return false;
        }
        let is_active = matches!(peering.life, Life::Active { .. });
        let has_link = peering.life.has_link();
        match self {
            Self::CreateLink { attempt } => {
                matches!(&peering.life, Life::Initiating { attempt: open, .. } if open == attempt)
            }
            Self::AcceptLink { link, .. } => {
                matches!(&peering.life, Life::AwaitingAcceptance { link: waits, .. } if waits == link)
            }
            Self::InstallRoute {
                side,
                destination,
                link,
                ..
            } => {
                matches!(&peering.life, Life::Active { link: active } if active == link)
                    && network.wants_routes(peering, *side)
                    && peering.routes.get(*side).contains_key(destination)
                    && !(*side == Side::Local && peering.is_unconfirmed(*destination))
            }
            Self::AuthorizeRule { side, rule, .. } => {
                has_link && network.admitted(peering, *side).contains(rule)
            }
            Self::SetOption { side, option, .. } => {
                is_active && peering.option(*side, *option).wanted
            }
            Self::AttachGroup {
                side,
                interface,
                group,
            } => {
                let firewall = peering.firewall.get(*side);
                let wanted = firewall.attachment.wanted.as_ref();
                is_active
                    && firewall.group.as_ref() == Some(group)
                    && wanted.is_some_and(|it| it.may_be(interface))
            }
            Self::MakeDenial { side, denial } => {
                is_active
                    && peering.firewall.get(*side).denials.wanted.is_some()
                    && network.denied(peering, *side).contains(&denial.denies)
            }
            Self::TagLink { .. } => is_active,
            // Where a link admits by default, its denial is there before it is active.
            Self::CreateGroup { .. } | Self::TagFirewall { .. } => has_link,
            Self::DeleteLink { .. }
            | Self::RemoveRoute { .. }
            | Self::DeleteGroup { .. }
            | Self::RevokeRule { .. }
            | Self::DetachGroup { .. }
            | Self::RemoveDenial { .. } => true,
        }
    }

    pub(super) fn touches(&self) -> Touches {
        match self {
            Self::CreateLink { .. }
            | Self::AcceptLink { .. }
            | Self::DeleteLink { .. }
            | Self::TagLink { .. }
            | Self::SetOption { .. } => Touches::Links,
            Self::InstallRoute { .. } | Self::RemoveRoute { .. } => Touches::Tables,
            Self::CreateGroup { .. }
            | Self::DeleteGroup { .. }
            | Self::AuthorizeRule { .. }
            | Self::RevokeRule { .. }
            | Self::TagFirewall { .. }
            | Self::AttachGroup { .. }
            | Self::DetachGroup { .. } => Touches::Groups,
            Self::MakeDenial { .. } | Self::RemoveDenial { .. } => Touches::Lists,
        }
    }

    /// The action's name, and what it is about, for people.
    pub(super) fn describe(&self) -> (&'static str, String) {
        match self {
            Self::CreateLink { .. } => (
                "create_link",
                "ask for the link, with the engine's tag".to_owned(),
            ),
            Self::AcceptLink {
                side: Side::Local,
                link,
            } => (
                "accept_link",
                format!("accept {link}, which the peer asked for"),
            ),
            Self::AcceptLink {
                side: Side::Remote,
                link,
            } => (
                "accept_link",
                format!("accept {link} with the peer's identity"),
            ),
            Self::DeleteLink { link, .. } => ("delete_link", format!("delete {link}")),
            Self::TagLink { link } => ("tag_link", format!("put the engine's tag back on {link}")),
            Self::SetOption {
                link,
                option,
                enabled,
                ..
            } => (
                match option {
                    LinkOption::DnsResolution => "set_dns_resolution",
                    LinkOption::ExportCustomRoutes
                    | LinkOption::ImportCustomRoutes
                    | LinkOption::DualStack
                    | LinkOption::ForwardedTraffic
                    | LinkOption::GatewayTransit
                    | LinkOption::RemoteGateways
                    | LinkOption::AddressSpaceSync
                    | LinkOption::VirtualNetworkAccess
                    | LinkOption::MultipathResilience => "set_link_option",
                },
                format!(
                    "{} {} over {link}",
                    if *enabled { "enable" } else { "disable" },
                    option.title()
                ),
            ),
            Self::InstallRoute {
                table,
                destination,
                link,
                ..
            } => (
                "install_route",
                format!("{destination} over {link} in {table}"),
            ),
            Self::RemoveRoute {
                table, destination, ..
            } => ("remove_route", format!("{destination} from {table}")),
            Self::CreateGroup { .. } => (
                "create_group",
                "a firewall group that admits nothing".to_owned(),
            ),
            Self::DeleteGroup { group, .. } => ("delete_group", format!("delete {group}")),
            Self::AuthorizeRule { group, rule, .. } => (
                "authorize_rule",
                format!("admit tcp {} from {} in {group}", rule.port, rule.source),
            ),
            Self::RevokeRule { group, id, .. } => {
                ("revoke_rule", format!("revoke {id} in {group}"))
            }
            Self::AttachGroup {
                interface, group, ..
            } => ("attach_group", format!("attach {group} to {interface}")),
            Self::DetachGroup {
                interface, group, ..
            } => ("detach_group", format!("detach {group} from {interface}")),
            Self::MakeDenial { denial, .. } => (
                "make_denial",
                format!(
                    "deny {} in {}, as entry {}",
                    denial.denies, denial.list, denial.number
                ),
            ),
            Self::RemoveDenial { denial, .. } => (
                "remove_denial",
                format!(
                    "take entry {} out of {} ({})",
                    denial.number, denial.list, denial.denies
                ),
            ),
            Self::TagFirewall { part, .. } => (
                "tag_firewall",
                format!("put the engine's tag back on {}", part.id()),
            ),
        }
    }
}

/// What the call said.
#[derive(Clone, Debug)]
pub(super) enum Report {
    /// It is done, or was done before: a read will show it, perhaps later. The group, if this made
    /// one.
    Answered {
        made: Option<FirewallGroup>,
        /// The operation that it began, where the cloud is not done with it.
        began: Option<CloudOperation>,
    },
    Failed(CloudError),
}

/// To what an option is set: a request that accepted an open link is not asked again at the cloud.
pub(super) fn switch(peering: &Peering, enabled: bool) -> Switch {
    if enabled && peering.terms.accept_open.is_some() {
        Switch::OnThoughOpen
    } else {
        Switch::from(enabled)
    }
}

/// Carries out one action with one call.
pub(super) async fn apply(
    cloud: &dyn Cloud,
    network: &Registered,
    peering: &Peering,
    action: &Action,
) -> Report {
    let side = action.side();
    let at = sides::of(network, peering, side);
    let owner = sides::owner(network, peering);
    let request = sides::request(peering, side);
    let form = LinkForm::of(network.provider);
    let (mut made, mut began) = (None, None);
    let mut note = |answer| match answer {
        HalfAnswer::Started { operation } => began = Some(operation),
        HalfAnswer::Done { .. } => {}
    };
    let result = match action {
        Action::CreateLink { .. } => {
            let spec = sides::link(network, peering);
            cloud.make_half(&spec, side, request).await.map(&mut note)
        }
        Action::AcceptLink { link, .. } => {
            let spec = sides::existing(network, peering, link);
            cloud.make_half(&spec, side, request).await.map(&mut note)
        }
        Action::DeleteLink { link, .. } => {
            let spec = sides::existing(network, peering, link);
            cloud.remove_half(&spec, side, request).await.map(&mut note)
        }
        Action::TagLink { link } => cloud.tag_link(&at, link, owner).await,
        Action::SetOption {
            link,
            end,
            option,
            enabled,
            ..
        } => {
            let own = sides::network(network, peering, side);
            let to = switch(peering, *enabled);
            cloud.set_option(&own, link, *end, *option, to).await
        }
        Action::InstallRoute {
            table,
            destination,
            link,
            ..
        } => cloud.install_route(&at, table, *destination, link).await,
        Action::RemoveRoute {
            table, destination, ..
        } => cloud.remove_route(&at, table, *destination).await,
        Action::CreateGroup { .. } => {
            let own = sides::network(network, peering, side);
            let done = match peering.life.link().filter(|_| !peering.made_the_link()) {
                Some(link) => cloud.create_group_over(&own, owner, link).await,
                None => cloud.create_group(&own, owner).await,
            };
            done.map(|group| made = Some(group))
        }
        Action::DeleteGroup { group, .. } => cloud.delete_group(&at, group).await,
        Action::AuthorizeRule { group, rule, .. } => cloud
            .authorize_rule(&at, group, *rule, owner)
            .await
            .map(drop),
        Action::RevokeRule { group, id, .. } => cloud.revoke_rule(&at, group, id).await,
        Action::TagFirewall { part, .. } => cloud.tag_firewall(&at, part, owner).await,
        Action::AttachGroup {
            interface, group, ..
        } => cloud.attach_group(&at, interface, group).await,
        Action::DetachGroup {
            interface, group, ..
        } => cloud.detach_group(&at, interface, group).await,
        Action::MakeDenial { denial, .. } => cloud.make_denial(&at, denial).await,
        Action::RemoveDenial { denial, .. } => cloud.remove_denial(&at, denial).await,
    };
    match result {
        Err(error) if !was_done_before(action, &error.kind, form) => Report::Failed(error),
        Ok(()) | Err(_) => Report::Answered { made, began },
    }
}

/// Whether the failure says that what the action wants is so already; a read tells for certain.
fn was_done_before(action: &Action, kind: &CloudErrorKind, form: LinkForm) -> bool {
    match action {
        // A half has its name from us; another one in its place is for the next read to find.
        Action::CreateLink { .. } | Action::AcceptLink { .. } => {
            form.is_two_objects() && *kind == CloudErrorKind::AlreadyThere
        }
        Action::TagLink { .. } | Action::SetOption { .. } | Action::TagFirewall { .. } => false,
        Action::InstallRoute { .. }
        | Action::CreateGroup { .. }
        | Action::AuthorizeRule { .. }
        | Action::AttachGroup { .. }
        | Action::MakeDenial { .. } => *kind == CloudErrorKind::AlreadyThere,
        Action::DeleteLink { .. }
        | Action::RemoveRoute { .. }
        | Action::DeleteGroup { .. }
        | Action::RevokeRule { .. }
        | Action::DetachGroup { .. }
        | Action::RemoveDenial { .. } => *kind == CloudErrorKind::NotFound,
    }
}

/// Makes sure that calls for this side act in the account on record; before every batch of changes.
pub(super) async fn check_identity(
    cloud: &dyn Cloud,
    network: &Registered,
    peering: &Peering,
    side: Side,
) -> Result<(), CloudError> {
    sides::check_account(cloud, &sides::of(network, peering, side)).await
}
