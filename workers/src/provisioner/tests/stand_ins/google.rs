//! Google Cloud: a Compute server with a project for each side.

use super::world::{Change, Half, World, is_admission, overlap};
use crate::provisioner::testing::CLIENTS;
use cloud::Cloud;
use domain::{
    Provider, Region, Side,
    network::{LinkOption, Peer},
};
use gcp::{Credentials, GcpCloud, GcpSettings};
use gcp_fake::{FakeCompute, Fault, Temper};
use parking_lot::Mutex;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use testkit::wire::Wire;
use tokio::task::AbortHandle;

/// A side's project, network, region and range.
fn place(side: Side) -> (&'static str, &'static str, &'static str, &'static str) {
    match side {
        Side::Local => ("orders-prod", "orders", "europe-west1", "10.20.0.0/16"),
        Side::Remote => ("billing-prod", "billing", "us-central1", CLIENTS),
    }
}

/// What another engine's private network is joined to.
const THIRD: (&str, &str, &str, &str) = ("shipping-prod", "shipping", "us-east1", "10.60.0.0/16");

#[derive(Debug)]
pub(super) struct Google {
    fake: Arc<FakeCompute>,
    wire: Wire,
    time: AbortHandle,
    /// How many calls were told.
    taken: Mutex<usize>,
}

impl Drop for Google {
    fn drop(&mut self) {
        self.time.abort();
    }
}

impl Google {
    pub(super) async fn start() -> Self {
        let fake = FakeCompute::start(Temper {
            peering: Duration::from_secs(4),
            other: Duration::from_secs(1),
            stale_reads: 1,
            ..Temper::default()
        });
        let fake = Arc::new(fake.await);
        for (project, network, region, range) in [place(Side::Local), place(Side::Remote), THIRD] {
            fake.network(project, network);
            fake.subnet(project, network, region, "main", range);
        }
        let wire = Wire::to(fake.address().port()).await;
        let told = Arc::clone(&fake);
        let time = tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            loop {
                tick.tick().await;
                told.pass(Duration::from_millis(500));
            }
        });
        Self {
            fake,
            wire,
            time: time.abort_handle(),
            taken: Mutex::default(),
        }
    }

    fn permission(change: Change) -> &'static str {
        match change {
            Change::Look => "compute.networks.get",
            Change::MakeHalf => "compute.networks.addPeering",
            Change::RemoveHalf => "compute.networks.removePeering",
            Change::MakeRule => "compute.firewalls.create",
        }
    }
}

fn member(option: LinkOption) -> &'static str {
    match option {
        LinkOption::ExportCustomRoutes => "exportCustomRoutes",
        LinkOption::ImportCustomRoutes => "importCustomRoutes",
        LinkOption::DualStack => "stackType",
        LinkOption::DnsResolution
        | LinkOption::ForwardedTraffic
        | LinkOption::GatewayTransit
        | LinkOption::RemoteGateways
        | LinkOption::AddressSpaceSync
        | LinkOption::VirtualNetworkAccess
        | LinkOption::MultipathResilience => panic!("Google Cloud has no {option:?}"),
    }
}

impl World for Google {
    fn provider(&self) -> Provider {
        Provider::Gcp
    }

    fn cloud(&self) -> Arc<dyn Cloud> {
        let address = self.wire.address();
        let settings = GcpSettings {
            endpoint: Some(format!("http://{address}/compute/v1")),
            resource_manager: Some(format!("http://{address}")),
            quotas: Some(format!("http://{address}")),
            credentials: Credentials::Token("token".to_owned().into()),
            deadline: Duration::from_secs(5),
            poll: Duration::from_millis(2),
            patience: Duration::from_secs(5),
            ..GcpSettings::default()
        };
        Arc::new(GcpCloud::new(&settings).unwrap())
    }

    fn wire(&self) -> &Wire {
        &self.wire
    }

    fn word(&self, side: Side) -> String {
        format!("/projects/{}", place(side).0)
    }

    fn halves(&self, side: Side) -> Vec<Half> {
        let (project, network, ..) = place(side);
        let halves = self.fake.halves_of(project, network);
        let shown = |it: gcp_fake::Half| {
            let on = [
                (it.exports, LinkOption::ExportCustomRoutes),
                (it.imports, LinkOption::ImportCustomRoutes),
                (it.stack != "IPV4_ONLY", LinkOption::DualStack),
            ];
            let on = on
                .into_iter()
                .filter_map(|(is_on, option)| is_on.then_some(option));
            Half {
                name: it.name,
                on: on.collect(),
            }
        };
        halves.into_iter().map(shown).collect()
    }

    fn join(&self, side: Side, name: &str) {
        let ((project, network, ..), other) = (place(side), place(side.other()));
        let other = format!("projects/{}/global/networks/{}", other.0, other.1);
        let half = gcp_fake::Half::new(name, &other);
        self.fake.half(project, network, half);
    }

    fn part(&self, side: Side, name: &str) {
        let (project, network, ..) = place(side);
        self.fake.drop_half(project, network, name);
    }

    fn switch(&self, side: Side, name: &str, option: LinkOption, on: bool) {
        let (project, network, ..) = place(side);
        let value = if option == LinkOption::DualStack {
            json!(if on { "IPV4_IPV6" } else { "IPV4_ONLY" })
        } else {
            json!(on)
        };
        let members = json!({ member(option): value });
        self.fake.set_half(project, network, name, &members);
    }

    fn rules(&self, side: Side) -> BTreeSet<String> {
        let (project, ..) = place(side);
        self.fake.firewalls_of(project).into_iter().collect()
    }

    fn admit(&self, side: Side, name: &str, from: &str, port: u16) {
        let (project, network, ..) = place(side);
        let rule = json!({
            "name": name,
            "network": format!("projects/{project}/global/networks/{network}"),
            "sourceRanges": [from],
            "allowed": [{ "IPProtocol": "tcp", "ports": [port.to_string()] }],
        });
        self.fake.firewall(project, rule);
    }

    fn drop_rule(&self, side: Side, name: &str) {
        self.fake.drop_firewall(place(side).0, name);
    }

    fn widen(&self, side: Side, range: &str) {
        let (project, network, region, _) = place(side);
        let name = format!("more-{}", range.replace(['.', '/'], "-"));
        self.fake.subnet(project, network, region, &name, range);
    }

    fn set_gateway(&self, _: Side) {}

    fn third(&self) -> Peer {
        let (project, network, region, range) = THIRD;
        Peer {
            provider: Provider::Gcp,
            account: project.parse().unwrap(),
            region: Region::of(Provider::Gcp, region).unwrap(),
            cloud_network: network.parse().unwrap(),
            ranges: vec![range.parse().unwrap()],
            subnets: Vec::new(),
        }
    }

    fn further(&self, number: usize) -> Peer {
        let (project, network) = (format!("further-{}", number / 4), format!("net-{number}"));
        let range = format!("10.{}.0.0/16", 100 + number);
        self.fake.network(&project, &network);
        self.fake
            .subnet(&project, &network, "us-east1", "main", &range);
        Peer {
            provider: Provider::Gcp,
            account: project.parse().unwrap(),
            region: Region::of(Provider::Gcp, "us-east1").unwrap(),
            cloud_network: network.parse().unwrap(),
            ranges: vec![range.parse().unwrap()],
            subnets: Vec::new(),
        }
    }

    fn read(&self) -> Vec<String> {
        let mut taken = self.taken.lock();
        let calls = self.fake.calls();
        let new = calls.iter().skip(*taken);
        *taken = calls.len();
        let is_read =
            |it: &&gcp_fake::Seen| it.http == "GET" && !it.method.ends_with("Operations.get");
        new.filter(is_read).map(|it| it.url.clone()).collect()
    }

    fn deny(&self, side: Side, change: Change) {
        self.fake.deny(place(side).0, Self::permission(change));
    }

    fn permit(&self, side: Side) {
        self.fake.permit(place(side).0);
    }

    fn gives_up(&self, side: Side) {
        let fault = Fault::operation_fails("", "");
        self.fake
            .prepare(place(side).0, "networks.addPeering", fault);
    }

    fn permits_only(&self, printed: &str) {
        // As the printed command lists them.
        let listed = printed.split("--permissions '").nth(1);
        let listed = listed.and_then(|it| it.split('\'').next());
        let permissions: Vec<_> = listed.expect("a role").split(',').collect();
        for side in Side::BOTH {
            self.fake.permit_only(place(side).0, &permissions);
        }
    }

    fn took(&self) -> Vec<(Side, String)> {
        let mut taken = self.taken.lock();
        let calls = self.fake.calls();
        let new = calls.iter().skip(*taken);
        *taken = calls.len();
        let of = |project: &str| Side::BOTH.into_iter().find(|it| place(*it).0 == project);
        new.filter_map(|it| Some((of(&it.project)?, it.method.to_string())))
            .collect()
    }

    /// What no rule admits is denied.
    fn lets_in(&self, side: Side) -> Vec<String> {
        let ((project, network, ..), other) = (place(side), place(side.other()).3);
        let is_joined = Side::BOTH.map(|side| !self.halves(side).is_empty()) == [true; 2];
        let lets = |name: &String| {
            let Some(rule) = self.fake.firewall_named(project, name) else {
                return false;
            };
            let is_here = rule["network"]
                .as_str()
                .is_some_and(|it| it.ends_with(network));
            let mut sources = rule["sourceRanges"].as_array().into_iter().flatten();
            let is_meant = sources.any(|it| it.as_str().is_some_and(|it| overlap(it, other)));
            let admits = rule["allowed"].as_array().is_some_and(|it| !it.is_empty());
            let is_enforced = rule["disabled"] != true && rule["direction"] == "INGRESS";
            is_here && is_meant && admits && is_enforced && !is_admission(name)
        };
        let rules = self.rules(side).into_iter().filter(|_| is_joined);
        rules.filter(lets).collect()
    }
}
