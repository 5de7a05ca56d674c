//! What these tests share: two tenants with a network each, and the cloud over them.

#![allow(dead_code, reason = "each suite uses a part")]

use cloud::{
    AccountRegion, Cloud as _, CloudError, CloudErrorKind, HalfAnswer, LinkEnd, LinkSpec, LinkView,
    NetworkRef, OperationState, Owner, RequestId, half_name,
};
use domain::{
    NetworkId, PeeringId, Provider, Region, Side,
    text::{CloudOperation, Link},
};
use peerage_azure::{AzureCloud, AzureSettings, Credential};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::arm::{FakeArm, SECRET};
use uuid::Uuid;

pub(crate) const LOCAL: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const REMOTE: &str = "22222222-2222-4222-8222-222222222222";

pub(crate) const PEERING: PeeringId = PeeringId(Uuid::from_u128(0x0a11));
pub(crate) const OWNER: Owner = Owner::new(NetworkId(Uuid::from_u128(0x0a10)), PEERING);

pub(crate) fn subscription(tenant: &str) -> String {
    tenant.replace("-4", "-5")
}

pub(crate) fn id(tenant: &str, kind: &str, name: &str) -> String {
    let of = subscription(tenant);
    format!("/subscriptions/{of}/resourceGroups/rg/providers/Microsoft.Network/{kind}/{name}")
}

pub(crate) fn vnet_id(tenant: &str) -> String {
    id(tenant, "virtualNetworks", "net")
}

pub(crate) fn nsg_id(tenant: &str) -> String {
    id(tenant, "networkSecurityGroups", "guard")
}

fn place(tenant: &str, region: &str) -> AccountRegion {
    AccountRegion {
        provider: Provider::Azure,
        account: tenant.parse().unwrap(),
        region: Region::of(Provider::Azure, region).unwrap(),
        external_id: None,
    }
}

/// A network with one subnet that has interfaces, before which a security group stands, and one
/// that has nothing.
pub(crate) fn vnet(location: &str, prefix: &str, nsg: Option<&str>) -> Value {
    let mut used = json!({"addressPrefix": prefix, "ipConfigurations": [{"id": "nic"}]});
    if let Some(nsg) = nsg {
        used["networkSecurityGroup"] = json!({ "id": nsg });
    }
    json!({
        "location": location,
        "properties": {
            "addressSpace": {"addressPrefixes": [prefix]},
            "subnets": [
                {"name": "used", "properties": used},
                {"name": "empty", "properties": {"addressPrefix": prefix}},
            ],
        },
    })
}

pub(crate) struct World {
    pub(crate) fake: FakeArm,
    pub(crate) cloud: AzureCloud,
    pub(crate) local: NetworkRef,
    pub(crate) remote: NetworkRef,
}

pub(crate) fn settings(fake: &FakeArm) -> AzureSettings {
    AzureSettings {
        endpoint: fake.endpoint().to_owned(),
        login: fake.login(),
        security_groups: vec![nsg_id(LOCAL), nsg_id(REMOTE).to_uppercase()],
        priorities: 100..=199,
        poll_interval: Duration::from_millis(1),
        patience: Duration::from_secs(20),
        ..AzureSettings::new(Credential::ClientSecret {
            client_id: "the-engine".to_owned(),
            secret: SECRET.into(),
        })
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let fake = FakeArm::start().await;
        for (tenant, location, prefix) in [
            (LOCAL, "westeurope", "10.1.0.0/16"),
            (REMOTE, "North Europe", "10.2.0.0/16"),
        ] {
            fake.subscription(&subscription(tenant), tenant);
            let location_only = json!({"location": location, "properties": {}});
            fake.plant(&nsg_id(tenant), &location_only);
            let body = vnet(location, prefix, Some(&nsg_id(tenant)));
            fake.plant(&vnet_id(tenant), &body);
        }
        let network = |tenant: &str, region| NetworkRef {
            at: place(tenant, region),
            network: vnet_id(tenant).parse().unwrap(),
        };
        Self {
            cloud: AzureCloud::new(settings(&fake)),
            local: network(LOCAL, "westeurope"),
            remote: network(REMOTE, "northeurope"),
            fake,
        }
    }

    /// The same world to a process that has just begun.
    pub(crate) fn restart(&mut self) {
        self.cloud = AzureCloud::new(settings(&self.fake));
    }

    pub(crate) fn spec(&self) -> LinkSpec {
        let end = |network: &NetworkRef| LinkEnd::new(network.clone(), Vec::new());
        LinkSpec {
            owner: OWNER,
            first: end(&self.local),
            second: end(&self.remote),
            link: half_name(PEERING, 0),
        }
    }

    pub(crate) fn link(&self) -> Link {
        half_name(PEERING, 0).unwrap()
    }

    pub(crate) fn network(&self, side: Side) -> &NetworkRef {
        match side {
            Side::Local => &self.local,
            Side::Remote => &self.remote,
        }
    }

    pub(crate) async fn begin(&self, side: Side) -> Result<HalfAnswer, CloudError> {
        let request = RequestId(Uuid::from_u128(1));
        self.cloud.make_half(&self.spec(), side, request).await
    }

    pub(crate) async fn begin_removal(&self, side: Side) -> Result<HalfAnswer, CloudError> {
        let request = RequestId(Uuid::from_u128(2));
        self.cloud.remove_half(&self.spec(), side, request).await
    }

    /// Asks until the operation has ended; each request moves the clock.
    pub(crate) async fn ends(&self, side: Side, operation: &CloudOperation) -> OperationState {
        let at = &self.network(side).at;
        testkit::wait::until("the operation's end", testkit::wait::SOON, || async {
            let state = self.cloud.operation(at, operation).await.unwrap();
            (state != OperationState::Running).then_some(state)
        })
        .await
    }

    pub(crate) async fn settles(&self, side: Side, answer: HalfAnswer) {
        if let HalfAnswer::Started { operation } = answer {
            assert_eq!(self.ends(side, &operation).await, OperationState::Done);
        }
    }

    pub(crate) async fn make(&self, side: Side) {
        let answer = self.begin(side).await.unwrap();
        self.settles(side, answer).await;
    }

    pub(crate) async fn remove(&self, side: Side) {
        let answer = self.begin_removal(side).await.unwrap();
        self.settles(side, answer).await;
    }

    pub(crate) async fn both(&self) {
        for side in Side::BOTH {
            self.make(side).await;
        }
    }

    /// The half as its own side is shown it.
    pub(crate) async fn view(&self, side: Side) -> Option<LinkView> {
        let own = self.network(side);
        let of = std::slice::from_ref(&own.network);
        let shown = self.cloud.links(&own.at, of).await.unwrap();
        shown.into_iter().find(|it| it.link == self.link())
    }

    /// The half as it is.
    pub(crate) fn half(&self, side: Side) -> Option<Value> {
        let network = self.network(side).network.as_str();
        let name = self.link();
        self.fake
            .child(network, "virtualNetworkPeerings", name.as_str())
    }
}

pub(crate) fn kind<T>(result: Result<T, CloudError>) -> Option<CloudErrorKind> {
    result.err().map(|error| error.kind)
}
