//! The simulated cloud, as the suite of the port wants it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cloud::{
    AccountRegion, Cloud, DnsSupport, LinkEnd, LinkState, NetworkRef, Operation, RouteTarget,
};
use conformance::{Fault, World};
use domain::{
    Clock, Provider, Range, Region,
    network::InboundRule,
    text::{FirewallGroup, Interface, Link, RouteTable},
};
use peerage_simulated::{NextCall, Refused, SimulatedCloud, SimulatedSettings};
use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

pub(crate) struct SimulatedWorld {
    provider: Provider,
    cloud: SimulatedCloud,
    settings: SimulatedSettings,
    made: AtomicUsize,
}

/// Everything is late, by seconds and by reads.
pub(crate) fn late(seed: u64) -> SimulatedSettings {
    let span = |to| Duration::ZERO..=Duration::from_secs(to);
    SimulatedSettings {
        visibility: span(8),
        stale_reads: RangeInclusive::new(0, 2),
        initiating: span(5),
        provisioning: span(5),
        deleting: span(5),
        ..SimulatedSettings::instant(seed)
    }
}

fn clock() -> Clock {
    let (start, since) = (
        DateTime::<Utc>::from_timestamp(1_790_000_000, 0).unwrap(),
        tokio::time::Instant::now(),
    );
    Arc::new(move || start + since.elapsed())
}

fn at(provider: Provider, account: &str, region: &str) -> AccountRegion {
    AccountRegion {
        provider,
        account: account.parse().unwrap(),
        region: Region::of(provider, region).unwrap(),
        external_id: None,
    }
}

impl SimulatedWorld {
    pub(crate) fn of(settings: SimulatedSettings) -> Self {
        Self::at(Provider::Aws, settings)
    }

    pub(crate) fn at(provider: Provider, settings: SimulatedSettings) -> Self {
        Self {
            provider,
            cloud: SimulatedCloud::new(settings.clone(), clock()),
            settings,
            made: AtomicUsize::new(0),
        }
    }
}

#[async_trait]
impl World for SimulatedWorld {
    fn cloud(&self) -> Arc<dyn Cloud> {
        Arc::new(self.cloud.clone())
    }

    async fn unreachable(&self) -> Arc<dyn Cloud> {
        let cut = SimulatedCloud::new(self.settings.clone(), clock());
        cut.out_of_band().cut();
        Arc::new(cut)
    }

    async fn as_another_account(&self) -> Arc<dyn Cloud> {
        let stranger = "999999999999".parse().unwrap();
        for meant in [self.local(), self.remote()] {
            self.cloud.out_of_band().mix_up(&meant.account, &stranger);
        }
        self.cloud()
    }

    fn local(&self) -> AccountRegion {
        let region = match self.provider {
            Provider::Aws => "eu-west-1",
            Provider::Gcp => "europe-west1",
            Provider::Azure => "westeurope",
        };
        at(self.provider, "111111111111", region)
    }

    fn remote(&self) -> AccountRegion {
        let region = match self.provider {
            Provider::Aws => "us-east-1",
            Provider::Gcp => "us-central1",
            Provider::Azure => "northeurope",
        };
        at(self.provider, "222222222222", region)
    }

    async fn network(&self, at: &AccountRegion, range: Range) -> NetworkRef {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let network = NetworkRef {
            at: at.clone(),
            network: format!("vpc-0{number:016x}").parse().unwrap(),
        };
        let subnets = [1, 2].map(|it| format!("subnet-{number}-{it}").parse().unwrap());
        let range = range.net();
        self.cloud.out_of_band().build(&network, &[range], &subnets);
        network
    }

    async fn take_names(&self, network: &NetworkRef) {
        let none = DnsSupport {
            resolution: true,
            hostnames: false,
        };
        self.cloud.out_of_band().set_dns(network, none);
    }

    async fn link(&self, requester: &NetworkRef, accepter: &NetworkRef) -> Link {
        let end = |network: &NetworkRef| LinkEnd::new(network.clone(), Vec::new());
        let by_hand = self.cloud.out_of_band();
        by_hand.join(&end(requester), &end(accepter), LinkState::Pending, None)
    }

    async fn route_elsewhere(&self, network: &NetworkRef, table: &RouteTable, to: Range) {
        let target = RouteTarget::Other("igw-1".to_owned());
        let hands = self.cloud.out_of_band();
        hands.route(network, table, to.net(), target);
    }

    async fn group(&self, network: &NetworkRef, name: &str, rule: InboundRule) -> FirewallGroup {
        let rule = format!("tcp {} from {}", rule.port, rule.source);
        let made = self.cloud.out_of_band().group(network, name, &[&rule]);
        made.unwrap()
    }

    async fn use_group(&self, network: &NetworkRef, group: &FirewallGroup) {
        self.cloud.out_of_band().use_group(network, group);
    }

    async fn interface(&self, network: &NetworkRef, is_managed: bool) -> Interface {
        let hands = self.cloud.out_of_band();
        let theirs = hands.group(network, "machines", &[]).unwrap();
        let made = hands.interface(network, &[theirs], &[]).unwrap();
        let service = is_managed.then(|| "amazon-rds".to_owned());
        hands.alter_interface(network, &made, |it| it.managed_by = service);
        made
    }

    async fn deny(&self, at: &AccountRegion, operation: Operation) {
        self.cloud.out_of_band().deny_call(&at.account, operation);
    }

    async fn permit(&self, at: &AccountRegion) {
        self.cloud.out_of_band().allow(&at.account);
    }

    async fn fail_next(&self, at: &AccountRegion, operation: Operation, fault: Fault) {
        let happens = match fault {
            Fault::Throttled => NextCall::Throttled,
            Fault::AnswerLost => NextCall::AnswerLost,
            Fault::Busy => NextCall::Refused(Refused::Busy),
            Fault::Malformed => NextCall::Refused(Refused::Malformed),
            Fault::CredentialsRefused => NextCall::Refused(Refused::Credentials),
            Fault::SessionExpired => NextCall::Refused(Refused::Session),
            Fault::Unheard => NextCall::Refused(Refused::Unheard),
        };
        let hands = self.cloud.out_of_band();
        hands.prepare(&at.account, operation, happens);
    }

    fn unsupported(&self) -> Result<AccountRegion, &'static str> {
        Err("it plays each provider, wherever that is")
    }

    /// A simulated answer has no pages.
    async fn small_pages(&self) {}

    async fn pass_time(&self) {
        tokio::time::advance(Duration::from_secs(1)).await;
    }
}
