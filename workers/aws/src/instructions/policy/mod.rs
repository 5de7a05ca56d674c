//! Policies that allow what it takes and no more.
//!
//! Describe actions know no resources, and a prefix list that a rule names may be anybody's; so
//! what is read is bound to the region. A change is bound to the one VPC, to the one link by its
//! two ends (or its id, once there is one), and what is the engine's own to its tag. Sources: the
//! EC2 part of the service authorization reference, and the VPC peering guide.

mod owner;

pub(super) use owner::of_owner;

use super::ENGINE_PRINCIPAL;
use crate::{
    NAME_TAG,
    actions::reads,
    ec2::{Action, Tags},
};
use cloud::{OWNER_TAG, Owner};
use domain::{
    Partition, Places, Provider, Region, Side,
    network::{ExposurePolicy, Firewall, Life, Orphan, OrphanThing, Peering, Registered},
    text::{Account, CloudNetwork},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One end, as ARNs name it.
#[derive(Clone, Copy)]
struct End<'a> {
    account: &'a Account,
    region: &'a Region,
    vpc: &'a CloudNetwork,
}

impl<'a> End<'a> {
    fn local(network: &'a Registered) -> Self {
        Self {
            account: &network.account,
            region: &network.region,
            vpc: &network.cloud_network,
        }
    }

    fn remote(peering: &'a Peering) -> Self {
        let peer = &peering.peer;
        Self {
            account: &peer.account,
            region: &peer.region,
            vpc: &peer.cloud_network,
        }
    }

    /// AWS: China, GovCloud and others are partitions of their own.
    fn partition(&self) -> Partition {
        Places::default().partition(Provider::Aws, self.region)
    }

    fn arn(&self, resource: &str) -> String {
        format!(
            "arn:{}:ec2:{}:{}:{resource}",
            self.partition(),
            self.region,
            self.account
        )
    }

    fn vpc_arn(&self) -> String {
        self.arn(&format!("vpc/{}", self.vpc))
    }

    fn in_vpc(&self) -> Value {
        json!({ "ArnEquals": { "ec2:Vpc": self.vpc_arn() } })
    }
}

/// The link as this end sees it.
fn link_arn(end: End<'_>, peering: &Peering) -> String {
    end.arn(&peering.life.link().map_or_else(
        || "vpc-peering-connection/*".to_owned(),
        |it| format!("vpc-peering-connection/{it}"),
    ))
}

/// Both ends. Of an adopted link the record does not say which of them asked for it.
fn joins(network: &Registered, peering: &Peering) -> Value {
    let (local, remote) = (
        End::local(network).vpc_arn(),
        End::remote(peering).vpc_arn(),
    );
    if peering.made_the_link() {
        return json!({ "ArnEquals": { "ec2:RequesterVpc": local, "ec2:AccepterVpc": remote } });
    }
    let either = [local, remote];
    json!({ "ArnEquals": { "ec2:RequesterVpc": either, "ec2:AccepterVpc": either } })
}

fn policy(statements: Vec<Value>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn allow(sid: &str, actions: &[Action], resources: &[String], condition: Option<Value>) -> Value {
    let actions: Vec<_> = actions.iter().map(|it| it.permission()).collect();
    let mut statement =
        json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources });
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    statement
}

fn look(end: End<'_>, actions: &[Action]) -> Value {
    allow(
        "Look",
        actions,
        &["*".to_owned()],
        Some(json!({ "StringEquals": { "aws:RequestedRegion": end.region.as_str() } })),
    )
}

/// Without it the engine goes by the quotas that AWS gives every account, or the configured ones.
fn look_at_quotas(end: End<'_>) -> Value {
    allow(
        "LookAtQuotas",
        &[Action::ListServiceQuotas],
        &["*".to_owned()],
        Some(json!({ "StringEquals": { "aws:RequestedRegion": end.region.as_str() } })),
    )
}

fn accept(end: End<'_>, network: &Registered, peering: &Peering) -> [Value; 2] {
    let action = [Action::AcceptVpcPeeringConnection];
    [
        allow("AcceptIntoThisVpc", &action, &[end.vpc_arn()], None),
        allow(
            "AcceptThisLink",
            &action,
            &[link_arn(end, peering)],
            Some(joins(network, peering)),
        ),
    ]
}

/// Whether the link may still have to be accepted. An adopted one can be a request that waits, for
/// whichever side did not make it.
fn is_to_be_accepted(peering: &Peering) -> bool {
    match peering.life {
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. } => true,
        Life::Provisioning { .. }
        | Life::Active { .. }
        | Life::Removing { .. }
        | Life::Abandoning { .. }
        | Life::Ended(_) => false,
    }
}

fn keep_link(end: End<'_>, network: &Registered, peering: &Peering, actions: &[Action]) -> Value {
    allow(
        "KeepThisLink",
        actions,
        &[link_arn(end, peering)],
        Some(joins(network, peering)),
    )
}

fn routes(end: End<'_>) -> Value {
    allow(
        "RoutesOfThisVpc",
        &[Action::CreateRoute, Action::DeleteRoute],
        &[end.arn("route-table/*")],
        Some(end.in_vpc()),
    )
}

/// The value of the owner's tag on what is made now.
fn tag(network: &Registered, peering: &Peering) -> String {
    Owner::new(network.id, peering.id).to_string()
}

/// The values of that tag on what is this peering's: as it is now, and as it was before it named
/// the network.
fn tags_of_its_own(network: &Registered, peering: &Peering) -> [String; 2] {
    let before = Owner::before_networks(peering.id);
    [tag(network, peering), before.to_string()]
}

/// The keys of the tags on what is made.
fn keys(tags: &Tags) -> Vec<&str> {
    let further = tags.keys().map(String::as_str);
    [OWNER_TAG, NAME_TAG].into_iter().chain(further).collect()
}

/// The owner's tag, the name and what is asked of everything beside it, and no other.
fn tag_link(end: End<'_>, network: &Registered, peering: &Peering, tags: &Tags) -> Value {
    let mut condition = joins(network, peering);
    condition["ForAllValues:StringEquals"] = json!({ "aws:TagKeys": keys(tags) });
    condition["StringEquals"] =
        json!({ format!("aws:RequestTag/{OWNER_TAG}"): tag(network, peering) });
    allow(
        "TagThisLink",
        &[Action::CreateTags],
        &[link_arn(end, peering)],
        Some(condition),
    )
}

/// Tags that somebody took off are put back: on what is on record as the engine's, and on nothing
/// else.
fn tag_again(
    end: End<'_>,
    firewall: &Firewall,
    network: &Registered,
    peering: &Peering,
) -> Option<Value> {
    let group = end.arn(&format!("security-group/{}", firewall.group.as_ref()?));
    let rules = firewall
        .rules
        .values()
        .map(|it| end.arn(&format!("security-group-rule/{it}")));
    let condition = json!({
        "StringEquals": { format!("aws:RequestTag/{OWNER_TAG}"): tag(network, peering) },
        "ForAllValues:StringEquals": { "aws:TagKeys": [OWNER_TAG] },
    });
    Some(allow(
        "TagWhatItMadeAgain",
        &[Action::CreateTags],
        &std::iter::once(group).chain(rules).collect::<Vec<_>>(),
        Some(condition),
    ))
}

/// A group is made with the peering's tag, and only what has that tag is changed.
fn group(end: End<'_>, network: &Registered, peering: &Peering) -> Vec<Value> {
    let id = tag(network, peering);
    let (group, rule) = (
        end.arn("security-group/*"),
        end.arn("security-group-rule/*"),
    );
    let made = json!({ "StringEquals": { format!("aws:RequestTag/{OWNER_TAG}"): id } });
    let own = json!({ "StringEquals": { format!("aws:ResourceTag/{OWNER_TAG}"): tags_of_its_own(network, peering) } });
    let mut own_here = own.clone();
    own_here["ArnEquals"] = json!({ "ec2:Vpc": end.vpc_arn() });
    let changes = [
        Action::AuthorizeSecurityGroupIngress,
        Action::RevokeSecurityGroupIngress,
        Action::DeleteSecurityGroup,
    ];
    let mut tags = made.clone();
    tags["StringEquals"]["ec2:CreateAction"] = json!([
        Action::CreateSecurityGroup.as_str(),
        Action::AuthorizeSecurityGroupIngress.as_str()
    ]);
    vec![
        allow(
            "MakeAGroupHere",
            &[Action::CreateSecurityGroup],
            &[end.vpc_arn()],
            None,
        ),
        allow(
            "MakeItsOwnGroup",
            &[Action::CreateSecurityGroup],
            std::slice::from_ref(&group),
            Some(made.clone()),
        ),
        allow(
            "ChangeItsOwnGroup",
            &changes,
            std::slice::from_ref(&group),
            Some(own_here),
        ),
        allow(
            "MakeItsOwnRules",
            &[Action::AuthorizeSecurityGroupIngress],
            std::slice::from_ref(&rule),
            Some(made),
        ),
        allow(
            "RevokeItsOwnRules",
            &[Action::RevokeSecurityGroupIngress],
            std::slice::from_ref(&rule),
            Some(own),
        ),
        allow(
            "TagWhatItMakes",
            &[Action::CreateTags],
            &[group, rule],
            Some(tags),
        ),
    ]
}

/// The groups of the VPC's interfaces are changed only where the engine is asked to attach its own,
/// and for as long as it has. EC2 takes an interface's whole list, and so asks for each group in
/// it.
fn attach(end: End<'_>, firewall: &Firewall) -> Option<Value> {
    let attachment = &firewall.attachment;
    if attachment.wanted.is_none() && attachment.made.is_empty() {
        return None;
    }
    Some(allow(
        "AttachItsGroupHere",
        &[Action::ModifyNetworkInterfaceAttribute],
        &[end.arn("network-interface/*"), end.arn("security-group/*")],
        Some(end.in_vpc()),
    ))
}

/// Entries of the VPC's network ACLs are made and removed only where the engine is asked to deny,
/// and for as long as it has any.
fn deny(end: End<'_>, firewall: &Firewall) -> Option<Value> {
    let denials = &firewall.denials;
    if denials.wanted.is_none() && denials.made.is_empty() {
        return None;
    }
    Some(allow(
        "DenyInTheseNetworkAcls",
        &[Action::CreateNetworkAclEntry, Action::DeleteNetworkAclEntry],
        &[end.arn("network-acl/*")],
        Some(end.in_vpc()),
    ))
}

/// What takes the orphans away that stand here, each by its id. Routes need no more than they do
/// anyway. Nothing while there are none.
fn orphans(end: End<'_>, network: &Registered) -> Vec<Value> {
    let stands_here =
        |it: &&Orphan| !it.is_copy && it.account == *end.account && it.region == *end.region;
    let mut all: BTreeMap<&str, (Action, BTreeSet<String>)> = BTreeMap::new();
    for orphan in network.orphans.values().filter(stands_here) {
        let (sid, action, here) = match &orphan.thing {
            OrphanThing::Link { link } => (
                "RemoveOrphanLinks",
                Action::DeleteVpcPeeringConnection,
                vec![format!("vpc-peering-connection/{link}")],
            ),
            OrphanThing::FirewallGroup { group } => (
                "RemoveOrphanGroups",
                Action::DeleteSecurityGroup,
                vec![format!("security-group/{group}")],
            ),
            OrphanThing::FirewallRule { group, rule_id } => (
                "CloseOrphanRules",
                Action::RevokeSecurityGroupIngress,
                vec![
                    format!("security-group/{group}"),
                    format!("security-group-rule/{rule_id}"),
                ],
            ),
            OrphanThing::Denial { denial } => (
                "RemoveOrphanDenials",
                Action::DeleteNetworkAclEntry,
                vec![format!("network-acl/{}", denial.list)],
            ),
            OrphanThing::Route { .. } => continue,
        };
        let (_, of) = all.entry(sid).or_insert((action, BTreeSet::new()));
        of.extend(here.iter().map(|it| end.arn(it)));
    }
    let all = all.into_iter();
    all.map(|(sid, (action, here))| allow(sid, &[action], &Vec::from_iter(here), None))
        .collect()
}

/// Only the engine can take the role, and only when it acts for this private network.
pub(super) fn trust(peering: &Peering) -> Value {
    let mut statement = json!({ "Effect": "Allow", "Principal": { "AWS": ENGINE_PRINCIPAL }, "Action": Action::AssumeRole.permission() });
    if let Some(external_id) = &peering.external_id {
        statement["Condition"] = json!({ "StringEquals": { "sts:ExternalId": external_id } });
    }
    policy(vec![statement])
}

/// The link and the routes of the peer's side. The private network's side takes the link back; its
/// tags are not seen here, so where tags are asked of everything, the accepter's half has its own.
pub(super) fn of_engine_on_remote_side(
    network: &Registered,
    peering: &Peering,
    tags: &Tags,
) -> Value {
    let end = End::remote(peering);
    let mut statements = vec![look(end, &reads()), look_at_quotas(end)];
    let may_be_asked = peering.asked_side() != Some(Side::Local) && is_to_be_accepted(peering);
    if peering.made_the_link() || may_be_asked {
        statements.extend(accept(end, network, peering));
        if !tags.is_empty() {
            statements.push(tag_link(end, network, peering, tags));
        }
    }
    let keeps = [Action::ModifyVpcPeeringConnectionOptions];
    statements.extend([keep_link(end, network, peering, &keeps), routes(end)]);
    policy(statements)
}

/// The security group of the peer's side; and those groups of others that the network's policy lets
/// the engine close.
pub(super) fn of_engines_group(network: &Registered, peering: &Peering) -> Value {
    let end = End::remote(peering);
    let mut statements = group(end, network, peering);
    statements.extend(tag_again(end, &peering.firewall.remote, network, peering));
    statements.extend(attach(end, &peering.firewall.remote));
    statements.extend(deny(end, &peering.firewall.remote));
    statements.extend(orphans(end, network));
    if let ExposurePolicy::Enforce { groups } = &network.policy.exposure
        && !groups.is_empty()
    {
        let groups: Vec<_> = groups
            .iter()
            .map(|it| end.arn(&format!("security-group/{it}")))
            .collect();
        statements.push(allow(
            "CloseAgreedGroups",
            &[Action::RevokeSecurityGroupIngress],
            &groups,
            Some(end.in_vpc()),
        ));
    }
    policy(statements)
}

/// Everything of the private network's side.
pub(super) fn of_engine_on_local_side(
    network: &Registered,
    peering: &Peering,
    tags: &Tags,
) -> Value {
    let end = End::local(network);
    let mut statements = vec![look(end, &reads()), look_at_quotas(end)];
    let mut keeps = vec![Action::ModifyVpcPeeringConnectionOptions];
    if peering.made_the_link() {
        let create = [Action::CreateVpcPeeringConnection];
        statements.push(allow("AskFromThisVpc", &create, &[end.vpc_arn()], None));
        statements.push(allow(
            "AskForThisLink",
            &create,
            &[end.arn("vpc-peering-connection/*")],
            Some(joins(network, peering)),
        ));
        keeps.push(Action::DeleteVpcPeeringConnection);
    } else if peering.asked_side() != Some(Side::Remote) && is_to_be_accepted(peering) {
        statements.extend(accept(end, network, peering));
    }
    statements.extend([
        keep_link(end, network, peering, &keeps),
        tag_link(end, network, peering, tags),
        routes(end),
    ]);
    statements.extend(group(end, network, peering));
    statements.extend(tag_again(end, &peering.firewall.local, network, peering));
    statements.extend(attach(end, &peering.firewall.local));
    statements.extend(deny(end, &peering.firewall.local));
    statements.extend(orphans(end, network));
    policy(statements)
}
