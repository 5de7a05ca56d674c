//! Two projects at a fake Compute, and the cloud under test over real loopback HTTP.

use async_trait::async_trait;
use cloud::{
    AccountRegion, Cloud, CloudErrorKind, HalfAnswer, HalfState, HalfView, LinkEnd, LinkSpec,
    LinkView, NetworkRef, Operation, OperationState, Owner, RequestId, half_name,
};
use conformance::{Fault as Wanted, World};
use domain::{
    NetworkId, PeeringId, Provider, Range, Region, Side,
    network::InboundRule,
    text::{CloudOperation, FirewallGroup, Interface, Link, RouteTable},
};
use gcp_fake::{FakeCompute, Half, Temper};
use peerage_gcp::{Credentials, GcpCloud, GcpSettings};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

pub(crate) const LOCAL: &str = "local-project";
pub(crate) const REMOTE: &str = "remote-project";

pub(crate) const OWNER: Owner = Owner::new(
    NetworkId(Uuid::from_u128(5)),
    PeeringId(Uuid::from_u128(0x0a11)),
);

pub(crate) fn settings(fake: &FakeCompute) -> GcpSettings {
    GcpSettings {
        endpoint: Some(fake.endpoint()),
        resource_manager: Some(fake.resource_manager()),
        quotas: Some(fake.cloud_quotas()),
        credentials: Credentials::Token("token".to_owned().into()),
        deadline: Duration::from_secs(10),
        poll: Duration::from_millis(1),
        ..GcpSettings::default()
    }
}

pub(crate) fn at(project: &str, region: &str) -> AccountRegion {
    AccountRegion {
        provider: Provider::Gcp,
        account: project.parse().unwrap(),
        region: Region::named(region).unwrap(),
        external_id: None,
    }
}

pub(crate) fn request(number: u128) -> RequestId {
    RequestId(Uuid::from_u128(number))
}

/// A private network and a peer's, each with a subnet.
pub(crate) struct Scene {
    pub(crate) fake: FakeCompute,
    pub(crate) cloud: GcpCloud,
    pub(crate) local: NetworkRef,
    pub(crate) remote: NetworkRef,
    requests: AtomicU64,
}

impl Scene {
    pub(crate) async fn set(temper: Temper) -> Self {
        let fake = FakeCompute::start(temper).await;
        for (project, network, region, range) in [
            (LOCAL, "cluster", "europe-west1", "10.10.0.0/16"),
            (REMOTE, "orders", "us-central1", "10.20.0.0/16"),
        ] {
            fake.network(project, network);
            fake.subnet(project, network, region, "main", range);
        }
        let network = |project, region, network: &str| NetworkRef {
            at: at(project, region),
            network: network.parse().unwrap(),
        };
        Self {
            cloud: GcpCloud::new(&settings(&fake)).unwrap(),
            fake,
            local: network(LOCAL, "europe-west1", "cluster"),
            remote: network(REMOTE, "us-central1", "orders"),
            requests: AtomicU64::new(1),
        }
    }

    pub(crate) fn spec(&self) -> LinkSpec {
        let end = |network: &NetworkRef, range: &str| {
            LinkEnd::new(network.clone(), vec![range.parse().unwrap()])
        };
        LinkSpec {
            owner: OWNER,
            first: end(&self.local, "10.10.0.0/16"),
            second: end(&self.remote, "10.20.0.0/16"),
            link: half_name(OWNER.peering, 0),
        }
    }

    pub(crate) fn name(&self) -> Link {
        self.spec().link.unwrap()
    }

    pub(crate) fn next_request(&self) -> RequestId {
        request(self.requests.fetch_add(1, Ordering::Relaxed).into())
    }

    pub(crate) async fn begun(&self, side: Side, request: RequestId) -> CloudOperation {
        let answer = self.cloud.make_half(&self.spec(), side, request).await;
        operation_of(answer.unwrap())
    }

    /// Asks until the operation is over.
    pub(crate) async fn ended(&self, side: Side, operation: &CloudOperation) -> OperationState {
        let at = &self.spec().network(side).at.clone();
        for _ in 0..10 {
            match self.cloud.operation(at, operation).await.unwrap() {
                OperationState::Running => {}
                over @ (OperationState::Done | OperationState::Failed { .. }) => return over,
            }
        }
        panic!("{operation} does not end")
    }

    pub(crate) async fn make(&self, side: Side) {
        let begun = self.begun(side, self.next_request()).await;
        assert_eq!(self.ended(side, &begun).await, OperationState::Done);
    }

    pub(crate) async fn remove(&self, side: Side) {
        let spec = self.spec();
        let answer = self
            .cloud
            .remove_half(&spec, side, self.next_request())
            .await;
        let begun = operation_of(answer.unwrap());
        assert_eq!(self.ended(side, &begun).await, OperationState::Done);
    }

    pub(crate) async fn connected(&self) {
        self.make(Side::Local).await;
        self.make(Side::Remote).await;
    }

    pub(crate) async fn links(&self, side: Side) -> Vec<LinkView> {
        let spec = self.spec();
        let own = spec.network(side);
        let of = std::slice::from_ref(&own.network);
        self.cloud.links(&own.at, of).await.unwrap()
    }

    pub(crate) async fn half(&self, side: Side) -> Option<HalfView> {
        let spec = self.spec();
        let found = self.links(side).await;
        let view = found.into_iter().find(|it| it.link == self.name())?;
        assert!(
            view.end(spec.other(side)).is_some(),
            "the other end is told: {view:?}"
        );
        view.half(side, spec.network(side))
    }

    pub(crate) async fn state(&self, side: Side) -> HalfState {
        let half = self.half(side).await;
        half.map_or(HalfState::Absent, |it| it.state)
    }
}

pub(crate) fn operation_of(answer: HalfAnswer) -> CloudOperation {
    match answer {
        HalfAnswer::Started { operation } => operation,
        HalfAnswer::Done { link } => panic!("{link} is no operation"),
    }
}

pub(crate) fn kind<T>(result: Result<T, cloud::CloudError>) -> Option<CloudErrorKind> {
    result.err().map(|error| error.kind)
}

/// The suite's world.
pub(crate) struct FakeWorld {
    fake: FakeCompute,
    made: AtomicU64,
}

impl FakeWorld {
    pub(crate) async fn of(temper: Temper) -> Self {
        Self {
            fake: FakeCompute::start(temper).await,
            made: AtomicU64::new(1),
        }
    }

    fn cloud_with(&self, settings: &GcpSettings) -> Arc<dyn Cloud> {
        Arc::new(GcpCloud::new(settings).unwrap())
    }
}

#[async_trait]
impl World for FakeWorld {
    fn cloud(&self) -> Arc<dyn Cloud> {
        self.cloud_with(&settings(&self.fake))
    }

    async fn unreachable(&self) -> Arc<dyn Cloud> {
        self.cloud_with(&GcpSettings {
            endpoint: Some("http://127.0.0.1:1/compute/v1".to_owned()),
            ..settings(&self.fake)
        })
    }

    async fn as_another_account(&self) -> Arc<dyn Cloud> {
        self.cloud()
    }

    fn local(&self) -> AccountRegion {
        at(LOCAL, "europe-west1")
    }

    fn remote(&self) -> AccountRegion {
        at(REMOTE, "us-central1")
    }

    async fn network(&self, at: &AccountRegion, range: Range) -> NetworkRef {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let (project, name) = (at.account.as_str(), format!("network-{number}"));
        self.fake.network(project, &name);
        let (region, range) = (at.region.as_str(), range.to_string());
        self.fake.subnet(project, &name, region, "main", &range);
        NetworkRef {
            at: at.clone(),
            network: name.parse().unwrap(),
        }
    }

    /// Names are never taken from a network here.
    async fn take_names(&self, _network: &NetworkRef) {}

    async fn link(&self, requester: &NetworkRef, accepter: &NetworkRef) -> Link {
        let other = format!(
            "projects/{}/global/networks/{}",
            accepter.at.account, accepter.network
        );
        let (project, network) = (requester.at.account.as_str(), requester.network.as_str());
        self.fake
            .half(project, network, Half::new("theirs", &other));
        "theirs".parse().unwrap()
    }

    async fn route_elsewhere(&self, network: &NetworkRef, _table: &RouteTable, to: Range) {
        let (project, name) = (network.at.account.as_str(), network.network.as_str());
        self.fake.route(project, name, "elsewhere", &to.to_string());
    }

    async fn group(&self, network: &NetworkRef, name: &str, rule: InboundRule) -> FirewallGroup {
        let (project, of) = (network.at.account.as_str(), network.network.as_str());
        let made = json!({
            "name": name,
            "network": format!("projects/{project}/global/networks/{of}"),
            "sourceRanges": [rule.source.to_string()],
            "allowed": [{ "IPProtocol": "tcp", "ports": [rule.port.to_string()] }],
        });
        self.fake.firewall(project, made);
        name.parse().unwrap()
    }

    /// Nothing uses a rule here.
    async fn use_group(&self, _network: &NetworkRef, _group: &FirewallGroup) {}

    /// A firewall is not attached to interfaces here.
    async fn interface(&self, _network: &NetworkRef, _is_managed: bool) -> Interface {
        "none".parse().unwrap()
    }

    async fn deny(&self, at: &AccountRegion, operation: Operation) {
        for permission in self.cloud().permissions(at.provider, operation) {
            self.fake.deny(at.account.as_str(), permission);
        }
    }

    async fn permit(&self, at: &AccountRegion) {
        self.fake.permit(at.account.as_str());
    }

    async fn fail_next(&self, _at: &AccountRegion, _operation: Operation, _fault: Wanted) {}

    fn never(&self, _fault: Wanted) -> Option<&'static str> {
        Some("the suite of halves has none fail")
    }

    fn unsupported(&self) -> Result<AccountRegion, &'static str> {
        Err("the suite of halves does not ask")
    }

    async fn small_pages(&self) {
        self.fake.small_pages(3);
    }

    async fn pass_time(&self) {
        self.fake.pass(Duration::from_secs(1));
    }
}
