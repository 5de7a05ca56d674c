//! `adopt` and `request` check both ends of a link the same way: whatever peer one of them refuses
//! the other refuses for the same reason, and what one takes the other takes.

#![allow(clippy::unwrap_used)]

use chrono::{DateTime, Utc};
use peerage_domain::{
    CommandId, Context, Ids, NetworkId, PeeringId, Provider, Region,
    network::{
        AdoptPeering, Consent, Network, NetworkCommand, NetworkEvent, NetworkRegistered, Peer,
        PeeringRequested, Refusal, RequestPeering, Setup, Tenure, Terms, decide, evolve,
    },
};
use uuid::Uuid;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn peer() -> Peer {
    Peer {
        provider: Provider::Aws,
        account: "444455556666".parse().unwrap(),
        region: Region::of(Provider::Aws, "us-east-1").unwrap(),
        cloud_network: "vpc-0f9e8d7c6b5a43210".parse().unwrap(),
        ranges: vec!["10.101.0.0/16".parse().unwrap()],
        subnets: Vec::new(),
    }
}

/// A network that is joined to one peer already.
fn network() -> Network {
    let registered = NetworkRegistered {
        network_id: NetworkId(Uuid::from_u128(1)),
        project: "payments".parse().unwrap(),
        name: "events".parse().unwrap(),
        provider: Provider::Aws,
        region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
        account: "111122223333".parse().unwrap(),
        cloud_network: "vpc-0a1b2c3d4e5f60718".parse().unwrap(),
        range: "10.20.0.0/16".parse().unwrap(),
        ipv6_ranges: Vec::new(),
        subnets: Vec::new(),
        cloud: None,
        generation: None,
    };
    let requested = PeeringRequested {
        peering_id: PeeringId(Uuid::from_u128(2)),
        peer: Peer {
            cloud_network: "vpc-0aaaaaaaaaaaaaaaa".parse().unwrap(),
            ranges: vec!["10.150.0.0/16".parse().unwrap()],
            ..peer()
        },
        requested_at: now(),
        terms: Terms::default(),
        external_id: None,
    };
    let all: [NetworkEvent; 2] = [registered.into(), requested.into()];
    all.iter().fold(Network::default(), |state, event| {
        evolve(state, event, now())
    })
}

fn decided(command: NetworkCommand) -> Result<(), Refusal> {
    let ids = Ids::of(CommandId(Uuid::from_u128(3)));
    let events = decide(&network(), &command, &Context::default(), now(), ids);
    events.map(drop)
}

fn both(peer: Peer) -> [Result<(), Refusal>; 2] {
    let adopted = AdoptPeering {
        peer: peer.clone(),
        link: "pcx-0123456789abcdef0".parse().unwrap(),
        consent: Consent::Delegated,
        tenure: Tenure::default(),
    };
    let requested = RequestPeering {
        peer,
        terms: Terms::default(),
        setup: Setup::default(),
    };
    [decided(requested.into()), decided(adopted.into())]
}

#[test]
fn whatever_peer_a_request_refuses_an_adoption_refuses_for_the_same_reason() {
    assert_eq!(both(peer()), [Ok(()), Ok(())]);
    type Change = fn(&mut Peer);
    let wrong: [(&str, Change); 15] = [
        ("another provider", |it| it.provider = Provider::Gcp),
        ("no such region", |it| {
            it.region = Region::named("mars-north-1").unwrap();
        }),
        ("another partition", |it| {
            it.region = Region::of(Provider::Aws, "cn-north-1").unwrap();
        }),
        ("no account", |it| it.account = "acme".parse().unwrap()),
        ("no network", |it| {
            it.cloud_network = "vpc-".parse().unwrap()
        }),
        ("the network itself", |it| {
            it.account = "111122223333".parse().unwrap();
            it.region = Region::of(Provider::Aws, "eu-west-1").unwrap();
            it.cloud_network = "vpc-0a1b2c3d4e5f60718".parse().unwrap();
        }),
        ("a peer that is linked already", |it| {
            it.cloud_network = "vpc-0aaaaaaaaaaaaaaaa".parse().unwrap();
        }),
        ("no range", |it| it.ranges.clear()),
        ("too many ranges", |it| {
            let range = |third: usize| format!("10.101.{third}.0/24").parse().unwrap();
            it.ranges = (0..200).map(range).collect();
        }),
        ("too small a range", |it| {
            it.ranges = vec!["10.101.0.0/29".parse().unwrap()];
        }),
        ("the network's own range", |it| {
            it.ranges.push("10.20.7.0/24".parse().unwrap());
        }),
        ("a range that holds the network's", |it| {
            it.ranges = vec!["10.16.0.0/12".parse().unwrap()];
        }),
        ("a range twice", |it| {
            it.ranges.push("10.101.7.0/24".parse().unwrap());
        }),
        ("all subnets and one of them", |it| {
            let named = ["*", "subnet-0a1b2c3d4e5f60718"];
            it.subnets = named.map(|it| it.parse().unwrap()).into();
        }),
        ("too many subnets", |it| {
            let subnet = |number: usize| format!("subnet-{number:017x}").parse().unwrap();
            it.subnets = (0..1000).map(subnet).collect();
        }),
    ];
    for (what, change) in wrong {
        let mut peer = peer();
        change(&mut peer);
        let [requested, adopted] = both(peer);
        assert_eq!(requested, adopted, "{what}");
        assert!(requested.is_err(), "{what}: {requested:?}");
    }
}
