//! The simulated cloud answers as real ones do.
#![allow(clippy::unwrap_used)]

mod access;
mod firewall;
mod halves;
mod links;
mod networks;
mod routes;
mod world;

use super::*;
use chrono::{DateTime, Utc};
use cloud::{LinkEnd, LinkState};
use conformance::OneObject as _;
use domain::{PeeringId, Provider, Region};
use std::time::Duration;
use uuid::Uuid;

const VISIBLE: Duration = Duration::from_secs(60);

fn clock() -> Clock {
    let (start, since) = (
        DateTime::<Utc>::from_timestamp(1_790_000_000, 0).unwrap(),
        tokio::time::Instant::now(),
    );
    Arc::new(move || start + since.elapsed())
}

fn network(account: &str, region: &str, id: &str) -> NetworkRef {
    let region = Region::of(Provider::Aws, region).unwrap();
    let at = AccountRegion {
        provider: Provider::Aws,
        account: account.parse().unwrap(),
        region,
        external_id: None,
    };
    NetworkRef {
        at,
        network: id.parse().unwrap(),
    }
}

fn end(network: NetworkRef, range: &str) -> LinkEnd {
    LinkEnd::new(network, vec![range.parse().unwrap()])
}

fn one() -> LinkEnd {
    end(
        network("111111111111", "eu-west-1", "vpc-0aaaaaaaaaaaaaaaa"),
        "10.1.0.0/16",
    )
}

fn other() -> LinkEnd {
    end(
        network("222222222222", "us-east-1", "vpc-0bbbbbbbbbbbbbbbb"),
        "10.2.0.0/16",
    )
}

/// The network's id, as reads are told it.
fn id(of: &LinkEnd) -> [CloudNetwork; 1] {
    [of.network.network.clone()]
}

fn secs(n: u64) -> Span {
    Duration::from_secs(n)..=Duration::from_secs(n)
}

fn owner() -> Owner {
    Owner::before_networks(PeeringId(Uuid::from_u128(5)))
}

fn spec() -> LinkSpec {
    LinkSpec {
        owner: owner(),
        first: one(),
        second: other(),
        link: None,
    }
}

fn reversed() -> LinkSpec {
    LinkSpec {
        owner: Owner::before_networks(PeeringId(Uuid::from_u128(6))),
        first: other(),
        second: one(),
        link: None,
    }
}

fn rule(port: u16) -> InboundRule {
    InboundRule {
        source: "10.2.0.0/16".parse().unwrap(),
        port,
        target: None,
    }
}

fn with(settings: SimulatedSettings) -> SimulatedCloud {
    let cloud = SimulatedCloud::new(settings, clock());
    for end in [one(), other()] {
        cloud.out_of_band().build(&end.network, &end.ranges, &[]);
    }
    cloud
}

fn instant() -> SimulatedCloud {
    with(SimulatedSettings::instant(1))
}

async fn shown(cloud: &SimulatedCloud, at: &LinkEnd) -> Vec<LinkView> {
    cloud
        .links(
            &at.network.at,
            &[one().network.network, other().network.network],
        )
        .await
        .unwrap()
}

async fn state(cloud: &SimulatedCloud) -> LinkState {
    shown(cloud, &one()).await.remove(0).state
}

/// How a call ended, in a word.
fn kind<T>(result: Result<T, CloudError>) -> Option<CloudErrorKind> {
    result.err().map(|error| error.kind)
}

async fn active(cloud: &SimulatedCloud) -> Link {
    let link = cloud.create_link(&spec()).await.unwrap();
    cloud.accept_link(&other().network.at, &link).await.unwrap();
    link
}

async fn main_table(cloud: &SimulatedCloud, end: &LinkEnd) -> RouteTableView {
    cloud
        .route_tables(&end.network.at, &id(end))
        .await
        .unwrap()
        .remove(0)
}
