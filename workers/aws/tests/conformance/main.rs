//! AWS keeps the contract of the port, on an EC2 that is as strict as the real one.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

use async_trait::async_trait;
use cloud::{AccountRegion, Cloud, NetworkRef, Operation};
use conformance::{Fault, World};
use domain::{
    Provider, Range, Region,
    network::InboundRule,
    text::{FirewallGroup, Interface, Link, RouteTable},
};
use parking_lot::Mutex;
use peerage_aws::{AwsCloud, actions, ec2::Ec2Settings};
use serde_json::{Value, json};
use std::sync::Arc;
use testkit::{
    moto::Moto,
    oracle::{Oracle, Place, Wanted},
    ports,
    strict::Strict,
};

/// One emulator for all cases; each has accounts of its own.
struct Emulated {
    strict: Strict,
    people: Oracle,
    _moto: Moto,
}

struct AwsWorld {
    emulated: Arc<Emulated>,
    number: usize,
    denied: Mutex<Vec<(String, &'static str)>>,
}

#[tokio::test]
async fn aws_keeps_the_contract_on_the_strict_ec2() {
    let moto = Moto::start().await;
    let strict = Strict::start(&moto).await;
    let emulated = Arc::new(Emulated {
        people: Oracle::new(strict.endpoint()),
        strict,
        _moto: moto,
    });
    let mut number = 0;
    let world = async || {
        number += 1;
        emulated.strict.set("page_size", 1000).await;
        AwsWorld {
            emulated: Arc::clone(&emulated),
            number,
            denied: Mutex::default(),
        }
    };
    conformance::run(world).await.assert_kept();
}

fn place(at: &AccountRegion) -> Place {
    Place {
        account: at.account.to_string(),
        region: at.region.to_string(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl AwsWorld {
    fn settings(&self) -> Ec2Settings {
        Ec2Settings {
            honours_dry_run: Some(true),
            ..support::settings(&self.emulated.strict.endpoint())
        }
    }

    fn at(&self, first: char, region: &str) -> AccountRegion {
        AccountRegion {
            provider: Provider::Aws,
            account: format!("{first}{:011}", self.number).parse().unwrap(),
            region: Region::of(Provider::Aws, region).unwrap(),
            external_id: None,
        }
    }

    fn act(&self, at: &AccountRegion, call: &str, arguments: &Value) -> Value {
        self.emulated.people.act(&place(at), call, arguments)
    }

    fn set_names(&self, network: &NetworkRef, on: bool) {
        let arguments =
            json!({"VpcId": network.network.as_str(), "EnableDnsHostnames": {"Value": on}});
        self.act(&network.at, "modify_vpc_attribute", &arguments);
    }
}

#[async_trait]
impl World for AwsWorld {
    fn cloud(&self) -> Arc<dyn Cloud> {
        Arc::new(AwsCloud::new(self.settings()))
    }

    async fn unreachable(&self) -> Arc<dyn Cloud> {
        let nobody = format!("http://127.0.0.1:{}", ports::free());
        Arc::new(AwsCloud::new(support::settings(&nobody)))
    }

    /// Without a role, every call is made in the account of the keys.
    async fn as_another_account(&self) -> Arc<dyn Cloud> {
        Arc::new(AwsCloud::new(Ec2Settings {
            role_name: None,
            ..self.settings()
        }))
    }

    fn local(&self) -> AccountRegion {
        self.at('1', "eu-west-1")
    }

    fn remote(&self) -> AccountRegion {
        self.at('2', "us-east-1")
    }

    async fn network(&self, at: &AccountRegion, range: Range) -> NetworkRef {
        let wanted = Wanted {
            name: "network".to_owned(),
            place: place(at),
            cidr: range.to_string(),
        };
        let made = self.emulated.people.prepare(&[wanted]);
        let network = NetworkRef {
            at: at.clone(),
            network: made["network"].vpc.parse().unwrap(),
        };
        self.set_names(&network, true);
        network
    }

    async fn take_names(&self, network: &NetworkRef) {
        self.set_names(network, false);
    }

    async fn link(&self, requester: &NetworkRef, accepter: &NetworkRef) -> Link {
        let wanted = json!({
            "VpcId": requester.network.as_str(),
            "PeerVpcId": accepter.network.as_str(),
            "PeerOwnerId": accepter.at.account.as_str(),
            "PeerRegion": accepter.at.region.as_str()
        });
        let made = self.act(&requester.at, "create_vpc_peering_connection", &wanted);
        let id = text(&made["VpcPeeringConnection"]["VpcPeeringConnectionId"]);
        id.parse().unwrap()
    }

    async fn route_elsewhere(&self, network: &NetworkRef, table: &RouteTable, to: Range) {
        let at = &network.at;
        let made = self.act(at, "create_internet_gateway", &json!({}));
        let gateway = text(&made["InternetGateway"]["InternetGatewayId"]);
        let attached = json!({"InternetGatewayId": gateway, "VpcId": network.network.as_str()});
        self.act(at, "attach_internet_gateway", &attached);
        let route = json!({
            "RouteTableId": table.as_str(),
            "DestinationCidrBlock": to.to_string(),
            "GatewayId": gateway
        });
        self.act(at, "create_route", &route);
    }

    async fn group(&self, network: &NetworkRef, name: &str, rule: InboundRule) -> FirewallGroup {
        let group = json!({
            "GroupName": name, "Description": name, "VpcId": network.network.as_str()
        });
        let made = self.act(&network.at, "create_security_group", &group);
        let id = text(&made["GroupId"]);
        let admit = json!({
            "IpProtocol": "tcp", "FromPort": rule.port, "ToPort": rule.port,
            "IpRanges": [{"CidrIp": rule.source.to_string()}]
        });
        let rules = json!({"GroupId": id, "IpPermissions": [admit]});
        self.act(&network.at, "authorize_security_group_ingress", &rules);
        id.parse().unwrap()
    }

    /// Another group's rule refers to it.
    async fn use_group(&self, network: &NetworkRef, group: &FirewallGroup) {
        let user = json!({
            "GroupName": "user", "Description": "user", "VpcId": network.network.as_str()
        });
        let made = self.act(&network.at, "create_security_group", &user);
        let admit = json!({
            "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
            "UserIdGroupPairs": [{"GroupId": group.as_str()}]
        });
        let rules = json!({"GroupId": text(&made["GroupId"]), "IpPermissions": [admit]});
        self.act(&network.at, "authorize_security_group_ingress", &rules);
    }

    async fn interface(&self, network: &NetworkRef, is_managed: bool) -> Interface {
        let of_network = json!({
            "Filters": [{"Name": "vpc-id", "Values": [network.network.as_str()]}]
        });
        let subnets = self.act(&network.at, "describe_subnets", &of_network);
        let made = json!({
            "SubnetId": text(&subnets["Subnets"][0]["SubnetId"]),
            "Description": if is_managed { "RDSNetworkInterface" } else { "a machine" }
        });
        let made = self.act(&network.at, "create_network_interface", &made);
        let id = text(&made["NetworkInterface"]["NetworkInterfaceId"]);
        id.parse().unwrap()
    }

    async fn deny(&self, at: &AccountRegion, operation: Operation) {
        let denied = (at.account.to_string(), actions(operation)[0].as_str());
        self.emulated.strict.deny(&denied.0, denied.1).await;
        self.denied.lock().push(denied);
    }

    async fn permit(&self, at: &AccountRegion) {
        let denied: Vec<_> = {
            let mut denied = self.denied.lock();
            denied
                .extract_if(.., |it| it.0 == at.account.as_str())
                .collect()
        };
        for (account, action) in denied {
            self.emulated.strict.permit(&account, action).await;
        }
    }

    async fn fail_next(&self, at: &AccountRegion, operation: Operation, fault: Fault) {
        let (account, action) = (at.account.as_str(), actions(operation)[0].as_str());
        let strict = &self.emulated.strict;
        let how = match fault {
            Fault::Throttled => "throttled",
            Fault::AnswerLost => "answer-lost",
            Fault::Malformed => "malformed",
            Fault::CredentialsRefused => "credentials-refused",
            Fault::SessionExpired => "session-expired",
            Fault::Unheard => "unheard",
            Fault::Busy => panic!("EC2 has no such answer"),
        };
        strict.fail_next(account, action, how).await;
    }

    fn never(&self, fault: Fault) -> Option<&'static str> {
        (fault == Fault::Busy)
            .then_some("EC2 locks no network: what is in transition is refused by its state")
    }

    fn unsupported(&self) -> Result<AccountRegion, &'static str> {
        Ok(AccountRegion {
            provider: Provider::Gcp,
            account: "orders-prod".parse().unwrap(),
            region: Region::of(Provider::Gcp, "europe-west1").unwrap(),
            external_id: None,
        })
    }

    /// The least that EC2 lets anybody ask for.
    async fn small_pages(&self) {
        self.emulated.strict.set("page_size", 5).await;
    }

    /// Here it is looks that count.
    async fn pass_time(&self) {}
}
