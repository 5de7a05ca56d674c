//! Firewall groups and their rules.

use crate::{LOCAL, OURS, STRANGERS, Scene, kind, place, range, support};
use cloud::{Cloud, CloudErrorKind, GroupView, Source, group_name};
use domain::network::InboundRule;
use peerage_aws::AwsCloud;

/// The groups of our network but the one that EC2 gives every network.
async fn groups(scene: &Scene) -> Vec<GroupView> {
    let mut found = scene
        .cloud
        .firewall_groups(&scene.ours.at, &scene.asked())
        .await
        .unwrap();
    found.retain(|group| group.name != "default");
    found.sort_by_key(|group| group.owner);
    found
}

#[tokio::test]
async fn a_group_admits_what_it_is_told_and_is_told_apart_by_its_owner() {
    let scene = Scene::set().await;
    let Scene {
        cloud,
        ours,
        stranger,
        ..
    } = &scene;
    assert_eq!(groups(&scene).await, []);
    let group = cloud.create_group(ours, OURS).await.unwrap();
    let strangers = cloud.create_group(ours, STRANGERS).await.unwrap();
    cloud.create_group(stranger, OURS).await.unwrap();
    assert_eq!(
        kind(cloud.create_group(ours, OURS).await),
        Some(CloudErrorKind::AlreadyThere)
    );
    let found = groups(&scene).await;
    let whose: Vec<_> = found
        .iter()
        .map(|found| (&found.group, found.owner, found.rules.len()))
        .collect();
    assert_eq!(
        whose,
        [(&group, Some(OURS), 0), (&strangers, Some(STRANGERS), 0)]
    );
    assert_eq!(
        (&found[0].network, found[0].name.as_str()),
        (&ours.network, group_name(OURS.peering).as_str())
    );
    assert_eq!(
        found[0].belongs_to,
        format!("{} ({})", ours.at.account, group_name(OURS.peering))
    );

    let rule = InboundRule {
        source: range("10.2.0.0/16").into(),
        port: 2113,
        target: None,
    };
    let id = cloud
        .authorize_rule(&ours.at, &group, rule, OURS)
        .await
        .unwrap();
    assert_eq!(
        kind(cloud.authorize_rule(&ours.at, &group, rule, OURS).await),
        Some(CloudErrorKind::AlreadyThere)
    );
    cloud
        .authorize_rule(&ours.at, &strangers, rule, STRANGERS)
        .await
        .unwrap();
    let found = groups(&scene).await;
    assert_eq!(
        found
            .iter()
            .map(|found| found.rules.len())
            .collect::<Vec<_>>(),
        [1, 1]
    );
    let shown = &found[0].rules[0];
    assert_eq!(
        (&shown.id, shown.rule, shown.owner),
        (&id, Some(rule), Some(OURS))
    );
    assert_eq!(shown.text, "tcp 2113 from 10.2.0.0/16");
    assert_eq!(
        (shown.admits.protocol.as_deref(), shown.admits.ports),
        (Some("tcp"), Some((2113, 2113)))
    );
    cloud.revoke_rule(&ours.at, &group, &id).await.unwrap();
    assert_eq!(
        kind(cloud.revoke_rule(&ours.at, &group, &id).await),
        Some(CloudErrorKind::NotFound)
    );

    let made = scene
        .raw()
        .describe_security_groups(&support::local(), &[ours.network.as_str().into()])
        .await
        .unwrap();
    let made = made
        .iter()
        .find(|made| made.id.as_str() == group.as_str())
        .unwrap();
    let tags = support::tags([
        ("peerage:peering", &OURS.to_string()),
        ("Name", &group_name(OURS.peering)),
    ]);
    assert_eq!(
        (made.name.as_str(), &made.tags),
        (group_name(OURS.peering).as_str(), &tags)
    );
}

/// A group whose one rule names a prefix list, as EC2 answers the two reads for it.
fn a_rule_that_names_a_list() -> Vec<(u16, String)> {
    let answer = |operation: &str, set: &str, item: &str| {
        (
            200,
            format!(
                "<{operation}Response><requestId>r</requestId><{set}><item>{item}</item></{set}></{operation}Response>"
            ),
        )
    };
    let admits = "<ipPermissions><item><ipProtocol>-1</ipProtocol></item></ipPermissions>";
    let group = format!(
        "<groupId>sg-1</groupId><groupName>web</groupName><ownerId>{LOCAL}</ownerId><vpcId>vpc-1</vpcId>{admits}"
    );
    let rule = "<securityGroupRuleId>sgr-1</securityGroupRuleId><groupId>sg-1</groupId><isEgress>false</isEgress>\
        <ipProtocol>-1</ipProtocol><prefixListId>pl-1</prefixListId>";
    let rules = answer("DescribeSecurityGroupRules", "securityGroupRuleSet", rule);
    vec![
        answer("DescribeSecurityGroups", "securityGroupInfo", &group),
        rules,
    ]
}

#[tokio::test]
async fn a_list_that_may_not_be_read_stays_a_name_and_one_that_cannot_be_read_now_fails_the_look() {
    let at = place(LOCAL, "eu-west-1");
    let look = async |status, code| {
        let list = (status, support::error_body(code, "no"));
        let (endpoint, serving) =
            testkit::canned::serve([a_rule_that_names_a_list(), vec![list]].concat()).await;
        let found = AwsCloud::new(support::directly(&endpoint))
            .firewall_groups(&at, &["vpc-1".parse().unwrap()])
            .await;
        assert!(serving.await.unwrap()[2].contains("GetManagedPrefixListEntries"));
        found
    };
    for (status, code) in [
        (403, "UnauthorizedOperation"),
        (400, "InvalidPrefixListID.NotFound"),
    ] {
        let found = look(status, code).await.unwrap();
        assert_eq!(
            found[0].rules[0].admits.source,
            Source::Named("pl-1".to_owned()),
            "{code}"
        );
    }
    let throttled = kind(look(503, "RequestLimitExceeded").await);
    assert_eq!(
        throttled,
        Some(CloudErrorKind::Throttled { retry_after: None })
    );
}
