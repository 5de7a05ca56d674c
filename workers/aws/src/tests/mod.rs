//! What EC2 shows becomes what the port says. The calls themselves are tested against an emulator,
//! in `workers/tests`.

#![allow(clippy::unwrap_used)]

mod firewall;

use super::{AwsCloud, DEFAULT_LIMITS, mode_at, refusals::Asked, requests, views};
use crate::ec2::{
    Ec2Settings, MultipathStatus, PeeringConnection, PeeringEnd, PeeringStatus, Route,
    RouteDestination, RouteState, RouteTable, RouteTarget, Subnet, Tags, Vpc,
};
use chrono::TimeDelta;
use cloud::{
    AccountRegion, Cloud, CloudErrorKind, Limits, LinkEnd, LinkSpec, LinkState, NetworkRef,
    OWNER_TAG, Operation, Owner,
};
use domain::{
    CloudMode, NetworkId, PeeringId, Places, Provider, QuotaOverrides, Region, network::LinkOption,
};
use uuid::Uuid;

const OWNER: Owner = Owner::new(NetworkId(Uuid::from_u128(6)), PeeringId(Uuid::from_u128(7)));

fn place(account: &str, region: &str) -> AccountRegion {
    let region = Region::of(Provider::Aws, region).unwrap();
    AccountRegion {
        provider: Provider::Aws,
        account: account.parse().unwrap(),
        region,
        external_id: None,
    }
}

fn network(account: &str, region: &str, vpc: &str) -> NetworkRef {
    NetworkRef {
        at: place(account, region),
        network: vpc.parse().unwrap(),
    }
}

fn here() -> AccountRegion {
    place("111111111111", "eu-west-1")
}

fn end(account: &str, region: &str, vpc: &str) -> PeeringEnd {
    PeeringEnd {
        account: account.to_owned(),
        region: region.to_owned(),
        vpc: Some(vpc.into()),
        ..PeeringEnd::default()
    }
}

fn connection(requester: PeeringEnd, accepter: PeeringEnd) -> PeeringConnection {
    PeeringConnection {
        id: "pcx-1".into(),
        status: PeeringStatus::PendingAcceptance,
        status_message: String::new(),
        requester,
        accepter,
        expires: None,
        multipath: None,
        tags: Tags::from([(OWNER_TAG.to_owned(), OWNER.to_string())]),
    }
}

#[test]
fn a_link_has_the_ends_the_options_and_the_owner_that_ec2_tells() {
    let at = here();
    let asked = Asked::of(Operation::Links, &at).unwrap();
    let requester = PeeringEnd {
        cidrs: vec!["10.2.0.0/16".parse().unwrap(), "fd00::/56".parse().unwrap()],
        allow_dns_resolution_from_remote_vpc: Some(true),
        ..end("222222222222", "us-east-1", "vpc-2")
    };
    let found = connection(requester.clone(), end("111111111111", "eu-west-1", "vpc-1"));
    let link = views::link(&asked, &found).unwrap().unwrap();
    let one = network("222222222222", "us-east-1", "vpc-2");
    assert_eq!(
        link.first,
        LinkEnd {
            options: [(LinkOption::DnsResolution, true)].into(),
            ..LinkEnd::new(one, requester.cidrs)
        }
    );
    let other = network("111111111111", "eu-west-1", "vpc-1");
    assert_eq!(link.second, LinkEnd::new(other, Vec::new()));
    assert_eq!(
        (link.state, link.owner, link.message),
        (LinkState::Pending, Some(OWNER), None)
    );
}

#[test]
fn a_stranger_with_the_right_network_id_is_shown_as_a_stranger() {
    let at = here();
    let asked = Asked::of(Operation::Links, &at).unwrap();
    let stranger = connection(
        end("666666666666", "eu-west-1", "vpc-1"),
        end("", "", "vpc-2"),
    );
    let link = views::link(&asked, &stranger).unwrap().unwrap();
    assert_eq!(link.first.network.at.account.as_str(), "666666666666");
    assert_eq!(
        link.second.network,
        network("111111111111", "eu-west-1", "vpc-2"),
        "what EC2 leaves out is where it was asked"
    );
}

#[test]
fn a_strangers_link_to_a_region_that_nobody_knows_is_kept_as_a_strangers() {
    let at = here();
    let asked = Asked::of(Operation::Links, &at).unwrap();
    let ours = end("111111111111", "eu-west-1", "vpc-1");
    let far = end("222222222222", "mars-north-1", "vpc-2");
    let link = views::link(&asked, &connection(ours, far))
        .unwrap()
        .unwrap();
    let region = link.second.network.at.region;
    assert_eq!(region, Region::named("mars-north-1").unwrap());
}

#[test]
fn a_strangers_link_without_a_network_hides_none_of_ours() {
    let at = here();
    let asked = Asked::of(Operation::Links, &at).unwrap();
    let ours = end("111111111111", "eu-west-1", "vpc-1");
    let odd = PeeringEnd {
        vpc: None,
        ..ours.clone()
    };
    let link = views::link(&asked, &connection(ours, odd)).unwrap();
    assert_eq!(link, None);
}

/// EC2's word is about both ends: one that does not allow it has no effect to tell of.
#[test]
fn an_end_that_allows_several_paths_has_the_effect_that_ec2_tells_of_the_connection() {
    let at = here();
    let asked = Asked::of(Operation::Links, &at).unwrap();
    let effects = |told: Option<MultipathStatus>, allow: [Option<bool>; 2]| {
        let [requester, accepter] = allow.map(|allow| PeeringEnd {
            allow_multipath_resilience: allow,
            ..end("111111111111", "eu-west-1", "vpc-1")
        });
        let found = PeeringConnection {
            multipath: told,
            ..connection(requester, accepter)
        };
        let link = views::link(&asked, &found).unwrap().unwrap();
        [link.first, link.second].map(|it| it.effect(LinkOption::MultipathResilience))
    };
    let (on, off) = (Some(true), Some(false));
    let told = [
        (Some(MultipathStatus::Enabled), [on, on], [on, on]),
        (Some(MultipathStatus::Pending), [on, off], [off, None]),
        (Some(MultipathStatus::Pending), [None, on], [None, off]),
        (Some(MultipathStatus::Disabled), [off, off], [None, None]),
        (None, [on, on], [None, None]),
    ];
    for (status, allow, expected) in told {
        assert_eq!(effects(status, allow), expected, "{status:?} {allow:?}");
    }
}

#[test]
fn every_state_of_ec2_has_a_word_and_a_new_one_is_kept() {
    let at = here();
    let asked = Asked::of(Operation::Links, &at).unwrap();
    let state = |status| {
        let ours = end("111111111111", "eu-west-1", "vpc-1");
        let found = PeeringConnection {
            status,
            status_message: "Why".to_owned(),
            ..connection(ours.clone(), ours)
        };
        let link = views::link(&asked, &found).unwrap().unwrap();
        assert_eq!(link.message.as_deref(), Some("Why"));
        link.state
    };
    use PeeringStatus as Ec2;
    let all = [
        (Ec2::InitiatingRequest, LinkState::Initiating),
        (Ec2::PendingAcceptance, LinkState::Pending),
        (Ec2::Provisioning, LinkState::Provisioning),
        (Ec2::Active, LinkState::Active),
        (Ec2::Rejected, LinkState::Rejected),
        (Ec2::Expired, LinkState::Expired),
        (Ec2::Failed, LinkState::Failed),
        (Ec2::Deleting, LinkState::Deleting),
        (Ec2::Deleted, LinkState::Deleted),
        (
            Ec2::Other("suspended".to_owned()),
            LinkState::Unknown("suspended".to_owned()),
        ),
    ];
    for (ec2, ours) in all {
        assert_eq!(state(ec2), ours);
    }
}

#[test]
fn a_network_has_all_its_ranges_and_a_shared_one_is_not_the_accounts_own() {
    let at = here();
    let asked = Asked::of(Operation::Networks, &at).unwrap();
    let found = Vpc {
        id: "vpc-1".into(),
        account: "111111111111".to_owned(),
        available: true,
        cidrs: vec![
            "10.1.0.0/16".parse().unwrap(),
            "10.9.0.0/16".parse().unwrap(),
        ],
        ipv6_cidrs: vec!["fd00::/56".parse().unwrap()],
        tags: Tags::new(),
    };
    let view = views::network(&asked, &found).unwrap();
    let ranges: Vec<_> = view.ranges.iter().map(ToString::to_string).collect();
    assert_eq!(
        (view.network.as_str(), ranges),
        (
            "vpc-1",
            ["10.1.0.0/16", "10.9.0.0/16", "fd00::/56"]
                .map(str::to_owned)
                .to_vec()
        )
    );
    let shared = Vpc {
        account: "666666666666".to_owned(),
        ..found
    };
    let owner = views::network(&asked, &shared).unwrap().shared_by;
    assert_eq!(owner.map(|it| it.to_string()), Some(shared.account));
    assert_eq!(view.shared_by, None);
}

#[test]
fn a_subnet_lies_in_the_zone_that_has_one_id_everywhere() {
    let at = here();
    let asked = Asked::of(Operation::Subnets, &at).unwrap();
    let zone_id = Some("euw1-az2".to_owned());
    let found = Subnet {
        id: "subnet-1".into(),
        vpc: Some("vpc-1".into()),
        cidr: None,
        zone_id: zone_id.clone(),
        tags: Tags::new(),
    };
    let view = views::subnet(&asked, &found).unwrap();
    assert_eq!(
        (view.network.as_str(), view.subnet.as_str(), view.zone),
        ("vpc-1", "subnet-1", zone_id)
    );
    let homeless = views::subnet(&asked, &Subnet { vpc: None, ..found }).unwrap_err();
    assert_eq!(homeless.kind, CloudErrorKind::Unexpected);
}

#[test]
fn routes_keep_their_target_and_those_for_lists_of_ranges_are_told_apart() {
    let at = here();
    let asked = Asked::of(Operation::RouteTables, &at).unwrap();
    let route = |destination, target| Route {
        destination,
        target,
        state: RouteState::Blackhole,
    };
    let to = |cidr: &str| RouteDestination::Block(cidr.parse().unwrap());
    let routes = vec![
        route(to("10.1.0.0/16"), RouteTarget::Local),
        route(to("0.0.0.0/0"), RouteTarget::Other("igw-1".to_owned())),
        route(to("10.2.0.0/16"), RouteTarget::Peering("pcx-1".into())),
        route(to("::/0"), RouteTarget::Other("eigw-1".to_owned())),
        route(to("fd00:2::/56"), RouteTarget::Peering("pcx-1".into())),
        route(
            RouteDestination::Other("pl-1".to_owned()),
            RouteTarget::Peering("pcx-1".into()),
        ),
    ];
    let subnets = vec!["subnet-1".into(), "subnet-2".into()];
    let found = RouteTable {
        id: "rtb-1".into(),
        vpc: Some("vpc-1".into()),
        main: true,
        subnets,
        routes,
        tags: Tags::new(),
    };
    let view = views::route_table(&asked, &found).unwrap();
    let shown: Vec<_> = view
        .routes
        .iter()
        .map(|route| format!("{} {} {:?}", route.destination, route.target, route.state))
        .collect();
    assert_eq!(
        shown,
        [
            "10.1.0.0/16 local Blackhole",
            "0.0.0.0/0 igw-1 Blackhole",
            "10.2.0.0/16 pcx-1 Blackhole",
            "::/0 eigw-1 Blackhole",
            "fd00:2::/56 pcx-1 Blackhole"
        ]
    );
    let others: Vec<_> = view
        .others
        .iter()
        .map(|it| it.destination.as_str())
        .collect();
    assert_eq!(others, ["pl-1"]);
    let subnets: Vec<_> = view.subnets.iter().map(|subnet| subnet.as_str()).collect();
    assert_eq!(
        (view.network.as_str(), view.main, subnets),
        ("vpc-1", true, vec!["subnet-1", "subnet-2"])
    );
}

#[test]
fn another_providers_place_is_not_supported() {
    let region = Region::of(Provider::Gcp, "europe-west1").unwrap();
    let at = AccountRegion {
        provider: Provider::Gcp,
        account: "orders-prod".parse().unwrap(),
        region,
        external_id: None,
    };
    let refused = Asked::of(Operation::Links, &at).err().unwrap();
    assert_eq!(refused.kind, CloudErrorKind::Unsupported);
    let end = |at| {
        LinkEnd::new(
            NetworkRef {
                at,
                network: "vpc-1".parse().unwrap(),
            },
            Vec::new(),
        )
    };
    let spec = LinkSpec {
        owner: OWNER,
        first: end(here()),
        second: end(at),
        link: None,
    };
    assert_eq!(
        requests::peering(&spec, &Tags::new()).unwrap_err().kind,
        CloudErrorKind::Unsupported
    );
}

#[test]
fn the_external_id_goes_along_and_is_not_told_to_the_other_side() {
    let at = AccountRegion {
        external_id: Some("tenant-7".parse().unwrap()),
        ..here()
    };
    let shown = requests::scope(Operation::Identity, &at)
        .unwrap()
        .external_id;
    assert_eq!(
        shown.as_ref().map(crate::ec2::ExternalId::as_str),
        Some("tenant-7")
    );
    assert_eq!(
        requests::scope(Operation::Identity, &here())
            .unwrap()
            .external_id,
        None
    );
    let link = views::link(
        &Asked::of(Operation::Links, &at).unwrap(),
        &connection(
            end("111111111111", "eu-west-1", "vpc-1"),
            end("222222222222", "eu-west-1", "vpc-2"),
        ),
    );
    assert_eq!(
        link.unwrap().unwrap().first.network,
        network("111111111111", "eu-west-1", "vpc-1")
    );
}

#[test]
fn the_limits_are_awss_own_until_others_are_known() {
    let cloud = AwsCloud::new(Ec2Settings::default());
    assert_eq!(
        cloud.limits(&here(), Default::default()),
        super::DEFAULT_LIMITS
    );
    let more = cloud::Limits {
        links: 125,
        ..super::DEFAULT_LIMITS
    };
    assert_eq!(
        cloud
            .with_limits(more)
            .limits(&here(), Default::default())
            .links,
        125
    );
}

#[test]
fn what_answers_under_a_name_of_awss_is_aws_and_everything_else_an_emulator() {
    let real = [
        "https://ec2.eu-west-1.amazonaws.com",
        "https://ec2.cn-north-1.amazonaws.com.cn",
        "https://vpce-0a1b2c3d-abcd.ec2.eu-west-1.vpce.amazonaws.com:443/",
        "https://ec2.us-east-1.api.aws",
    ];
    for endpoint in real {
        assert_eq!(mode_at(endpoint), CloudMode::Real, "{endpoint}");
    }
    let stands_in = [
        "http://127.0.0.1:5000",
        "http://localstack:4566",
        "https://amazonaws.com.example.org",
        "https://notamazonaws.com",
        "http://127.0.0.1/amazonaws.com",
    ];
    for endpoint in stands_in {
        let parsed = endpoint.parse().unwrap();
        assert_eq!(mode_at(endpoint), CloudMode::Emulator { endpoint: parsed });
    }
    let of = |endpoint: Option<&str>| {
        let settings = Ec2Settings {
            endpoint: endpoint.map(str::to_owned),
            ..Ec2Settings::default()
        };
        AwsCloud::new(settings).mode(Provider::Aws)
    };
    assert_eq!(of(None), Some(CloudMode::Real));
    assert_eq!(of(Some(real[0])), Some(CloudMode::Real));
    assert!(of(Some(stands_in[0])).is_some_and(|it| it.as_str() == "emulator"));
    let cloud = AwsCloud::new(Ec2Settings::default());
    assert_eq!(cloud.mode(Provider::Gcp), None);
}

#[test]
fn each_account_has_the_quotas_that_are_said_of_it_then_those_of_all_then_the_usual_ones() {
    let usual = AwsCloud::new(Ec2Settings::default());
    assert_eq!(usual.limits(&here(), Default::default()), DEFAULT_LIMITS);
    let of_all = QuotaOverrides {
        links: Some(125),
        rules: Some(100),
        ..QuotaOverrides::default()
    };
    let of_one = QuotaOverrides {
        rules: Some(200),
        routes: Some(1000),
        pending_links: Some(7),
        groups_of_interface: Some(16),
        acceptance_window: Some(TimeDelta::hours(24)),
        ..QuotaOverrides::default()
    };
    let places = Places::default()
        .with_quotas(Provider::Aws, of_all)
        .with_quotas_of(Provider::Aws, "222222222222", of_one);
    let cloud = AwsCloud::new(Ec2Settings::default()).with_places(places);
    let everywhere = Limits {
        links: 125,
        rules: 100,
        ..DEFAULT_LIMITS
    };
    assert_eq!(cloud.limits(&here(), Default::default()), everywhere);
    let theirs = Limits {
        rules: 200,
        routes: 1000,
        pending_links: 7,
        groups_of_interface: 16,
        acceptance_window: Some(TimeDelta::hours(24)),
        ..everywhere
    };
    for region in ["eu-west-1", "us-east-1"] {
        assert_eq!(
            cloud.limits(&place("222222222222", region), Default::default()),
            theirs
        );
    }
}
