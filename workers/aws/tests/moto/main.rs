//! The calls themselves, against an EC2 emulator, in two accounts and two regions.

#![allow(clippy::unwrap_used)]

mod reads;
mod rehearsals;
#[path = "../support/mod.rs"]
mod support;

use peerage_aws::ec2::{
    CreatePeering, CreateSecurityGroup, CreateVpc, Ec2, Ec2ErrorKind, IngressRule, IngressSource,
    PeeringConnection, PeeringConnectionId, PeeringOption, PeeringRole, PeeringStatus,
    RouteDestination, RouteState, RouteTarget, RuleSource, Scope, Tags, VpcId,
};
use support::{LOCAL, REMOTE, local, remote, settings, tags};
use testkit::moto::Moto;

fn net<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

async fn vpc(ec2: &Ec2, at: &Scope, cidr: &str) -> VpcId {
    ec2.create_vpc(
        at,
        &CreateVpc {
            cidr: net(cidr),
            tags: tags([("Name", "test")]),
        },
    )
    .await
    .unwrap()
    .id
}

async fn peer(ec2: &Ec2, vpc: &VpcId, peer_vpc: &VpcId, tags: Tags) -> PeeringConnection {
    let wanted = CreatePeering {
        vpc: vpc.clone(),
        peer: remote(),
        peer_vpc: peer_vpc.clone(),
        tags,
    };
    ec2.create_vpc_peering_connection(&local(), &wanted)
        .await
        .unwrap()
}

#[tokio::test]
async fn every_account_is_entered_by_its_own_role() {
    let moto = Moto::start().await;
    let ec2 = Ec2::new(settings(&moto.endpoint()));
    for at in [local(), remote(), Scope::new(REMOTE, "eu-west-1")] {
        let identity = ec2.caller_identity(&at).await.unwrap();
        assert_eq!(identity.account, at.account);
        assert!(
            identity.arn.contains("assumed-role/peerage/peerage"),
            "{}",
            identity.arn
        );
    }
    let theirs = vpc(&ec2, &remote(), "10.9.0.0/16").await;
    assert!(
        ec2.describe_vpc(&remote(), &theirs)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(
        ec2.describe_vpc(&local(), &theirs).await.unwrap(),
        None,
        "another account's"
    );
    assert_eq!(
        ec2.describe_vpc(&Scope::new(REMOTE, "eu-west-1"), &theirs)
            .await
            .unwrap(),
        None,
        "another region's"
    );
}

/// The one connection that this VPC has.
async fn the_peering_of(ec2: &Ec2, at: &Scope, vpc: &VpcId) -> PeeringConnection {
    let vpcs = std::slice::from_ref(vpc);
    let found = ec2.describe_vpc_peering_connections_of(at, vpcs).await;
    let [one] = <[_; 1]>::try_from(found.unwrap()).unwrap();
    one
}

#[tokio::test]
async fn a_peering_across_accounts_and_regions_is_asked_for_and_accepted() {
    let moto = Moto::start().await;
    let ec2 = Ec2::new(settings(&moto.endpoint()));
    let (ours, theirs) = (
        vpc(&ec2, &local(), "10.1.0.0/16").await,
        vpc(&ec2, &remote(), "10.2.0.0/16").await,
    );
    let mine = tags([("peerage:peering", "p-1"), ("Name", "peerage-p-1")]);
    let asked = peer(&ec2, &ours, &theirs, mine.clone()).await;
    assert_eq!(asked.status, PeeringStatus::InitiatingRequest);

    let seen = the_peering_of(&ec2, &remote(), &theirs).await;
    assert_eq!(seen.status, PeeringStatus::PendingAcceptance);
    assert_eq!(
        (seen.requester.account.as_str(), seen.requester.vpc.as_ref()),
        (LOCAL, Some(&ours))
    );
    assert_eq!(
        (seen.accepter.account.as_str(), seen.accepter.vpc.as_ref()),
        (REMOTE, Some(&theirs))
    );
    assert_eq!(
        (
            seen.requester.region.as_str(),
            seen.accepter.region.as_str()
        ),
        ("eu-west-1", "us-east-1")
    );
    assert_eq!(seen.requester.cidrs, ["10.1.0.0/16".parse().unwrap()]);
    assert_eq!(seen.tags, mine);

    let wrong = ec2
        .accept_vpc_peering_connection(&local(), &asked.id)
        .await
        .unwrap_err();
    assert_eq!(
        (wrong.kind, wrong.code.as_deref()),
        (Ec2ErrorKind::WrongState, Some("OperationNotPermitted")),
        "{wrong}"
    );
    let accepted = ec2
        .accept_vpc_peering_connection(&remote(), &asked.id)
        .await
        .unwrap();
    assert_eq!(accepted.status, PeeringStatus::Active);
    let again = ec2
        .accept_vpc_peering_connection(&remote(), &asked.id)
        .await
        .unwrap_err();
    assert_eq!(
        (again.kind, again.operation),
        (
            Ec2ErrorKind::WrongState,
            peerage_aws::ec2::Action::AcceptVpcPeeringConnection
        ),
        "{again}"
    );
    assert_eq!((&*again.account, &*again.region), (REMOTE, "us-east-1"));

    ec2.delete_vpc_peering_connection(&local(), &asked.id)
        .await
        .unwrap();
    let gone = the_peering_of(&ec2, &remote(), &theirs).await;
    assert_eq!(gone.status, PeeringStatus::Deleted);
}

#[tokio::test]
async fn each_end_has_options_of_its_own() {
    let moto = Moto::start().await;
    let ec2 = Ec2::new(settings(&moto.endpoint()));
    let (ours, theirs) = (
        vpc(&ec2, &local(), "10.1.0.0/16").await,
        vpc(&ec2, &remote(), "10.2.0.0/16").await,
    );
    let id = peer(&ec2, &ours, &theirs, Tags::new()).await.id;
    ec2.accept_vpc_peering_connection(&remote(), &id)
        .await
        .unwrap();
    let options = async || {
        let seen = the_peering_of(&ec2, &local(), &ours).await;
        [seen.requester, seen.accepter].map(|end| end.allow_dns_resolution_from_remote_vpc)
    };
    let set = async |at: Scope, id: PeeringConnectionId, role, allow| {
        let names = PeeringOption::AllowDnsResolutionFromRemoteVpc;
        ec2.modify_vpc_peering_connection_options(&at, &id, role, names, allow)
            .await
    };
    assert_eq!(options().await, [Some(false), Some(false)]);
    set(local(), id.clone(), PeeringRole::Requester, true)
        .await
        .unwrap();
    assert_eq!(options().await, [Some(true), Some(false)]);
    set(remote(), id.clone(), PeeringRole::Accepter, true)
        .await
        .unwrap();
    set(remote(), id.clone(), PeeringRole::Accepter, true)
        .await
        .unwrap();
    set(local(), id.clone(), PeeringRole::Requester, false)
        .await
        .unwrap();
    assert_eq!(options().await, [Some(false), Some(true)]);
    let nowhere = set(
        local(),
        "pcx-00000000000000000".into(),
        PeeringRole::Requester,
        true,
    )
    .await
    .unwrap_err();
    assert_eq!(nowhere.kind, Ec2ErrorKind::NotFound, "{nowhere}");
}

#[tokio::test]
async fn routes_are_installed_once_and_found_with_their_target() {
    let moto = Moto::start().await;
    let ec2 = Ec2::new(settings(&moto.endpoint()));
    let at = local();
    let (ours, theirs) = (
        vpc(&ec2, &at, "10.1.0.0/16").await,
        vpc(&ec2, &remote(), "10.2.0.0/16").await,
    );
    let link = peer(&ec2, &ours, &theirs, Tags::new()).await.id;
    let subnet = ec2
        .create_subnet(&at, &ours, net("10.1.1.0/24"), &tags([("Name", "a")]))
        .await
        .unwrap();
    let own = ec2
        .create_route_table(&at, &ours, "once", &tags([("Name", "own")]))
        .await
        .unwrap();
    ec2.associate_route_table(&at, &own.id, &subnet.id)
        .await
        .unwrap();
    assert_eq!(
        ec2.describe_subnets(&at, std::slice::from_ref(&ours))
            .await
            .unwrap(),
        std::slice::from_ref(&subnet)
    );

    // Host bits in the call never reach the service.
    ec2.create_route(&at, &own.id, net("10.2.3.4/16"), &link)
        .await
        .unwrap();
    let again = ec2
        .create_route(&at, &own.id, net("10.2.0.0/16"), &link)
        .await
        .unwrap_err();
    assert_eq!(again.kind, Ec2ErrorKind::AlreadyExists, "{again}");
    let nowhere = ec2
        .create_route(
            &at,
            &"rtb-00000000000000000".into(),
            net("10.2.0.0/16"),
            &link,
        )
        .await
        .unwrap_err();
    assert_eq!(nowhere.kind, Ec2ErrorKind::NotFound, "{nowhere}");
    let foreign = ec2
        .create_route(&remote(), &own.id, net("10.2.0.0/16"), &link)
        .await
        .unwrap_err();
    assert_eq!(foreign.kind, Ec2ErrorKind::NotFound, "{foreign}");

    let tables = ec2
        .describe_route_tables(&at, std::slice::from_ref(&ours))
        .await
        .unwrap();
    assert_eq!(tables.len(), 2);
    let (main, found) = (
        tables.iter().find(|table| table.main).unwrap(),
        tables.iter().find(|table| table.id == own.id).unwrap(),
    );
    assert!(main.subnets.is_empty() && !found.main);
    assert_eq!(
        (found.subnets.as_slice(), found.vpc.as_ref()),
        ([subnet.id].as_slice(), Some(&ours))
    );
    let route = found
        .routes
        .iter()
        .find(|route| route.target == RouteTarget::Peering(link.clone()))
        .unwrap();
    assert_eq!(
        (&route.destination, &route.state),
        (
            &RouteDestination::Block(net("10.2.0.0/16")),
            &RouteState::Active
        )
    );
    assert!(
        found
            .routes
            .iter()
            .any(|route| route.target == RouteTarget::Local)
    );

    ec2.delete_route(&at, &own.id, net("10.2.0.0/16"))
        .await
        .unwrap();
    let gone = ec2
        .delete_route(&at, &own.id, net("10.2.0.0/16"))
        .await
        .unwrap_err();
    assert_eq!(
        (gone.kind, gone.code.as_deref()),
        (Ec2ErrorKind::NotFound, Some("InvalidRoute.NotFound")),
        "{gone}"
    );
}

#[tokio::test]
async fn groups_and_rules_are_made_once_tagged_and_removed_by_id() {
    let moto = Moto::start().await;
    let ec2 = Ec2::new(settings(&moto.endpoint()));
    let at = local();
    let (ours, other) = (
        vpc(&ec2, &at, "10.1.0.0/16").await,
        vpc(&ec2, &at, "10.3.0.0/16").await,
    );
    let mine = tags([("peerage:peering", "p-1")]);
    let wanted = |vpc: &VpcId| CreateSecurityGroup {
        vpc: vpc.clone(),
        name: "peerage-p-1".to_owned(),
        description: "peering p-1".to_owned(),
        tags: mine.clone(),
    };
    let group = ec2
        .create_security_group(&at, &wanted(&ours))
        .await
        .unwrap();
    ec2.create_security_group(&at, &wanted(&other))
        .await
        .unwrap();
    let again = ec2
        .create_security_group(&at, &wanted(&ours))
        .await
        .unwrap_err();
    assert_eq!(again.kind, Ec2ErrorKind::AlreadyExists, "{again}");
    let found = ec2
        .describe_security_groups(&at, std::slice::from_ref(&ours))
        .await
        .unwrap();
    let found = found.iter().find(|found| found.id == group).unwrap();
    assert_eq!(
        (found.name.as_str(), found.description.as_str(), &found.tags),
        ("peerage-p-1", "peering p-1", &mine)
    );

    let wanted = IngressRule {
        source: IngressSource::Cidr(net("10.2.9.9/16")),
        port: 2113,
        description: "clients".to_owned(),
        tags: mine.clone(),
    };
    let rule = ec2
        .authorize_security_group_ingress(&at, &group, &wanted)
        .await
        .unwrap();
    let twice = ec2
        .authorize_security_group_ingress(&at, &group, &wanted)
        .await
        .unwrap_err();
    assert_eq!(
        (twice.kind, twice.code.as_deref()),
        (
            Ec2ErrorKind::AlreadyExists,
            Some("InvalidPermission.Duplicate")
        ),
        "{twice}"
    );
    let rules = ec2
        .describe_security_group_rules(&at, std::slice::from_ref(&group))
        .await
        .unwrap();
    let inbound: Vec<_> = rules.iter().filter(|rule| !rule.egress).collect();
    assert_eq!(inbound, [&rule]);
    assert_eq!(
        (rule.protocol.as_str(), rule.ports, &rule.tags),
        ("tcp", Some((2113, 2113)), &mine)
    );
    assert_eq!(
        (&rule.source, rule.description.as_str()),
        (&RuleSource::Cidr("10.2.0.0/16".parse().unwrap()), "clients")
    );
    assert_eq!(rules.len(), 2, "what every new group lets out");

    ec2.revoke_security_group_ingress(&at, &group, &rule.id)
        .await
        .unwrap();
    let gone = ec2
        .revoke_security_group_ingress(&at, &group, &rule.id)
        .await
        .unwrap_err();
    assert_eq!(gone.kind, Ec2ErrorKind::NotFound, "{gone}");
    ec2.delete_security_group(&at, &group).await.unwrap();
    let gone = ec2.delete_security_group(&at, &group).await.unwrap_err();
    assert_eq!(gone.kind, Ec2ErrorKind::NotFound, "{gone}");
    let gone = ec2
        .authorize_security_group_ingress(&at, &group, &wanted)
        .await
        .unwrap_err();
    assert_eq!(gone.kind, Ec2ErrorKind::NotFound, "{gone}");
}

#[tokio::test]
async fn tags_are_set_beside_those_that_are_there_and_over_those_of_the_same_key() {
    let moto = Moto::start().await;
    let ec2 = Ec2::new(settings(&moto.endpoint()));
    let one = vpc(&ec2, &local(), "10.1.0.0/16").await;
    ec2.create_tags(&local(), one.as_str(), &tags([("peerage:network", "n-1")]))
        .await
        .unwrap();
    ec2.create_tags(&local(), one.as_str(), &tags([("peerage:network", "n-2")]))
        .await
        .unwrap();
    let found = ec2.describe_vpc(&local(), &one).await.unwrap().unwrap();
    assert_eq!(
        found.tags,
        tags([("Name", "test"), ("peerage:network", "n-2")])
    );
    let gone = ec2
        .create_tags(&local(), "vpc-00000000000000000", &tags([("a", "b")]))
        .await
        .unwrap_err();
    assert_eq!(gone.kind, Ec2ErrorKind::NotFound, "{gone}");
    let too_large = ec2
        .create_vpc(
            &local(),
            &CreateVpc {
                cidr: net("10.0.0.0/8"),
                tags: Tags::new(),
            },
        )
        .await
        .unwrap_err();
    assert_eq!(too_large.kind, Ec2ErrorKind::Malformed, "{too_large}");
}

#[tokio::test]
async fn once_the_endpoint_has_forgotten_a_session_a_new_one_is_had_by_forgetting_it_too() {
    let moto = Moto::start().await;
    let ec2 = Ec2::new(settings(&moto.endpoint()));
    assert_eq!(ec2.caller_identity(&local()).await.unwrap().account, LOCAL);
    moto.reset().await;
    // The emulator takes a key it does not know for that of its own account; real AWS refuses it.
    assert_ne!(ec2.caller_identity(&local()).await.unwrap().account, LOCAL);
    ec2.forget(LOCAL);
    assert_eq!(ec2.caller_identity(&local()).await.unwrap().account, LOCAL);
}
