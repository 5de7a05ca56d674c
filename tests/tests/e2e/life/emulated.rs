//! An emulated EC2, and people at it: every deed is a call of boto3's, made by the oracle as the
//! account that it concerns.

use super::people::People;
use super::worlds::World;
use ipnet::IpNet;
use peerage_tests::microburst::Microburst;
use peerage_tests::moto::Moto;
use peerage_tests::oracle::{Expected, Network, Oracle, Place, Wanted};
use peerage_tests::strict::Strict;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Processes. They end in this order: who asks before who is asked.
#[derive(Debug)]
pub(super) struct Emulated {
    pub(super) people: Oracle,
    pub(super) faults: Option<Microburst>,
    pub(super) strict: Option<Strict>,
    moto: Moto,
}

impl Emulated {
    pub(super) async fn start(world: World) -> Self {
        let moto = Moto::start().await;
        let strict = if world == World::Bare {
            None
        } else {
            Some(Strict::start(&moto).await)
        };
        let endpoint = strict
            .as_ref()
            .map_or_else(|| moto.endpoint(), Strict::endpoint);
        let faults = if world == World::Faulty {
            Some(faulty(&endpoint).await)
        } else {
            None
        };
        Self {
            people: Oracle::new(endpoint),
            faults,
            strict,
            moto,
        }
    }

    /// Where the engine finds the cloud.
    pub(super) fn endpoint(&self) -> String {
        let strict = || {
            self.strict
                .as_ref()
                .map_or_else(|| self.moto.endpoint(), Strict::endpoint)
        };
        self.faults
            .as_ref()
            .map_or_else(strict, Microburst::endpoint)
    }
}

impl People for Oracle {
    fn prepare(&self, networks: &[Wanted]) -> BTreeMap<String, Network> {
        Self::prepare(self, networks)
    }

    fn dump(&self, places: &[Place]) -> Value {
        Self::dump(self, places)
    }

    fn judge(&self, places: &[Place], expected: &Expected) -> Result<(), String> {
        self.check(places, expected)
    }

    fn ask_for_link(&self, requester: &Network, accepter: &Network) -> String {
        let (owner, region) = (&accepter.place.account, &accepter.place.region);
        let wanted = json!({"VpcId": requester.vpc, "PeerVpcId": accepter.vpc, "PeerOwnerId": owner, "PeerRegion": region});
        let made = self.act(&requester.place, "create_vpc_peering_connection", &wanted);
        text(&made["VpcPeeringConnection"]["VpcPeeringConnectionId"])
    }

    fn accept_link(&self, accepter: &Place, link: &str) {
        self.act(
            accepter,
            "accept_vpc_peering_connection",
            &json!({"VpcPeeringConnectionId": link}),
        );
    }

    fn reject_link(&self, accepter: &Place, link: &str) {
        self.act(
            accepter,
            "reject_vpc_peering_connection",
            &json!({"VpcPeeringConnectionId": link}),
        );
    }

    fn delete_link(&self, by: &Place, link: &str) {
        self.act(
            by,
            "delete_vpc_peering_connection",
            &json!({"VpcPeeringConnectionId": link}),
        );
    }

    fn route_over(&self, network: &Network, table: &str, destination: &str, link: &str) {
        let route = json!({"RouteTableId": table, destination_of(destination): destination, "VpcPeeringConnectionId": link});
        self.act(&network.place, "create_route", &route);
    }

    fn route_elsewhere(&self, network: &Network, table: &str, destination: &str) -> String {
        let made = self.act(&network.place, "create_internet_gateway", &json!({}));
        let gateway = text(&made["InternetGateway"]["InternetGatewayId"]);
        self.act(
            &network.place,
            "attach_internet_gateway",
            &json!({"InternetGatewayId": gateway, "VpcId": network.vpc}),
        );
        let route = json!({"RouteTableId": table, "DestinationCidrBlock": destination, "GatewayId": gateway});
        self.act(&network.place, "create_route", &route);
        gateway
    }

    fn delete_route(&self, network: &Network, table: &str, destination: &str) {
        self.act(
            &network.place,
            "delete_route",
            &json!({"RouteTableId": table, destination_of(destination): destination}),
        );
    }

    fn widen(&self, network: &Network, range: &str) {
        self.act(
            &network.place,
            "associate_vpc_cidr_block",
            &json!({"VpcId": network.vpc, "CidrBlock": range}),
        );
    }

    fn widen_to_ipv6(&self, network: &Network) -> String {
        let (place, vpc) = (&network.place, &network.vpc);
        let wanted = json!({"VpcId": vpc, "AmazonProvidedIpv6CidrBlock": true});
        self.act(place, "associate_vpc_cidr_block", &wanted);
        let shown = self.act(place, "describe_vpcs", &json!({"VpcIds": [vpc]}));
        let blocks = &shown["Vpcs"][0]["Ipv6CidrBlockAssociationSet"];
        // The emulator writes a part of such a block as `0600`, which nobody else does.
        let block: IpNet = blocks[0]["Ipv6CidrBlock"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        block.to_string()
    }

    fn narrow(&self, network: &Network, range: &str) {
        let shown = self.act(
            &network.place,
            "describe_vpcs",
            &json!({"VpcIds": [network.vpc]}),
        );
        let blocks = shown["Vpcs"][0]["CidrBlockAssociationSet"]
            .as_array()
            .expect("blocks of a network")
            .clone();
        let block = blocks
            .iter()
            .find(|it| it["CidrBlock"] == range)
            .unwrap_or_else(|| panic!("{range} in {blocks:#?}"));
        self.act(
            &network.place,
            "disassociate_vpc_cidr_block",
            &json!({"AssociationId": block["AssociationId"]}),
        );
    }

    fn open(&self, network: &Network, name: &str, admit: &[(u16, &str)]) -> String {
        let group =
            json!({"GroupName": name, "Description": "of somebody's own", "VpcId": network.vpc});
        let group = text(&self.act(&network.place, "create_security_group", &group)["GroupId"]);
        let admits = admit
            .iter()
            .map(|(port, range)| json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": range}]}));
        let rules = json!({"GroupId": group, "IpPermissions": admits.collect::<Vec<_>>()});
        self.act(&network.place, "authorize_security_group_ingress", &rules);
        group
    }

    fn open_to_list(&self, network: &Network, group: &str, port: u16, ranges: &[&str]) {
        let entries: Vec<_> = ranges.iter().map(|range| json!({"Cidr": range})).collect();
        let list = json!({"PrefixListName": format!("for-{port}"), "AddressFamily": "IPv4", "MaxEntries": ranges.len(), "Entries": entries});
        let list = text(
            &self.act(&network.place, "create_managed_prefix_list", &list)["PrefixList"]["PrefixListId"],
        );
        let lists = [json!({"PrefixListId": list})];
        let rule =
            json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "PrefixListIds": lists});
        self.act(
            &network.place,
            "authorize_security_group_ingress",
            &json!({"GroupId": group, "IpPermissions": [rule]}),
        );
    }

    fn ports(&self, network: &Network, group: &str) -> Vec<u16> {
        let mut ports: Vec<u16> = ingress(self, network, group)
            .iter()
            .map(|it| it["FromPort"].as_u64().unwrap().try_into().unwrap())
            .collect();
        ports.sort_unstable();
        ports
    }

    fn close(&self, network: &Network, group: &str) -> usize {
        let rules: Vec<_> = ingress(self, network, group)
            .iter()
            .map(|it| it["SecurityGroupRuleId"].clone())
            .collect();
        self.act(
            &network.place,
            "revoke_security_group_ingress",
            &json!({"GroupId": group, "SecurityGroupRuleIds": rules}),
        );
        rules.len()
    }

    fn tag(&self, network: &Network, group: &str, owner: &str) {
        self.act(
            &network.place,
            "create_tags",
            &json!({"Resources": [group], "Tags": [{"Key": "peerage:peering", "Value": owner}]}),
        );
    }

    fn untag(&self, network: &Network, group: &str) {
        self.act(
            &network.place,
            "delete_tags",
            &json!({"Resources": [group], "Tags": [{"Key": "peerage:peering"}]}),
        );
    }

    fn give_names(&self, network: &Network) {
        let names = json!({"VpcId": network.vpc, "EnableDnsHostnames": {"Value": true}});
        self.act(&network.place, "modify_vpc_attribute", &names);
    }

    fn resolves(&self, accepter: &Network, link: &str) -> bool {
        let shown = self.act(
            &accepter.place,
            "describe_vpc_peering_connections",
            &json!({"VpcPeeringConnectionIds": [link]}),
        );
        shown["VpcPeeringConnections"][0]["AccepterVpcInfo"]["PeeringOptions"]["AllowDnsResolutionFromRemoteVpc"]
            == true
    }
}

/// The rules for traffic in of this group.
fn ingress(oracle: &Oracle, network: &Network, group: &str) -> Vec<Value> {
    let mine = json!({"Filters": [{"Name": "group-id", "Values": [group]}]});
    let rules =
        oracle.act(&network.place, "describe_security_group_rules", &mine)["SecurityGroupRules"]
            .clone();
    rules
        .as_array()
        .expect("rules")
        .iter()
        .filter(|it| it["IsEgress"] == false)
        .cloned()
        .collect()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text, not {value}"))
        .to_owned()
}

/// Of each kind of change the answer to the first of three is lost, after the deed; reads are
/// throttled now and then, and the answer to a rehearsal, which changes nothing, is lost as seldom.
/// (All lives share the counts: who asks five times must not meet the first of three each time.)
async fn faulty(upstream: &str) -> Microburst {
    let changes = [
        "CreateVpcPeeringConnection",
        "AcceptVpcPeeringConnection",
        "DeleteVpcPeeringConnection",
        "ModifyVpcPeeringConnectionOptions",
        "CreateRoute",
        "DeleteRoute",
        "CreateSecurityGroup",
        "DeleteSecurityGroup",
        "AuthorizeSecurityGroupIngress",
        "RevokeSecurityGroupIngress",
    ];
    let lost = changes.map(
        |operation| json!({"service": "ec2", "operation": operation, "body": "DryRun != 'true'", "sequence": {"fail": 1, "pass": 2}, "response": {"abort_frac": 0.3}}),
    );
    let rehearsed = ["CreateVpcPeeringConnection", "AcceptVpcPeeringConnection", "CreateSecurityGroup"].map(
        |operation| json!({"service": "ec2", "operation": operation, "body": "DryRun == 'true'", "sequence": {"fail": 1, "pass": 6}, "response": {"abort_frac": 0.3}}),
    );
    let throttled = ["DescribeVpcPeeringConnections", "DescribeRouteTables", "DescribeSecurityGroups"].map(|operation| {
        let error = json!({"code": "RequestLimitExceeded", "status": 503});
        json!({"service": "ec2", "operation": operation, "sequence": {"fail": 1, "pass": 6}, "error": error})
    });
    let faults = Microburst::start(upstream).await;
    faults
        .rules(&json!([&lost[..], &rehearsed[..], &throttled[..]].concat()))
        .await;
    faults
}

/// What EC2 calls the destination of a route.
fn destination_of(range: &str) -> &'static str {
    if range.contains(':') {
        "DestinationIpv6CidrBlock"
    } else {
        "DestinationCidrBlock"
    }
}
