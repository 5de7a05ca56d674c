//! What a call takes: the permissions that IAM asks for, on which resources, with which keys of
//! conditions. Part of that the call does not say, but the world and the record do.

use super::iam::Needed;
use crate::life::worlds::RunningWorld;
use crate::support::world::Pair;
use cloud::OWNER_TAG;
use domain::PeeringId;
use domain::Side;
use domain::network::NetworkEvent;
use peerage_tests::oracle::{End, Network};
use peerage_tests::strict::Call;
use serde_json::json;
use std::collections::BTreeMap;

/// What is known of the world beside the calls: where things are, and whose.
#[derive(Default)]
pub(super) struct Facts {
    /// The VPC of each table, group and list, as an ARN.
    vpcs: BTreeMap<String, String>,
    /// The value of the owner's tag on a group or rule.
    owners: BTreeMap<String, String>,
    /// The VPCs of each link: its requester's and its accepter's.
    links: BTreeMap<String, [String; 2]>,
    /// The owner's tag of the peerings on record.
    peerings: Vec<String>,
}

fn vpc_arn(end: &End) -> String {
    let (region, account) = (&end.place.region, &end.place.account);
    format!("arn:aws:ec2:{region}:{account}:vpc/{}", end.vpc)
}

impl Facts {
    /// What IAM asks about this call: for each resource that it touches, one question.
    pub(super) fn needed(&self, call: &Call) -> Vec<Needed> {
        let said = |name: &str| call.parameters.get(name).cloned().unwrap_or_default();
        let account = call.account.as_deref().unwrap_or_default();
        let arn = |resource: &str| format!("arn:aws:ec2:{}:{account}:{resource}", call.region);
        let mut found = Vec::new();
        let mut ask = |action: &str, resource: String, context: Vec<(String, Vec<String>)>| {
            let region = ("aws:RequestedRegion".to_owned(), vec![call.region.clone()]);
            found.push(Needed {
                action: format!("{}:{action}", call.service),
                resource,
                context: context.into_iter().chain([region]).collect(),
            });
        };
        let one = |key: &str, value: &String| (key.to_owned(), vec![value.clone()]);
        let joins = |[requester, accepter]: &[String; 2]| {
            vec![
                one("ec2:RequesterVpc", requester),
                one("ec2:AccepterVpc", accepter),
            ]
        };
        let of_thing = |id: &str| {
            let vpc = self.vpcs.get(id).map(|it| one("ec2:Vpc", it));
            let owner = self.owners.get(id);
            let owner = owner.map(|it| one(&format!("aws:ResourceTag/{OWNER_TAG}"), it));
            vpc.into_iter().chain(owner).collect::<Vec<_>>()
        };
        let mut created = tags(call, "TagSpecification.1.Tag");
        if call.dry_run {
            self.rehearse(&mut created);
        }
        let action = call.action.as_str();
        match action {
            "CreateVpcPeeringConnection" => {
                let to = format!(
                    "arn:aws:ec2:{}:{}:vpc/{}",
                    said("PeerRegion"),
                    said("PeerOwnerId"),
                    said("PeerVpcId")
                );
                let from = arn(&format!("vpc/{}", said("VpcId")));
                let link = arn("vpc-peering-connection/*");
                let ends = joins(&[from.clone(), to]);
                ask(action, from, Vec::new());
                ask(action, link.clone(), ends.clone());
                if !created.is_empty() {
                    ask("CreateTags", link, [ends, created].concat());
                }
            }
            "AcceptVpcPeeringConnection"
            | "DeleteVpcPeeringConnection"
            | "ModifyVpcPeeringConnectionOptions" => {
                let id = said("VpcPeeringConnectionId");
                let ends = self.links.get(&id);
                if let Some([_, accepter]) = ends
                    && action == "AcceptVpcPeeringConnection"
                {
                    ask(action, accepter.clone(), Vec::new());
                }
                let link = arn(&format!("vpc-peering-connection/{id}"));
                ask(action, link, ends.map(joins).unwrap_or_default());
            }
            "CreateRoute" | "DeleteRoute" => {
                let table = said("RouteTableId");
                let context = of_thing(&table);
                ask(action, arn(&format!("route-table/{table}")), context);
            }
            "CreateNetworkAclEntry" | "DeleteNetworkAclEntry" => {
                let list = said("NetworkAclId");
                let context = of_thing(&list);
                ask(action, arn(&format!("network-acl/{list}")), context);
            }
            "CreateSecurityGroup" => {
                let group = arn("security-group/*");
                ask(action, arn(&format!("vpc/{}", said("VpcId"))), Vec::new());
                ask(action, group.clone(), created.clone());
                let by = one("ec2:CreateAction", &call.action);
                ask("CreateTags", group, [created, vec![by]].concat());
            }
            "AuthorizeSecurityGroupIngress" => {
                let (group, rule) = (said("GroupId"), arn("security-group-rule/*"));
                let context = of_thing(&group);
                ask(action, arn(&format!("security-group/{group}")), context);
                ask(action, rule.clone(), created.clone());
                let by = one("ec2:CreateAction", &call.action);
                ask("CreateTags", rule, [created, vec![by]].concat());
            }
            "RevokeSecurityGroupIngress" | "DeleteSecurityGroup" => {
                let (group, rule) = (said("GroupId"), said("SecurityGroupRuleId.1"));
                let context = of_thing(&group);
                ask(action, arn(&format!("security-group/{group}")), context);
                // Of a group whose owner agreed, rules are revoked that nobody has tagged.
                if self.owners.contains_key(&group) {
                    let context = of_thing(&rule);
                    if !rule.is_empty() {
                        ask(action, arn(&format!("security-group-rule/{rule}")), context);
                    }
                }
            }
            "ModifyNetworkInterfaceAttribute" => {
                let said_of = |(name, value): (&String, &String)| {
                    let is_group = name.starts_with("SecurityGroupId.");
                    is_group.then(|| value.clone())
                };
                let groups: Vec<_> = call.parameters.iter().filter_map(said_of).collect();
                // All of them are in the network of the interface.
                let vpc = groups.iter().find_map(|it| self.vpcs.get(it));
                let within: Vec<_> = vpc.map(|it| one("ec2:Vpc", it)).into_iter().collect();
                let interface = format!("network-interface/{}", said("NetworkInterfaceId"));
                ask(action, arn(&interface), within.clone());
                for group in groups {
                    ask(
                        action,
                        arn(&format!("security-group/{group}")),
                        within.clone(),
                    );
                }
            }
            "CreateTags" => {
                let given = tags(call, "Tag");
                for (_, id) in call
                    .parameters
                    .iter()
                    .filter(|(name, _)| name.starts_with("ResourceId."))
                {
                    let (kind, of) = match id.split('-').next().unwrap_or_default() {
                        "pcx" => (
                            "vpc-peering-connection",
                            self.links.get(id).map(joins).unwrap_or_default(),
                        ),
                        "sg" => ("security-group", of_thing(id)),
                        "sgr" => ("security-group-rule", of_thing(id)),
                        _ => panic!("the engine tags {id}"),
                    };
                    ask(
                        action,
                        arn(&format!("{kind}/{id}")),
                        [of, given.clone()].concat(),
                    );
                }
            }
            reads
                if ["Describe", "Get", "List"]
                    .iter()
                    .any(|it| reads.starts_with(it)) =>
            {
                ask(action, "*".to_owned(), Vec::new());
            }
            other => panic!("what {other} takes is not known here"),
        }
        found
    }

    /// A preview rehearses what it takes to make a peering that is not on record, and so under an
    /// id that no policy names yet: it is told what is missing. The rest must be as it is for the
    /// one that is then asked for.
    fn rehearse(&self, created: &mut [(String, Vec<String>)]) {
        let Some(asked_for) = self.peerings.last() else {
            return;
        };
        for (key, values) in created {
            let is_owner = key.strip_prefix("aws:RequestTag/") == Some(OWNER_TAG);
            if is_owner && !self.peerings.contains(&values[0]) {
                values[0].clone_from(asked_for);
            }
        }
    }

    /// What an event says of the engine's groups and rules.
    pub(super) fn learn(&mut self, event: &NetworkEvent, network: &str, pair: &Pair) {
        let owner = |peering: PeeringId| format!("{network}/{peering}");
        if let NetworkEvent::PeeringRequested(it) = event {
            self.peerings.push(owner(it.peering_id));
        } else if let NetworkEvent::PeeringAdopted(it) = event {
            self.peerings.push(owner(it.peering_id));
        } else if let NetworkEvent::FirewallGroupCreated(it) = event {
            let vpc = match it.side {
                Side::Local => &pair.local,
                Side::Remote => &pair.remote,
            };
            self.vpcs.insert(it.group.to_string(), end(vpc));
            self.owners
                .insert(it.group.to_string(), owner(it.peering_id));
        } else if let NetworkEvent::FirewallRuleAuthorized(it) = event {
            self.owners
                .insert(it.rule_id.to_string(), owner(it.peering_id));
        }
    }
}

/// What a call says of tags, as the keys of conditions.
fn tags(call: &Call, prefix: &str) -> Vec<(String, Vec<String>)> {
    let (mut keys, mut found) = (Vec::new(), Vec::new());
    for at in 1.. {
        let said = |part: &str| {
            call.parameters
                .get(&format!("{prefix}.{at}.{part}"))
                .cloned()
        };
        let Some(key) = said("Key") else { break };
        let value = said("Value").unwrap_or_default();
        found.push((format!("aws:RequestTag/{key}"), vec![value]));
        keys.push(key);
    }
    if !keys.is_empty() {
        found.push(("aws:TagKeys".to_owned(), keys));
    }
    found
}

fn end(network: &Network) -> String {
    vpc_arn(&End {
        place: network.place.clone(),
        vpc: network.vpc.clone(),
    })
}

impl RunningWorld {
    /// What stands in the accounts of both sides, and every link there is.
    pub(super) async fn learn(&self, pair: &Pair, facts: &mut Facts) {
        let Some((people, strict)) = self.notes() else {
            return;
        };
        for place in pair.places() {
            for (call, list, id) in [
                ("describe_route_tables", "RouteTables", "RouteTableId"),
                ("describe_security_groups", "SecurityGroups", "GroupId"),
                ("describe_network_acls", "NetworkAcls", "NetworkAclId"),
            ] {
                let there = people.act(&place, call, &json!({}));
                for it in there[list].as_array().unwrap() {
                    let text = |name: &str| it[name].as_str().unwrap().to_owned();
                    let (place, vpc) = (place.clone(), text("VpcId"));
                    let vpc = vpc_arn(&End { place, vpc });
                    facts.vpcs.insert(text(id), vpc);
                }
            }
        }
        for link in strict.peerings().await {
            let ends = [vpc_arn(&link.requester), vpc_arn(&link.accepter)];
            facts.links.insert(link.id, ends);
        }
    }
}
