//! Networks, subnets, access lists and DNS.
use super::*;
use domain::text::Subnet;
use ipnet::IpNet;

#[tokio::test(start_paused = true)]
async fn a_made_network_is_a_network_of_its_provider() {
    for (provider, region, account) in [
        (Provider::Aws, "eu-west-1", "111111111111"),
        (Provider::Gcp, "europe-west1", "orders-prod"),
        (
            Provider::Azure,
            "westeurope",
            "8e9b2f0a-3f4d-4d2a-9f0e-5b8a4a0c1d2e",
        ),
    ] {
        let at = AccountRegion {
            provider,
            account: account.parse().unwrap(),
            region: Region::of(provider, region).unwrap(),
            external_id: None,
        };
        let network = instant()
            .create_network(&at, "10.9.0.0/16".parse().unwrap(), "orders")
            .await
            .unwrap();
        assert_eq!(provider.check_network(&network), Ok(()), "{network}");
    }
}

/// At AWS a name is an id that never comes back.
#[tokio::test(start_paused = true)]
async fn a_network_that_is_made_again_under_its_name_has_another_immutable_id() {
    for (provider, region, account, network) in [
        (Provider::Aws, "eu-west-1", "111111111111", "vpc-0a1b2c3d"),
        (Provider::Gcp, "europe-west1", "orders-prod", "orders"),
        (
            Provider::Azure,
            "westeurope",
            "8e9b2f0a-3f4d-4d2a-9f0e-5b8a4a0c1d2e",
            "/subscriptions/9a1b/virtualNetworks/orders",
        ),
    ] {
        let network = NetworkRef {
            at: AccountRegion {
                provider,
                account: account.parse().unwrap(),
                region: Region::of(provider, region).unwrap(),
                external_id: None,
            },
            network: network.parse().unwrap(),
        };
        let cloud = instant();
        let ranges = ["10.9.0.0/16".parse().unwrap()];
        cloud.out_of_band().build(&network, &ranges, &[]);
        let of = [network.network.clone()];
        let shown = async || cloud.networks(&network.at, &of).await.unwrap().remove(0);
        let before = shown().await;
        assert_eq!(before, shown().await);
        assert_eq!(before.immutable_id.is_some(), provider.names_come_back());
        cloud.out_of_band().remake(&network);
        let after = shown().await;
        assert_eq!(after.ranges, before.ranges);
        let is_same = after.immutable_id == before.immutable_id;
        assert_eq!(is_same, !provider.names_come_back(), "{provider}");
        cloud.out_of_band().tell_immutable_id(&network, None);
        assert_eq!(shown().await.immutable_id, None);
        cloud.out_of_band().tell_the_immutable_id(&network);
        assert_eq!(shown().await, after);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lenient_cloud_makes_the_networks_it_is_told_of() {
    let cloud = SimulatedCloud::new(SimulatedSettings::calm(1), clock());
    let link = cloud.create_link(&spec()).await.unwrap();
    tokio::time::advance(VISIBLE).await;
    cloud.accept_link(&other().network.at, &link).await.unwrap();
    assert_eq!(main_table(&cloud, &other()).await.routes.len(), 1);
    let unheard_of = ["vpc-0cccccccc".parse().unwrap()];
    let shown = cloud
        .networks(&one().network.at, &unheard_of)
        .await
        .unwrap();
    assert_eq!(
        (shown.len(), shown[0].ranges.len()),
        (1, 0),
        "it is there, and has told nothing yet"
    );
    let strict = SimulatedCloud::new(SimulatedSettings::instant(1), clock());
    assert_eq!(
        strict.create_link(&spec()).await.unwrap_err().kind,
        CloudErrorKind::NotFound
    );
}

#[tokio::test(start_paused = true)]
async fn all_ranges_of_a_network_are_told_and_what_is_not_there_is_left_out() {
    let cloud = instant();
    let at = one().network.at;
    let more: [IpNet; 2] = ["10.9.0.0/16".parse().unwrap(), "fd00::/56".parse().unwrap()];
    more.iter()
        .for_each(|range| cloud.out_of_band().widen(&one().network, *range));
    let of = [id(&one()), ["vpc-0dddddddd".parse().unwrap()]].concat();
    let shown = cloud.networks(&at, &of).await.unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!(
        (&shown[0].network, &shown[0].ranges),
        (
            &one().network.network,
            &[one().ranges, more.to_vec()].concat()
        )
    );
    assert_eq!(
        main_table(&cloud, &one()).await.routes.len(),
        3,
        "a local route for each range"
    );
    assert_eq!(
        cloud.networks(&other().network.at, &of).await.unwrap(),
        [],
        "another account's network is not there"
    );
    cloud.out_of_band().narrow(&one().network, more[0]);
    assert_eq!(
        cloud.networks(&at, &of).await.unwrap()[0].ranges,
        [&one().ranges[..], &more[1..]].concat()
    );
    assert_eq!(
        main_table(&cloud, &one()).await.routes.len(),
        2,
        "and no local route for the range that went"
    );
    cloud.out_of_band().raze(&one().network);
    assert_eq!(cloud.networks(&at, &of).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_razed_network_takes_its_links_with_it() {
    let cloud = instant();
    active(&cloud).await;
    cloud.out_of_band().raze(&one().network);
    assert_eq!(shown(&cloud, &other()).await[0].state, LinkState::Deleted);
}

#[tokio::test(start_paused = true)]
async fn subnets_are_in_zones_and_behind_access_lists() {
    let cloud = instant();
    let at = one().network.at;
    let subnets = ["subnet-1", "subnet-2"].map(|id| id.parse::<Subnet>().unwrap());
    cloud
        .out_of_band()
        .build(&one().network, &one().ranges, &subnets);
    cloud
        .out_of_band()
        .add_subnet(&one().network, &"subnet-3".parse().unwrap(), None);
    let zones: Vec<_> = cloud
        .subnets(&at, &id(&one()))
        .await
        .unwrap()
        .into_iter()
        .map(|it| (it.subnet.to_string(), it.zone))
        .collect();
    let zone = |name: &str| Some(name.to_owned());
    let wanted = [
        ("subnet-1", zone("eu-west-1-az1")),
        ("subnet-2", zone("eu-west-1-az2")),
        ("subnet-3", None),
    ];
    assert_eq!(
        zones,
        wanted.map(|(subnet, zone)| (subnet.to_owned(), zone))
    );

    cloud.out_of_band().fence(
        &one().network,
        &subnets[..1],
        &[
            ("tcp 2113 from 10.2.0.0/16", true),
            ("everything from 0.0.0.0/0", false),
        ],
    );
    let lists = cloud.access_lists(&at, &id(&one())).await.unwrap();
    let allow = |nth: usize| {
        lists[nth]
            .entries
            .iter()
            .map(|entry| entry.allow)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (lists.len(), &lists[0].subnets[..], lists[1].subnets.len()),
        (2, &subnets[..1], 2)
    );
    assert_eq!(
        (allow(0), allow(1)),
        (vec![true, false], vec![true]),
        "the others have a list that allows everything"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_network_has_of_dns_is_told() {
    let cloud = instant();
    let all = DnsSupport {
        resolution: true,
        hostnames: true,
    };
    assert_eq!(cloud.dns_support(&one().network).await.unwrap(), all);
    let little = DnsSupport {
        hostnames: false,
        ..all
    };
    cloud.out_of_band().set_dns(&one().network, little);
    assert_eq!(cloud.dns_support(&one().network).await.unwrap(), little);
    let nowhere = network("111111111111", "eu-west-1", "vpc-0dddddddd");
    assert_eq!(
        kind(cloud.dns_support(&nowhere).await),
        Some(CloudErrorKind::NotFound)
    );
}
