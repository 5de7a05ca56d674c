//! The engine's own rules by exact name, those of others, and what all of them admit.

use crate::world::{LOCAL, OWNER, Scene, kind};
use cloud::{
    Cloud, CloudErrorKind, FirewallPart, GroupView, LetsIn, Owner, Source, Traffic, group_name,
    lets_in,
};
use domain::{
    NetworkId,
    network::InboundRule,
    text::{FirewallGroup, FirewallRule},
};
use gcp_fake::{Fault, Temper};
use serde_json::{Value, json};
use uuid::Uuid;

const GONE: Option<CloudErrorKind> = Some(CloudErrorKind::NotFound);
const THERE: Option<CloudErrorKind> = Some(CloudErrorKind::AlreadyThere);

fn rule(port: u16) -> InboundRule {
    InboundRule {
        source: "10.20.0.0/16".parse().unwrap(),
        port,
        target: None,
    }
}

impl Scene {
    async fn group(&self) -> FirewallGroup {
        self.cloud.create_group(&self.local, OWNER).await.unwrap()
    }

    async fn groups(&self) -> Vec<GroupView> {
        let of = [self.local.network.clone()];
        self.cloud
            .firewall_groups(&self.local.at, &of)
            .await
            .unwrap()
    }

    async fn view(&self, name: &str) -> Option<GroupView> {
        let mut all = self.groups().await.into_iter();
        all.find(|it| it.name == name)
    }

    async fn admits(&self, port: u16) -> LetsIn {
        let of = [self.local.network.clone()];
        let lists = self.cloud.access_lists(&self.local.at, &of).await.unwrap();
        assert_eq!(lists.len(), 1);
        let from = ["10.20.0.0/16".parse().unwrap()];
        let traffic = Traffic {
            source: Source::Ranges(from.to_vec()),
            target: None,
            protocol: Some("tcp".to_owned()),
            ports: Some((port, port)),
        };
        lets_in(&lists[0].entries, &traffic, &from)
    }

    /// Somebody's rule in the private network.
    fn theirs(&self, name: &str, more: Value) {
        let mut rule = json!({
            "name": name,
            "network": "projects/local-project/global/networks/cluster",
            "sourceRanges": ["10.0.0.0/8"],
        });
        let all = rule.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        self.fake.firewall(LOCAL, rule);
    }
}

#[tokio::test]
async fn a_group_is_made_once_admits_nothing_and_a_rule_of_it_admits_one_port() {
    let scene = Scene::set(Temper::instant()).await;
    let group = scene.group().await;
    assert_eq!(group.as_str(), group_name(OWNER.peering));
    assert_eq!(
        kind(scene.cloud.create_group(&scene.local, OWNER).await),
        THERE
    );
    let view = scene.view(group.as_str()).await.unwrap();
    assert_eq!((view.owner, view.rules.len()), (Some(OWNER), 0));
    assert!(view.belongs_to.contains(LOCAL));
    assert_eq!(scene.admits(2113).await, LetsIn::No);

    let at = &scene.local.at;
    let add = async |rule| scene.cloud.authorize_rule(at, &group, rule, OWNER).await;
    let id = add(rule(2113)).await.unwrap();
    assert_eq!(kind(add(rule(2113)).await), THERE);
    let aimed = InboundRule {
        target: Some("10.10.7.0/24".parse().unwrap()),
        ..rule(1113)
    };
    let aimed_id = add(aimed).await.unwrap();
    let view = scene.view(group.as_str()).await.unwrap();
    let mut found: Vec<_> = view
        .rules
        .iter()
        .map(|it| (it.id.clone(), it.rule, it.owner))
        .collect();
    found.sort();
    let mut wanted = vec![
        (id.clone(), Some(rule(2113)), Some(OWNER)),
        (aimed_id, Some(aimed), Some(OWNER)),
    ];
    wanted.sort();
    assert_eq!(found, wanted);
    assert!(
        view.rules
            .iter()
            .any(|it| it.text == "tcp 2113 from 10.20.0.0/16")
    );
    let listed = scene.admits(2113).await;
    assert_eq!(listed, LetsIn::No, "what the engine admits is in its group");

    let revoke = async || kind(scene.cloud.revoke_rule(at, &group, &id).await);
    assert_eq!(revoke().await, None);
    assert_eq!(revoke().await, GONE);
    let delete = async || kind(scene.cloud.delete_group(at, &group).await);
    assert_eq!(delete().await, None, "with the rule that is left");
    assert_eq!(delete().await, GONE);
    assert_eq!(scene.fake.firewalls_of(LOCAL), Vec::<String>::new());
    assert_eq!(kind(add(rule(2113)).await), GONE, "a group that is gone");
}

#[tokio::test]
async fn somebody_elses_rule_behind_a_denial_lets_nobody_in_whatever_the_engine_admits_before_it() {
    let scene = Scene::set(Temper::instant()).await;
    let group = scene.group().await;
    let at = &scene.local.at;
    let add = async |rule| scene.cloud.authorize_rule(at, &group, rule, OWNER).await;
    add(rule(2113)).await.unwrap();
    let all = json!([{ "IPProtocol": "all" }]);
    let behind = json!({ "priority": 60001, "allowed": all });
    scene.theirs("behind", behind);
    assert_eq!(scene.admits(2113).await, LetsIn::Yes);
    scene.theirs("denied", json!({ "priority": 60000, "denied": all }));
    assert_eq!(scene.admits(2113).await, LetsIn::No);
    // A rule of the engine's name that says no owner is one of somebody else's.
    let name = format!("{}-0123456789abcdef", group_name(OWNER.peering));
    let like_ours =
        json!({ "priority": 1, "allowed": [{ "IPProtocol": "tcp", "ports": ["2113"] }] });
    scene.theirs(&name, like_ours);
    assert_eq!(scene.admits(2113).await, LetsIn::Yes);
}

#[tokio::test]
async fn a_rule_is_revoked_in_the_group_that_it_is_of_and_in_no_other() {
    let scene = Scene::set(Temper::instant()).await;
    let group = scene.group().await;
    let other = Owner::new(
        NetworkId(Uuid::from_u128(0x99)),
        domain::PeeringId(Uuid::from_u128(0x98)),
    );
    let another = scene.cloud.create_group(&scene.local, other).await.unwrap();
    let at = &scene.local.at;
    let id = scene.cloud.authorize_rule(at, &another, rule(2113), other);
    let id = id.await.unwrap();
    let all = json!([{ "IPProtocol": "tcp", "ports": ["22"] }]);
    scene.theirs("theirs", json!({ "allowed": all }));
    let before = scene.fake.firewalls_of(LOCAL);
    let theirs = scene.view("theirs").await.unwrap().rules[0].id.clone();
    for strange in [&id, &theirs] {
        let refused = scene.cloud.revoke_rule(at, &group, strange).await;
        assert_eq!(kind(refused), GONE, "{strange}");
        assert_eq!(scene.fake.firewalls_of(LOCAL), before, "{strange}");
    }
    scene.cloud.revoke_rule(at, &another, &id).await.unwrap();
    assert_eq!(scene.fake.firewalls_of(LOCAL).len(), before.len() - 1);
}

#[tokio::test]
async fn a_rule_of_our_name_that_says_no_owner_is_somebody_elses_and_is_not_deleted() {
    let scene = Scene::set(Temper::instant()).await;
    let name = group_name(OWNER.peering);
    scene.theirs(&name, json!({ "denied": [{ "IPProtocol": "all" }] }));
    assert_eq!(
        kind(scene.cloud.create_group(&scene.local, OWNER).await),
        THERE
    );
    let view = scene.view(&name).await.unwrap();
    assert_eq!(view.owner, None, "nothing says that it is ours");
    scene.fake.drop_firewall(LOCAL, &name);

    let group = scene.group().await;
    let at = &scene.local.at;
    let added = scene
        .cloud
        .authorize_rule(at, &group, rule(2113), OWNER)
        .await;
    added.unwrap();
    let member = format!("{name}-0123456789abcdef");
    scene.theirs(
        &member,
        json!({ "allowed": [{ "IPProtocol": "tcp", "ports": ["22"] }] }),
    );
    let view = scene.view(&name).await.unwrap();
    let theirs: Vec<_> = view.rules.iter().filter(|it| it.owner.is_none()).collect();
    assert_eq!(theirs.len(), 1, "{view:?}");
    assert_eq!(theirs[0].id.as_str(), member);
    let deleted = scene.cloud.delete_group(at, &group).await;
    assert_eq!(kind(deleted), Some(CloudErrorKind::InUse));
    assert_eq!(scene.fake.firewalls_of(LOCAL).len(), 3, "nothing went");
}

#[tokio::test]
async fn an_owner_is_put_back_beside_what_people_wrote() {
    let scene = Scene::set(Temper::instant()).await;
    let group = scene.group().await;
    let name = group.as_str();
    let at = &scene.local.at;
    scene.theirs(name, json!({ "description": "do not touch", "denied": [{ "IPProtocol": "all" }], "disabled": true }));
    let part = FirewallPart::Group(group.clone());
    for _ in 0..2 {
        assert_eq!(kind(scene.cloud.tag_firewall(at, &part, OWNER).await), None);
    }
    assert_eq!(scene.view(name).await.unwrap().owner, Some(OWNER));
    let another = Owner::new(NetworkId(Uuid::from_u128(77)), OWNER.peering);
    assert_eq!(
        kind(scene.cloud.tag_firewall(at, &part, another).await),
        None
    );
    assert_eq!(scene.view(name).await.unwrap().owner, Some(another));
    let body = scene.fake.answer(
        "GET",
        &format!("/compute/v1/projects/{LOCAL}/global/firewalls/{name}"),
        b"",
    );
    let text = body.body["description"].as_str().unwrap().to_owned();
    assert!(text.starts_with("do not touch peerage:peering="), "{text}");
    assert_eq!(text.matches("peerage:peering").count(), 1, "{text}");
    let missing = FirewallPart::Group("peerage-nothing".parse().unwrap());
    assert_eq!(
        kind(scene.cloud.tag_firewall(at, &missing, OWNER).await),
        GONE
    );
}

#[tokio::test]
async fn somebodys_rule_is_told_entry_by_entry_and_one_entry_is_taken_back_alone() {
    let scene = Scene::set(Temper::instant()).await;
    let allowed =
        json!([{ "IPProtocol": "tcp", "ports": ["22", "8000-9000"] }, { "IPProtocol": "icmp" }]);
    scene.theirs("web", json!({ "allowed": allowed }));
    let view = scene.view("web").await.unwrap();
    let ids: Vec<_> = view.rules.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["web/tcp/22-22", "web/tcp/8000-9000", "web/icmp"]);
    let texts: Vec<_> = view.rules.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "tcp 22 from 10.0.0.0/8",
            "tcp 8000 to 9000 from 10.0.0.0/8",
            "icmp from 10.0.0.0/8"
        ]
    );
    assert_eq!(view.owner, None);
    let at = &scene.local.at;
    let revoke = async |id: &str| {
        let id: FirewallRule = id.parse().unwrap();
        kind(scene.cloud.revoke_rule(at, &view.group, &id).await)
    };
    assert_eq!(revoke("web/tcp/8000-9000").await, None);
    assert_eq!(revoke("web/tcp/8000-9000").await, GONE);
    assert_eq!(scene.admits(8500).await, LetsIn::No);
    assert_eq!(scene.admits(22).await, LetsIn::Yes);
    assert_eq!(revoke("web/icmp").await, None);
    assert_eq!(
        revoke("web").await,
        None,
        "the one entry that is left is the rule"
    );
    assert_eq!(scene.fake.firewalls_of(LOCAL), Vec::<String>::new());
    assert_eq!(revoke("other").await, GONE, "not of that group");
    let others: FirewallGroup = "web".parse().unwrap();
    let added = scene
        .cloud
        .authorize_rule(at, &others, rule(1), OWNER)
        .await;
    assert_eq!(kind(added), Some(CloudErrorKind::InvalidRequest));
}

#[tokio::test]
async fn a_policy_is_shown_as_what_it_is_and_no_rule_of_it_is_taken_back() {
    let scene = Scene::set(Temper::instant()).await;
    let policies = json!([{
        "name": "987", "shortName": "org-guard", "type": "HIERARCHY",
        "rules": [
            { "action": "allow", "priority": 7, "direction": "INGRESS",
              "match": { "srcIpRanges": ["10.20.0.0/16"], "layer4Configs": [{ "ipProtocol": "tcp", "ports": ["443"] }] } },
            { "action": "goto_next", "priority": 2147483646, "direction": "INGRESS",
              "match": { "srcIpRanges": ["0.0.0.0/0"], "layer4Configs": [{ "ipProtocol": "all" }] } },
        ],
    }]);
    scene.fake.policies(LOCAL, "cluster", policies);
    let view = scene.view("org-guard").await.unwrap();
    assert_eq!(view.group.as_str(), "firewallPolicies/987");
    assert_eq!(view.rules.len(), 1);
    assert_eq!(view.rules[0].text, "tcp 443 from 10.20.0.0/16");
    assert!(view.belongs_to.contains("hierarchy"), "{}", view.belongs_to);
    assert_eq!(scene.admits(443).await, LetsIn::Yes);
    assert_eq!(scene.admits(444).await, LetsIn::No);
    let revoked = scene
        .cloud
        .revoke_rule(&scene.local.at, &view.group, &view.rules[0].id);
    assert_eq!(kind(revoked.await), Some(CloudErrorKind::Unsupported));
}

#[tokio::test]
async fn what_a_policy_of_one_region_admits_is_told_and_its_denials_are_not_counted_on() {
    let scene = Scene::set(Temper::instant()).await;
    let with = |action: &str| {
        json!([{
            "name": "55", "type": "NETWORK_REGIONAL",
            "rules": [{ "action": action, "priority": 1, "direction": "INGRESS",
                "match": { "srcIpRanges": ["10.20.0.0/16"], "layer4Configs": [{ "ipProtocol": "tcp" }] } }],
        }])
    };
    let set = |region: &str, policies: Value| {
        scene
            .fake
            .regional_policies(LOCAL, "cluster", region, policies);
    };
    set("us-east1", with("allow"));
    assert_eq!(
        scene.admits(2113).await,
        LetsIn::No,
        "no subnet of its is there"
    );
    set("europe-west1", with("allow"));
    assert_eq!(scene.admits(2113).await, LetsIn::Yes);
    let groups = scene.groups().await;
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert_eq!(groups[0].group.as_str(), "firewallPolicies/europe-west1-55");
    let theirs = json!({ "allowed": [{ "IPProtocol": "tcp", "ports": ["443"] }] });
    scene.theirs("web", theirs);
    set("europe-west1", with("deny"));
    assert_eq!(
        scene.admits(443).await,
        LetsIn::Yes,
        "the other regions have no such denial"
    );
    assert_eq!(scene.admits(2113).await, LetsIn::No);
}

#[tokio::test]
async fn a_list_of_rules_that_takes_several_pages_shows_each_once() {
    let scene = Scene::set(Temper::instant()).await;
    scene.fake.small_pages(2);
    for number in 0..7 {
        let name = format!("web-{number}");
        scene.theirs(
            &name,
            json!({ "allowed": [{ "IPProtocol": "tcp", "ports": ["22"] }] }),
        );
    }
    scene.fake.network(LOCAL, "neighbour");
    scene.fake.firewall(
        LOCAL,
        json!({
            "name": "of-another", "network": "projects/local-project/global/networks/neighbour",
            "sourceRanges": ["0.0.0.0/0"], "allowed": [{ "IPProtocol": "all" }],
        }),
    );
    let mut names: Vec<_> = scene.groups().await.into_iter().map(|it| it.name).collect();
    names.sort();
    assert_eq!(names.len(), 7, "{names:?}");
    names.dedup();
    assert_eq!(names.len(), 7);
    assert_eq!(
        scene.admits(2113).await,
        LetsIn::No,
        "another network's rules are its own"
    );
}

#[tokio::test]
async fn a_rule_too_many_is_a_quota_and_one_that_is_being_changed_is_busy() {
    let scene = Scene::set(Temper {
        firewalls: 1,
        ..Temper::instant()
    })
    .await;
    let group = scene.group().await;
    let at = &scene.local.at;
    let full = scene
        .cloud
        .authorize_rule(at, &group, rule(2113), OWNER)
        .await;
    let full = full.unwrap_err();
    assert_eq!(full.kind, CloudErrorKind::Quota, "{full}");
    let fault = Fault::refused(400, "resourceNotReady", "it is not ready");
    scene.fake.prepare(LOCAL, "firewalls.delete", fault);
    let busy = scene.cloud.delete_group(at, &group).await;
    assert_eq!(kind(busy), Some(CloudErrorKind::Busy));
    assert_eq!(kind(scene.cloud.delete_group(at, &group).await), None);
}
