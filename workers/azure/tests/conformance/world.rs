//! Azure over a Resource Manager on loopback, as the suite of the port wants it. What the cases of
//! halves do not ask for, this world does not have.

use crate::support::{LOCAL, REMOTE, settings, subscription};
use async_trait::async_trait;
use cloud::{AccountRegion, Cloud, NetworkRef, Operation};
use conformance::{Fault, World};
use domain::{
    Provider, Range, Region,
    network::InboundRule,
    text::{FirewallGroup, Interface, Link, RouteTable},
};
use peerage_azure::{AzureCloud, AzureSettings};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use testkit::arm::FakeArm;

pub(crate) struct AzureWorld {
    fake: FakeArm,
    cloud: AzureCloud,
    made: AtomicUsize,
}

impl AzureWorld {
    /// A world in which an operation takes so many requests.
    pub(crate) async fn new(takes: u64) -> Self {
        let fake = FakeArm::start().await;
        fake.with(|it| it.pace.takes = takes);
        for tenant in [LOCAL, REMOTE] {
            fake.subscription(&subscription(tenant), tenant);
        }
        let cloud = AzureCloud::new(AzureSettings {
            poll_interval: Duration::ZERO,
            ..settings(&fake)
        });
        let made = AtomicUsize::new(0);
        Self { fake, cloud, made }
    }
}

fn at(tenant: &str, region: &str) -> AccountRegion {
    AccountRegion {
        provider: Provider::Azure,
        account: tenant.parse().unwrap(),
        region: Region::of(Provider::Azure, region).unwrap(),
        external_id: None,
    }
}

#[async_trait]
impl World for AzureWorld {
    fn cloud(&self) -> Arc<dyn Cloud> {
        Arc::new(self.cloud.clone())
    }

    async fn unreachable(&self) -> Arc<dyn Cloud> {
        panic!("no case of halves asks for that")
    }

    async fn as_another_account(&self) -> Arc<dyn Cloud> {
        panic!("no case of halves asks for that")
    }

    fn local(&self) -> AccountRegion {
        at(LOCAL, "westeurope")
    }

    fn remote(&self) -> AccountRegion {
        at(REMOTE, "northeurope")
    }

    async fn network(&self, at: &AccountRegion, range: Range) -> NetworkRef {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let of = subscription(at.account.as_str());
        let id = format!(
            "/subscriptions/{of}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/net-{number}"
        );
        let subnet =
            |name: &str| json!({"name": name, "properties": {"addressPrefix": range.to_string()}});
        let body = json!({
            "location": at.region.as_str(),
            "properties": {
                "addressSpace": {"addressPrefixes": [range.to_string()]},
                "subnets": [subnet("one"), subnet("two")],
            },
        });
        self.fake.plant(&id, &body);
        NetworkRef {
            at: at.clone(),
            network: id.parse().unwrap(),
        }
    }

    async fn take_names(&self, _: &NetworkRef) {
        panic!("no case of halves asks for that")
    }

    async fn link(&self, _: &NetworkRef, _: &NetworkRef) -> Link {
        panic!("no case of halves asks for that")
    }

    async fn route_elsewhere(&self, _: &NetworkRef, _: &RouteTable, _: Range) {
        panic!("no case of halves asks for that")
    }

    async fn group(&self, _: &NetworkRef, _: &str, _: InboundRule) -> FirewallGroup {
        panic!("no case of halves asks for that")
    }

    async fn use_group(&self, _: &NetworkRef, _: &FirewallGroup) {
        panic!("no case of halves asks for that")
    }

    async fn interface(&self, _: &NetworkRef, _: bool) -> Interface {
        panic!("no case of halves asks for that")
    }

    async fn deny(&self, _: &AccountRegion, _: Operation) {
        panic!("no case of halves asks for that")
    }

    async fn permit(&self, _: &AccountRegion) {
        panic!("no case of halves asks for that")
    }

    async fn fail_next(&self, _: &AccountRegion, _: Operation, _: Fault) {
        panic!("no case of halves asks for that")
    }

    fn unsupported(&self) -> Result<AccountRegion, &'static str> {
        Err("no case of halves asks for that")
    }

    async fn small_pages(&self) {}

    async fn pass_time(&self) {
        self.fake.with(|it| it.now += 1);
    }
}
