//! Firewall groups, their rules, and what stands before them.
use super::*;
use cloud::{GroupView, Source, Traffic};

async fn groups(cloud: &SimulatedCloud) -> Vec<GroupView> {
    cloud
        .firewall_groups(&one().network.at, &id(&one()))
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn strangers_groups_are_shown_with_what_they_admit() {
    let cloud = instant();
    let rules = [
        "tcp 2113 from 10.2.0.0/16",
        "tcp 1 to 9 from 0.0.0.0/0",
        "everything from sg-1",
    ];
    cloud
        .out_of_band()
        .group(&one().network, "web", &rules)
        .unwrap();
    let view = groups(&cloud).await.remove(0);
    assert_eq!(
        (view.owner, view.belongs_to.as_str(), view.network),
        (None, "111111111111 (web)", one().network.network)
    );
    let texts: Vec<_> = view.rules.iter().map(|rule| rule.text.as_str()).collect();
    assert_eq!(texts, rules);
    let net = |text: &str| Source::Ranges(vec![text.parse().unwrap()]);
    let tcp = Some("tcp".to_owned());
    let admitted = [
        Traffic {
            source: net("10.2.0.0/16"),
            protocol: tcp.clone(),
            ports: Some((2113, 2113)),
            target: None,
        },
        Traffic {
            source: net("0.0.0.0/0"),
            protocol: tcp,
            ports: Some((1, 9)),
            target: None,
        },
        Traffic {
            source: Source::Group {
                group: "sg-1".to_owned(),
                network: None,
            },
            protocol: None,
            ports: None,
            target: None,
        },
    ];
    assert_eq!(
        view.rules
            .iter()
            .map(|rule| rule.admits.clone())
            .collect::<Vec<_>>(),
        admitted
    );
    assert_eq!(
        view.rules.iter().map(|it| it.rule).collect::<Vec<_>>(),
        [Some(rule(2113)), None, None]
    );
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_somebody_else_made_stands_in_the_way_of_the_same_one() {
    let cloud = instant();
    let (network, at) = (one().network, one().network.at);
    let group = cloud.create_group(&network, owner()).await.unwrap();
    let strangers = cloud
        .out_of_band()
        .slip_in(&network, owner(), "tcp 2113 from 10.2.0.0/16")
        .unwrap();
    let refused = cloud.authorize_rule(&at, &group, rule(2113), owner()).await;
    assert_eq!(kind(refused), Some(CloudErrorKind::AlreadyThere));
    cloud
        .out_of_band()
        .alter_rule(&network, &strangers, "udp 53 from 10.2.0.0/16");
    cloud
        .authorize_rule(&at, &group, rule(2113), owner())
        .await
        .unwrap();
    let rules = groups(&cloud).await.remove(0).rules;
    assert_eq!(
        rules
            .iter()
            .map(|it| (it.rule, it.owner))
            .collect::<Vec<_>>(),
        [(None, None), (Some(rule(2113)), Some(owner()))]
    );
    cloud.out_of_band().drop_rule(&network, &strangers);
    cloud.out_of_band().tag_rule(&network, &rules[1].id, None);
    let rules = groups(&cloud).await.remove(0).rules;
    assert_eq!(
        rules
            .iter()
            .map(|it| (it.rule, it.owner))
            .collect::<Vec<_>>(),
        [(Some(rule(2113)), None)]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_revoked_or_deleted_is_still_shown_for_a_while() {
    let cloud = with(SimulatedSettings {
        visibility: secs(5),
        ..SimulatedSettings::instant(1)
    });
    let (network, at) = (one().network, one().network.at);
    let group = cloud.create_group(&network, owner()).await.unwrap();
    assert_eq!(
        kind(cloud.authorize_rule(&at, &group, rule(1), owner()).await),
        Some(CloudErrorKind::NotFound),
        "not visible yet"
    );
    tokio::time::advance(VISIBLE).await;
    let id = cloud
        .authorize_rule(&at, &group, rule(1), owner())
        .await
        .unwrap();
    tokio::time::advance(VISIBLE).await;
    cloud.revoke_rule(&at, &group, &id).await.unwrap();
    assert_eq!(groups(&cloud).await[0].rules.len(), 1);
    assert_eq!(
        kind(cloud.revoke_rule(&at, &group, &id).await),
        Some(CloudErrorKind::NotFound)
    );
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(groups(&cloud).await[0].rules.len(), 0);
    cloud.delete_group(&at, &group).await.unwrap();
    assert_eq!(groups(&cloud).await.len(), 1);
    assert_eq!(
        kind(cloud.delete_group(&at, &group).await),
        Some(CloudErrorKind::NotFound)
    );
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(groups(&cloud).await, []);
    cloud.create_group(&network, owner()).await.unwrap();
}
