//! What the owners of both VPCs do at AWS, and what their policies must allow.
//!
//! Scripts call the AWS CLI. Policies name the actions that the engine calls, by [`Action`]:
//! `policy` has them.
//!
//! [`Action`]: crate::ec2::Action

mod policy;
mod rules;

use crate::ec2::Tags;
use cloud::instructions::{
    Instruction, in_order,
    shell::{command, quoted},
};
use domain::{
    Family, Provider, Range, Side,
    network::{Consent, Life, LinkOption, LinkTrace, Peering, Registered},
    text::{Link, Subnet},
};
use rules::{deny, open, ranges};

/// Where a policy must name who the engine is, which is not on record: replace it by the ARN of the
/// engine's role or user.
pub const ENGINE_PRINCIPAL: &str = "PEERAGE_PRINCIPAL_ARN";

/// What the peer's owner must do, in order, as things stand, where everything gets these tags that
/// is made. Nothing once the peering has ended.
pub fn for_peer(network: &Registered, peering: &Peering, tags: &Tags) -> Vec<Instruction> {
    in_order(peering, || todo(network, peering, tags))
}

/// What the private network's owner must allow the engine on their own side.
pub fn for_engine(network: &Registered, peering: &Peering, tags: &Tags) -> Vec<Instruction> {
    vec![Instruction::json(
        format!(
            "IAM policy for Peerage's own identity in account {}",
            network.account
        ),
        &policy::of_engine_on_local_side(network, peering, tags),
    )]
}

/// How the groups are attached that nobody has attached yet, by whoever has the machines: a group
/// admits only where it is attached, and the engine does that only when it is asked to.
pub fn to_attach(network: &Registered, peering: &Peering) -> Vec<Instruction> {
    if !matches!(peering.life, Life::Active { .. }) {
        return Vec::new();
    }
    peering
        .kept_sides()
        .filter_map(|side| attach(network, peering, side))
        .collect()
}

fn attach(network: &Registered, peering: &Peering, side: Side) -> Option<Instruction> {
    let firewall = peering.firewall.get(side);
    let group = firewall.group.as_ref()?;
    let is_attached = firewall.attachment.count().is_some_and(|count| count > 0);
    let admitted = network.admitted(peering, side);
    if is_attached || admitted.is_empty() || firewall.attachment.wanted.is_some() {
        return None;
    }
    let (account, region) = match side {
        Side::Local => (&network.account, &network.region),
        Side::Remote => (&peering.peer.account, &peering.peer.region),
    };
    let admits = admitted
        .iter()
        .map(|rule| format!("tcp {} from {}", rule.port, rule.source))
        .collect::<Vec<_>>()
        .join(", ");
    let show = command(
        "aws ec2 describe-network-interfaces",
        &[
            ("--region", quoted(region)),
            ("--network-interface-ids", "\"$interface\"".to_owned()),
            ("--query", quoted("NetworkInterfaces[0].Groups[].GroupId")),
            ("--output", "text".to_owned()),
        ],
    );
    let set = command(
        "aws ec2 modify-network-interface-attribute",
        &[
            ("--region", quoted(region)),
            ("--network-interface-id", "\"$interface\"".to_owned()),
            ("--groups", format!("$groups {}", quoted(group))),
        ],
    );
    let body = format!(
        "set -eu\n# {group} admits {admits},\n# and only where it is attached. An interface's groups\n# are set as a whole: it keeps those that it has.\n\
         : \"${{interface:?set it to a network interface of a machine that is to be reached}}\"\ngroups=$({show})\n{set}\n"
    );
    Some(Instruction::sh(
        format!("In account {account}: attach {group} to the machines that are to be reached"),
        body,
    ))
}

fn todo(network: &Registered, peering: &Peering, tags: &Tags) -> Vec<Instruction> {
    match peering.terms.consent {
        Consent::Delegated => delegated(network, peering, tags),
        Consent::Owner => of_owner(network, peering),
    }
}

/// The engine does it all, with a role that only it can take, and only for this private network.
fn delegated(network: &Registered, peering: &Peering, tags: &Tags) -> Vec<Instruction> {
    let account = &peering.peer.account;
    vec![
        Instruction::json(
            format!("Trust policy of the role that Peerage takes in account {account}"),
            &policy::trust(peering),
        ),
        Instruction::json(
            format!(
                "Permissions of that role: to accept this link and keep its routes in {}",
                peering.peer.cloud_network
            ),
            &policy::of_engine_on_remote_side(network, peering, tags),
        ),
        Instruction::json(
            "Permissions of that role: to keep its own security group there",
            &policy::of_engines_group(network, peering),
        ),
    ]
}

fn of_owner(network: &Registered, peering: &Peering) -> Vec<Instruction> {
    let policy = Instruction::json(
        "IAM policy for whoever runs this, and no more",
        &policy::of_owner(network, peering),
    );
    match &peering.life {
        Life::Requested | Life::Initiating { .. } | Life::InitiationRefused { .. } => {
            let body = format!(
                "The request will come from account {}, VPC {}, region {}. Run this again once it is there.",
                network.account, network.cloud_network, network.region
            );
            vec![Instruction::text("Wait for the request", body), policy]
        }
        Life::AwaitingAcceptance { link, .. } if peering.asked_side() != Some(Side::Remote) => {
            let body = match peering.asked_side() {
                None => {
                    format!("Who is asked for {link} is told here once Peerage has looked at it.")
                }
                Some(_) => format!(
                    "{link} was asked for from here: account {} accepts it, and there is nothing to accept in account {}.",
                    network.account, peering.peer.account
                ),
            };
            [
                policy,
                Instruction::text("Wait until the link is accepted", body),
            ]
            .into_iter()
            .chain(setup(network, peering, link))
            .collect()
        }
        Life::AwaitingAcceptance { link, .. } => {
            let accept = Instruction::sh(
                "Compare the request with what was agreed, and accept it",
                check_and_accept(network, peering, link),
            );
            [policy, accept]
                .into_iter()
                .chain(setup(network, peering, link))
                .collect()
        }
        Life::Provisioning { link } | Life::Active { link } => std::iter::once(policy)
            .chain(setup(network, peering, link))
            .collect(),
        Life::Removing {
            trace: LinkTrace::Seen(link) | LinkTrace::Gone(link),
        }
        | Life::Abandoning {
            trace: LinkTrace::Seen(link) | LinkTrace::Gone(link),
        } => cleanup(network, peering, link),
        Life::Removing { .. } | Life::Abandoning { .. } | Life::Ended(_) => Vec::new(),
    }
}

/// Everything that belongs to the link on the owner's side.
fn setup(network: &Registered, peering: &Peering, link: &Link) -> Vec<Instruction> {
    let routes = peering.routes.remote.keys().map(|destination| {
        let title = format!("Send {destination} over the link");
        Instruction::sh(title, add_route(peering, *destination, link))
    });
    let withdrawn: Vec<_> = peering
        .ever_accepted
        .remote
        .keys()
        .copied()
        .filter(|it| !peering.routes.remote.contains_key(it))
        .collect();
    let withdrawn = (!withdrawn.is_empty()).then(|| remove_routes(peering, link, &withdrawn));
    let ingress = peering
        .ingress
        .values()
        .map(|ingress| open(peering, ingress));
    routes
        .chain(withdrawn)
        .chain(options(peering, link))
        .chain([deny(network, peering)])
        .chain(ingress)
        .collect()
}

/// Anybody can ask for a link, so one is accepted only if it is the one on record: its requester
/// first of all.
fn check_and_accept(network: &Registered, peering: &Peering, link: &Link) -> String {
    let peer = &peering.peer;
    let expected = [
        "pending-acceptance",
        network.account.as_str(),
        network.cloud_network.as_str(),
        network.region.as_str(),
        &network.range.to_string(),
        peer.account.as_str(),
        peer.cloud_network.as_str(),
    ];
    let query = "VpcPeeringConnections[0].[Status.Code,RequesterVpcInfo.OwnerId,RequesterVpcInfo.VpcId,RequesterVpcInfo.Region,\
                 RequesterVpcInfo.CidrBlock,AccepterVpcInfo.OwnerId,AccepterVpcInfo.VpcId]";
    let describe = command(
        "aws ec2 describe-vpc-peering-connections",
        &[
            ("--region", quoted(&peer.region)),
            ("--vpc-peering-connection-ids", quoted(link)),
            ("--query", quoted(query)),
            ("--output", "text".to_owned()),
        ],
    );
    let accept = command(
        "aws ec2 accept-vpc-peering-connection",
        &[
            ("--region", quoted(&peer.region)),
            ("--vpc-peering-connection-id", quoted(link)),
        ],
    );
    format!(
        "set -eu\n# State, requester (account, VPC, region, range), accepter (account, VPC): as on record, or it is not accepted.\n\
         expected={}\nshown=$({describe} | tr '\\t' ' ')\n\
         if [ \"$shown\" != \"$expected\" ]; then\n  echo \"not the request on record: $shown\" >&2\n  exit 1\nfi\n{accept}\n",
        quoted(expected.join(" ")),
    )
}

/// The tables that serve the chosen subnets; a subnet that has chosen none is served by the main
/// one.
fn tables(peering: &Peering) -> String {
    let peer = &peering.peer;
    let find = |filters: &str| {
        command(
            "aws ec2 describe-route-tables",
            &[
                ("--region", quoted(&peer.region)),
                ("--filters", filters.to_owned()),
                ("--query", quoted("RouteTables[0].RouteTableId")),
                ("--output", "text".to_owned()),
            ],
        )
    };
    let of_vpc = format!(
        "{} {}",
        quoted(format!("Name=vpc-id,Values={}", peer.cloud_network)),
        quoted("Name=association.main,Values=true")
    );
    let main = format!("main=$({})\n", find(&of_vpc));
    if peer.subnets.is_empty() {
        return format!("{main}tables=$main\n");
    }
    if Subnet::are_all(&peer.subnets) {
        let all = command(
            "aws ec2 describe-route-tables",
            &[
                ("--region", quoted(&peer.region)),
                (
                    "--filters",
                    quoted(format!("Name=vpc-id,Values={}", peer.cloud_network)),
                ),
                ("--query", quoted("RouteTables[?Associations].RouteTableId")),
                ("--output", "text".to_owned()),
            ],
        );
        return format!("tables=$({all})\n");
    }
    let subnets = peer
        .subnets
        .iter()
        .map(quoted)
        .collect::<Vec<_>>()
        .join(" ");
    let chosen = find("\"Name=association.subnet-id,Values=$subnet\"");
    format!(
        "{main}tables=''\nfor subnet in {subnets}; do\ntable=$({chosen})\nif [ \"$table\" = None ]; then table=$main; fi\ncase \" $tables \" in\n\
         *\" $table \"*) ;;\n*) tables=\"$tables $table\" ;;\nesac\ndone\n"
    )
}

fn add_route(peering: &Peering, destination: Range, link: &Link) -> String {
    let create = command(
        "aws ec2 create-route",
        &[
            ("--region", quoted(&peering.peer.region)),
            ("--route-table-id", "\"$table\"".to_owned()),
            (words(destination.family()).option, quoted(destination)),
            ("--vpc-peering-connection-id", quoted(link)),
        ],
    );
    format!(
        "set -eu\n{}for table in $tables; do\n{create} ||\n  echo \"$table: not added; if it has a route to {destination} already, see where \
         that leads\" >&2\ndone\n",
        tables(peering)
    )
}

/// The options of the side that are asked for, each with what the owner should know first.
fn options(peering: &Peering, link: &Link) -> Vec<Instruction> {
    let wanted = |it: &LinkOption| peering.option(Side::Remote, *it).wanted;
    let all = LinkOption::of(Provider::Aws).filter(wanted);
    all.filter_map(|it| match it {
        LinkOption::DnsResolution => Some(set_option(
            peering,
            link,
            "AllowDnsResolutionFromRemoteVpc=true",
            "Once the link is active; both VPCs need DNS support and DNS hostnames.",
            "Let this VPC's names resolve to private addresses on the other side",
        )),
        LinkOption::MultipathResilience => Some(set_option(
            peering,
            link,
            "AllowMultipathResilience=true,MultipathResilienceMode=always-on",
            "Once the link is active; it is charged extra, and takes an AWS CLI that knows the option.",
            "Allow traffic of the link to go over several paths at once",
        )),
        LinkOption::ExportCustomRoutes
        | LinkOption::ImportCustomRoutes
        | LinkOption::DualStack
        | LinkOption::ForwardedTraffic
        | LinkOption::GatewayTransit
        | LinkOption::RemoteGateways
        | LinkOption::AddressSpaceSync
        | LinkOption::VirtualNetworkAccess => None,
    })
    .collect()
}

fn set_option(
    peering: &Peering,
    link: &Link,
    value: &str,
    note: &str,
    title: &'static str,
) -> Instruction {
    // Of an adopted link the record does not say who asked for it before somebody has looked.
    let option = match peering.asked_side() {
        Some(Side::Remote) => "--accepter-peering-connection-options",
        Some(Side::Local) => "--requester-peering-connection-options",
        None => "\"--$end-peering-connection-options\"",
    };
    let set = command(
        "aws ec2 modify-vpc-peering-connection-options",
        &[
            ("--region", quoted(&peering.peer.region)),
            ("--vpc-peering-connection-id", quoted(link)),
            (option, quoted(value)),
        ],
    );
    let end = if peering.asked_side().is_some() {
        ""
    } else {
        ": \"${end:?set it to requester or accepter, whichever this VPC is}\"\n"
    };
    let body = format!("set -eu\n# {note}\n{end}{set}\n");
    Instruction::sh(title, body)
}

/// How EC2 calls the destination of a route.
struct Words {
    field: &'static str,
    option: &'static str,
}

fn words(family: Family) -> Words {
    match family {
        Family::Ipv4 => Words {
            field: "DestinationCidrBlock",
            option: "--destination-cidr-block",
        },
        Family::Ipv6 => Words {
            field: "DestinationIpv6CidrBlock",
            option: "--destination-ipv6-cidr-block",
        },
    }
}

/// Removes the routes to these destinations from whatever table of the VPC has them over this link,
/// and no other.
fn remove_routes(peering: &Peering, link: &Link, destinations: &[Range]) -> Instruction {
    let region = || ("--region", quoted(&peering.peer.region));
    let show = |filter: (&'static str, String), query: &str| {
        command(
            "aws ec2 describe-route-tables",
            &[
                region(),
                filter,
                ("--query", quoted(query)),
                ("--output", "text".to_owned()),
            ],
        )
    };
    let filter = format!("Name=route.vpc-peering-connection-id,Values={link}");
    let tables = show(("--filters", quoted(filter)), "RouteTables[].RouteTableId");
    let of_family = |family: Family| {
        let ours = destinations.iter().filter(|it| it.family() == family);
        let ours: Vec<String> = ours.map(quoted).collect();
        if ours.is_empty() {
            return String::new();
        }
        let (Words { field, option }, ours) = (words(family), ours.join(" | "));
        let over_link =
            format!("RouteTables[].Routes[?VpcPeeringConnectionId=='{link}'].{field}[]");
        let routes = show(("--route-table-ids", "\"$table\"".to_owned()), &over_link);
        let delete = command(
            "aws ec2 delete-route",
            &[
                region(),
                ("--route-table-id", "\"$table\"".to_owned()),
                (option, "\"$destination\"".to_owned()),
            ],
        );
        format!(
            "for destination in $({routes}); do\ncase \"$destination\" in {ours})\n{delete}\n;;\nesac\ndone\n"
        )
    };
    let body: String = Family::BOTH.into_iter().map(of_family).collect();
    let body = format!("set -eu\nfor table in $({tables}); do\n{body}done\n");
    Instruction::sh(
        format!("Remove the routes over {link} that are no longer wanted"),
        body,
    )
}

/// What the owner put in for the link, taken out again. What an adopted link had of its own stays
/// with it.
fn cleanup(network: &Registered, peering: &Peering, link: &Link) -> Vec<Instruction> {
    let accepted: Vec<_> = peering.ever_accepted.remote.keys().copied().collect();
    let routes = (!accepted.is_empty()).then(|| remove_routes(peering, link, &accepted));
    let close = format!(
        "Revoke the rules that were added for {}: they outlive the link, and admit whoever has that range next.",
        ranges(network)
    );
    let policy = Instruction::json(
        "IAM policy for whoever runs this, and no more",
        &policy::of_owner(network, peering),
    );
    let close = Instruction::text(format!("Close what was open to {}", ranges(network)), close);
    std::iter::once(policy)
        .chain(routes)
        .chain([close])
        .collect()
}
