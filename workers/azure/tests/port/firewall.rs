//! Network security groups: the engine's own rules, what others let in, and what keeps a half shut.

use crate::support::{LOCAL, OWNER, PEERING, World, id, kind, nsg_id, settings, vnet, vnet_id};
use cloud::{
    Cloud as _, CloudErrorKind, FirewallPart, GroupView, LetsIn, Owner, Source, Traffic,
    group_name, lets_in,
};
use domain::{
    NetworkId, PeeringId, Range, Side,
    network::{InboundRule, LinkOption},
    text::FirewallGroup,
};
use peerage_azure::{AzureCloud, AzureSettings};
use serde_json::{Value, json};
use uuid::Uuid;

const OPEN: LinkOption = LinkOption::VirtualNetworkAccess;

fn rule(port: u16) -> InboundRule {
    InboundRule {
        source: "10.2.0.0/16".parse().unwrap(),
        port,
        target: Some("10.1.0.4/32".parse().unwrap()),
    }
}

impl World {
    async fn groups(&self) -> Vec<GroupView> {
        let of = std::slice::from_ref(&self.local.network);
        self.cloud
            .firewall_groups(&self.local.at, of)
            .await
            .unwrap()
    }

    async fn own(&self, group: &FirewallGroup) -> Option<GroupView> {
        self.groups()
            .await
            .into_iter()
            .find(|it| it.group == *group)
    }

    fn rules(&self) -> Vec<(String, Value)> {
        let parent = self.fake.parent(&nsg_id(LOCAL)).unwrap();
        let rules = parent.children.into_iter();
        rules
            .map(|it| (it.name, Value::Object(it.properties)))
            .collect()
    }

    /// Somebody's own rule.
    fn somebody(&self, name: &str, access: &str, source: &str, priority: u32) {
        self.fake.plant(
            &format!("{}/securityRules/{name}", nsg_id(LOCAL)),
            &json!({"name": name, "properties": {
                "protocol": "*", "access": access, "direction": "Inbound", "priority": priority,
                "sourceAddressPrefix": source, "sourcePortRange": "*",
                "destinationAddressPrefix": "*", "destinationPortRange": "*",
            }}),
        );
    }
}

#[tokio::test]
async fn a_denial_stands_last_in_the_band_and_what_is_declared_first_both_by_names_of_the_engines()
{
    let world = World::new().await;
    world.both().await;
    world.somebody("theirs", "Allow", "Internet", 199);
    let group = world.cloud.create_group(&world.local, OWNER).await.unwrap();
    let again = world.cloud.create_group(&world.local, OWNER).await;
    assert_eq!(kind(again), Some(CloudErrorKind::AlreadyThere));
    let at = &world.local.at;
    let id = world
        .cloud
        .authorize_rule(at, &group, rule(2113), OWNER)
        .await
        .unwrap();
    let again = world
        .cloud
        .authorize_rule(at, &group, rule(2113), OWNER)
        .await;
    assert_eq!(kind(again), Some(CloudErrorKind::AlreadyThere));
    let rules = world.rules();
    let of = |name: &str| rules.iter().find(|(it, _)| it == name).unwrap().1.clone();
    let denial = of(&group_name(PEERING));
    assert_eq!(
        (&denial["access"], &denial["priority"]),
        (&json!("Deny"), &json!(198))
    );
    assert_eq!(denial["sourceAddressPrefixes"], json!(["10.2.0.0/16"]));
    assert_eq!(denial["description"], json!(OWNER.to_string()));
    let name = id.as_str().rsplit('/').next().unwrap();
    assert!(name.starts_with(&group_name(PEERING)) && name.len() <= 80);
    let admission = of(name);
    assert_eq!(
        (&admission["access"], &admission["priority"]),
        (&json!("Allow"), &json!(100))
    );
    assert_eq!(admission["destinationAddressPrefix"], json!("10.1.0.4/32"));
    assert_eq!(admission["protocol"], json!("Tcp"));

    let view = world.own(&group).await.unwrap();
    assert_eq!(
        (view.name.as_str(), view.owner),
        (group_name(PEERING).as_str(), Some(OWNER))
    );
    let [shown] = view.rules.as_slice() else {
        panic!("{view:?}")
    };
    assert_eq!(
        (&shown.id, shown.rule, shown.owner),
        (&id, Some(rule(2113)), Some(OWNER))
    );

    world.cloud.revoke_rule(at, &group, &id).await.unwrap();
    let again = world.cloud.revoke_rule(at, &group, &id).await;
    assert_eq!(kind(again), Some(CloudErrorKind::NotFound));
    let theirs = |name: &str| world.rules().iter().any(|(it, _)| it == name);
    world.cloud.delete_group(at, &group).await.unwrap();
    assert!(
        theirs("theirs") && world.rules().len() == 1,
        "nobody else's is touched"
    );
    assert_eq!(world.own(&group).await, None);
}

#[tokio::test]
async fn a_band_that_is_full_is_a_quota_and_nothing_is_written_outside_of_it() {
    let world = World::new().await;
    world.both().await;
    let narrow = AzureSettings {
        priorities: 100..=101,
        ..settings(&world.fake)
    };
    let cloud = AzureCloud::new(narrow);
    let group = cloud.create_group(&world.local, OWNER).await.unwrap();
    let at = &world.local.at;
    cloud
        .authorize_rule(at, &group, rule(1), OWNER)
        .await
        .unwrap();
    let full = cloud.authorize_rule(at, &group, rule(2), OWNER).await;
    assert_eq!(kind(full), Some(CloudErrorKind::Quota));
    let priorities = world
        .rules()
        .into_iter()
        .map(|(_, it)| it["priority"].as_u64().unwrap());
    assert!(priorities.into_iter().all(|it| (100..=101).contains(&it)));
}

#[tokio::test]
async fn without_a_group_to_write_into_the_half_stays_closed_and_the_answer_says_what_is_missing() {
    let world = World::new().await;
    world.both().await;
    let nothing = AzureSettings {
        security_groups: Vec::new(),
        ..settings(&world.fake)
    };
    let cloud = AzureCloud::new(nothing);
    let refused = cloud.create_group(&world.local, OWNER).await.unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::Precondition);
    assert!(
        refused.message.contains("cloud.azure.security_groups"),
        "{refused}"
    );
    let refused = world.set(Side::Local, OPEN, true).await.unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::Precondition);
    assert!(
        refused.message.contains("at used"),
        "the subnet is named: {refused}"
    );
    assert!(
        !refused.message.contains("empty"),
        "one without interfaces is not: {refused}"
    );
}

#[tokio::test]
async fn a_half_opens_only_where_every_subnet_with_an_interface_denies_the_other_network() {
    let world = World::new().await;
    world.both().await;
    world.cloud.create_group(&world.local, OWNER).await.unwrap();
    let refused = async || {
        let set = world.set(Side::Local, OPEN, true).await;
        set.err().map(|it| (it.kind, it.message))
    };
    // Somebody's rule that comes before the denial.
    world.somebody("before", "Allow", "10.0.0.0/8", 120);
    let told = refused().await.unwrap();
    assert_eq!(told.0, CloudErrorKind::Precondition);
    world.somebody("before", "Allow", "10.77.0.0/16", 120);
    assert_eq!(refused().await, None, "it is about others");
    world.set(Side::Local, OPEN, false).await.unwrap();

    // Another subnet with an interface, and with nothing before it.
    let used = json!({"addressPrefix": "10.1.0.0/24", "privateEndpoints": [{"id": "one"}]});
    let bare = format!("{}/subnets/bare", vnet_id(LOCAL));
    world
        .fake
        .plant(&bare, &json!({"name": "bare", "properties": used}));
    let (kind, message) = refused().await.unwrap();
    assert_eq!(kind, CloudErrorKind::Precondition);
    assert!(message.ends_with("at bare"), "{message}");
    assert_eq!(
        world.half(Side::Local).unwrap()["allowVirtualNetworkAccess"],
        false
    );
}

#[tokio::test]
async fn a_half_opens_with_what_is_admitted_for_its_peering_and_not_with_what_is_for_another() {
    let world = World::new().await;
    world.both().await;
    let group = world.cloud.create_group(&world.local, OWNER).await.unwrap();
    let at = &world.local.at;
    let admitted = world.cloud.authorize_rule(at, &group, rule(2113), OWNER);
    admitted.await.unwrap();
    world.set(Side::Local, OPEN, true).await.unwrap();
    world.set(Side::Local, OPEN, false).await.unwrap();
    let other = group_name(PeeringId(Uuid::from_u128(0x99)));
    world.somebody(
        &format!("{other}-2113-0123456789ab"),
        "Allow",
        "10.0.0.0/8",
        150,
    );
    let refused = world.set(Side::Local, OPEN, true).await;
    assert_eq!(kind(refused), Some(CloudErrorKind::Precondition));
}

#[tokio::test]
async fn nothing_is_admitted_where_the_denial_is_gone_and_one_that_is_put_again_keeps_its_place() {
    let world = World::new().await;
    world.both().await;
    let group = world.cloud.create_group(&world.local, OWNER).await.unwrap();
    let at = &world.local.at;
    let of_denial = || {
        let mut rules = world.rules().into_iter();
        rules.find(|(it, _)| *it == group_name(PEERING))
    };
    let placed = of_denial().unwrap().1["priority"].clone();
    // Somebody makes it narrower, and takes the place behind it.
    world.fake.with(|state| {
        let key = nsg_id(LOCAL).to_lowercase();
        let children = &mut state.parents.get_mut(&key).unwrap().children;
        let denial = children
            .iter_mut()
            .find(|it| it.name == group_name(PEERING));
        let narrow = json!(["10.2.0.0/17"]);
        let of = &mut denial.unwrap().properties;
        let _ = of.insert("sourceAddressPrefixes".to_owned(), narrow);
    });
    let shown = world.own(&group).await.unwrap();
    let open = shown.rules.iter().find(|it| it.rule.is_none()).unwrap();
    world.cloud.revoke_rule(at, &group, &open.id).await.unwrap();
    let again = of_denial().unwrap().1;
    assert_eq!(again["sourceAddressPrefixes"], json!(["10.2.0.0/16"]));
    assert_eq!(again["priority"], placed);

    world.fake.with(|state| {
        let key = nsg_id(LOCAL).to_lowercase();
        let parent = state.parents.get_mut(&key).unwrap();
        parent.children.retain(|it| it.name != group_name(PEERING));
    });
    let refused = world.cloud.authorize_rule(at, &group, rule(2113), OWNER);
    assert_eq!(kind(refused.await), Some(CloudErrorKind::NotFound));
    assert_eq!(world.rules(), [], "nothing was written");
}

#[tokio::test]
async fn a_missing_denial_is_an_exposure_and_so_is_a_subnet_without_a_group() {
    let world = World::new().await;
    world.both().await;
    let bare = format!("{}/subnets/bare", vnet_id(LOCAL));
    let used = json!({"addressPrefix": "10.1.0.0/24", "ipConfigurations": [{"id": "one"}]});
    world
        .fake
        .plant(&bare, &json!({"name": "bare", "properties": used}));
    let groups = world.groups().await;
    let guard = groups.iter().find(|it| it.name == "guard").unwrap();
    let texts: Vec<_> = guard.rules.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "everything to VirtualNetwork from VirtualNetwork",
            "everything from AzureLoadBalancer"
        ]
    );
    let peer = "10.2.0.0/16".parse().unwrap();
    let Source::Ranges(covered) = &guard.rules[0].admits.source else {
        panic!("{guard:?}")
    };
    assert!(covered.contains(&peer), "the tag covers what is peered");
    let open = groups.iter().find(|it| it.name == "bare").unwrap();
    assert_eq!(open.rules[0].admits.ports, None);
    assert_eq!(open.owner, None);

    let verdict = async || {
        let of = std::slice::from_ref(&world.local.network);
        let lists = world.cloud.access_lists(&world.local.at, of).await.unwrap();
        let any = Traffic {
            source: Source::Ranges(vec![peer]),
            target: None,
            protocol: None,
            ports: None,
        };
        let of = |name: &str| {
            let list = lists
                .iter()
                .find(|it| it.subnets[0].as_str().ends_with(name))
                .unwrap();
            lets_in(&list.entries, &any, &[peer])
        };
        (of("used"), of("bare"))
    };
    assert_eq!(verdict().await, (LetsIn::Yes, LetsIn::Yes));
    let group = world.cloud.create_group(&world.local, OWNER).await.unwrap();
    assert_eq!(verdict().await, (LetsIn::No, LetsIn::Yes));

    // What the engine admits makes the default rules behind the denial let nobody in.
    let at = &world.local.at;
    let admitted = world.cloud.authorize_rule(at, &group, rule(2113), OWNER);
    admitted.await.unwrap();
    assert_eq!(verdict().await, (LetsIn::No, LetsIn::Yes));
    world.somebody("before", "Allow", "10.0.0.0/8", 120);
    assert_eq!(verdict().await, (LetsIn::Yes, LetsIn::Yes));
}

#[tokio::test]
async fn a_denial_that_somebody_removes_shows_as_a_rule_and_is_put_again_by_revoking_it() {
    let world = World::new().await;
    world.both().await;
    let group = world.cloud.create_group(&world.local, OWNER).await.unwrap();
    let at = &world.local.at;
    world
        .cloud
        .authorize_rule(at, &group, rule(2113), OWNER)
        .await
        .unwrap();
    world.fake.with(|state| {
        let parent = state
            .parents
            .get_mut(&nsg_id(LOCAL).to_lowercase())
            .unwrap();
        parent.children.retain(|it| it.name != group_name(PEERING));
    });
    let view = world.own(&group).await.unwrap();
    let open = view.rules.iter().find(|it| it.rule.is_none()).unwrap();
    assert_eq!(open.owner, Some(OWNER), "it stands for a rule of ours");
    world.cloud.revoke_rule(at, &group, &open.id).await.unwrap();
    let view = world.own(&group).await.unwrap();
    assert_eq!((view.rules.len(), view.owner), (1, Some(OWNER)));
}

#[tokio::test]
async fn whose_a_rule_is_its_description_says_and_it_is_put_back() {
    let world = World::new().await;
    world.both().await;
    let group = world.cloud.create_group(&world.local, OWNER).await.unwrap();
    let at = &world.local.at;
    let id = world
        .cloud
        .authorize_rule(at, &group, rule(2113), OWNER)
        .await
        .unwrap();
    let another = Owner::new(NetworkId(Uuid::from_u128(0x77)), PEERING);
    let one = FirewallPart::Rule {
        group: group.clone(),
        rule: id,
    };
    world.cloud.tag_firewall(at, &one, another).await.unwrap();
    let view = world.own(&group).await.unwrap();
    assert_eq!(
        (view.owner, view.rules[0].owner),
        (Some(OWNER), Some(another))
    );
    let whole = FirewallPart::Group(group.clone());
    world.cloud.tag_firewall(at, &whole, another).await.unwrap();
    let view = world.own(&group).await.unwrap();
    assert_eq!(view.owner, Some(another));
    let nobody = PeeringId(Uuid::from_u128(0x99));
    let gone: FirewallGroup = format!("{}/{}", world.local.network, group_name(nobody))
        .parse()
        .unwrap();
    let missing = world
        .cloud
        .tag_firewall(at, &FirewallPart::Group(gone), another)
        .await;
    assert_eq!(kind(missing), Some(CloudErrorKind::NotFound));
}

#[tokio::test]
async fn somebody_elses_rule_goes_where_it_is_named_and_a_default_one_never() {
    let world = World::new().await;
    world.somebody("theirs", "Allow", "10.2.0.0/16", 300);
    let at = &world.local.at;
    let guard = world.groups().await.remove(0);
    let of = |text: &str| {
        guard
            .rules
            .iter()
            .find(|it| it.id.as_str().ends_with(text))
            .unwrap()
    };
    let default = of("AllowVnetInBound");
    let kept = world.cloud.revoke_rule(at, &guard.group, &default.id).await;
    assert_eq!(kind(kept), Some(CloudErrorKind::Precondition));
    world
        .cloud
        .revoke_rule(at, &guard.group, &of("theirs").id)
        .await
        .unwrap();
    assert!(world.rules().is_empty());
}

#[tokio::test]
async fn tables_are_those_that_subnets_chose_and_the_system_routes_for_all_others() {
    let world = World::new().await;
    let table = id(LOCAL, "routeTables", "by-hand");
    let route = json!({"addressPrefix": "10.7.0.0/16", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.1.0.9"});
    let service = json!({"addressPrefix": "Storage", "nextHopType": "Internet"});
    world.fake.plant(
        &table,
        &json!({"location": "westeurope", "properties": {"routes": [
        {"name": "one", "properties": route}, {"name": "two", "properties": service}]}}),
    );
    let mut body = vnet("westeurope", "10.1.0.0/16", Some(&nsg_id(LOCAL)));
    body["properties"]["subnets"][1]["properties"]["routeTable"] =
        json!({ "id": table.to_uppercase() });
    world.fake.plant(&vnet_id(LOCAL), &body);
    world.both().await;
    let of = [world.local.network.clone()];
    let tables = world
        .cloud
        .route_tables(&world.local.at, &of)
        .await
        .unwrap();
    let [system, own] = tables.as_slice() else {
        panic!("{tables:?}")
    };
    assert!(system.main && !own.main);
    let to = |it: &cloud::RouteTableView, range: &str| {
        let range = range.parse().unwrap();
        let mut routes = it.routes.iter();
        routes
            .find(|it| it.destination == range)
            .map(|it| it.target.to_string())
    };
    assert_eq!(to(system, "10.1.0.0/16").as_deref(), Some("local"));
    assert_eq!(to(system, "10.2.0.0/16"), Some(world.link().to_string()));
    assert_eq!(
        to(own, "10.7.0.0/16").as_deref(),
        Some("VirtualAppliance 10.1.0.9")
    );
    assert_eq!(own.others[0].destination, "Storage");
    assert_eq!(own.subnets.len(), 1);
    let range: Range = "10.2.0.0/16".parse().unwrap();
    let put = world
        .cloud
        .install_route(&world.local.at, &system.table, range, &world.link())
        .await;
    assert_eq!(kind(put), Some(CloudErrorKind::Unsupported));
}

#[tokio::test]
async fn a_denial_that_is_not_in_force_yet_opens_nothing_and_is_no_exposure() {
    let world = World::new().await;
    world.both().await;
    world.fake.with(|it| it.pace.takes = 1000);
    let impatient = AzureSettings {
        patience: std::time::Duration::ZERO,
        ..settings(&world.fake)
    };
    let cloud = AzureCloud::new(impatient);
    let group = cloud.create_group(&world.local, OWNER).await.unwrap();
    assert_eq!(world.own(&group).await, None, "it comes");
    let early = world.set(Side::Local, OPEN, true).await;
    assert_eq!(kind(early), Some(CloudErrorKind::Precondition));
    let again = cloud.create_group(&world.local, OWNER).await;
    assert_eq!(
        kind(again),
        Some(CloudErrorKind::AlreadyThere),
        "and is not put twice"
    );
    world.fake.with(|it| {
        it.now += 1000;
        it.pace.takes = 2;
    });
    assert_eq!(world.own(&group).await.unwrap().rules, []);
    world.set(Side::Local, OPEN, true).await.unwrap();
    assert!(!world.flows(LOCAL));
}
