//! Network security groups before interfaces: packets pass the subnet's and the interface's, and
//! both have to let them in.

use crate::support::{LOCAL, OWNER, World, id, kind, nsg_id, settings, subscription, vnet_id};
use cloud::{
    AccessListView, Cloud as _, CloudErrorKind, GroupView, LetsIn, Rehearsal, Rehearsed, Source,
    Traffic, group_name, lets_in_through,
};
use domain::{Side, network::LinkOption};
use peerage_azure::{AzureCloud, AzureSettings};
use serde_json::{Value, json};
use testkit::arm::Fault;

const OPEN: LinkOption = LinkOption::VirtualNetworkAccess;
const PEER: &str = "10.2.0.0/16";

fn card() -> String {
    id(LOCAL, "networkSecurityGroups", "card")
}

/// Everything else in the world that takes part: a group of its own, and a subnet without one.
async fn world() -> World {
    let world = World::new().await;
    let empty = json!({"location": "westeurope", "properties": {}});
    world.fake.plant(&card(), &empty);
    subnet(&world, None);
    world.both().await;
    world
}

fn subnet(world: &World, group: Option<&str>) {
    let mut properties = json!({"addressPrefix": "10.1.128.0/24"});
    if let Some(group) = group {
        properties["networkSecurityGroup"] = json!({ "id": group });
    }
    let path = format!("{}/subnets/cards", vnet_id(LOCAL));
    let body = json!({"name": "cards", "properties": properties});
    world.fake.plant(&path, &body);
}

/// An interface in that subnet.
fn interface(world: &World, name: &str, group: Option<&str>) {
    let subnet = format!("{}/subnets/CARDS", vnet_id(LOCAL).to_uppercase());
    let address = json!({"name": "one", "properties": {"subnet": {"id": subnet}}});
    let mut properties = json!({"ipConfigurations": [address]});
    if let Some(group) = group {
        properties["networkSecurityGroup"] = json!({ "id": group.to_uppercase() });
    }
    let body = json!({"location": "westeurope", "properties": properties});
    world
        .fake
        .plant(&id(LOCAL, "networkInterfaces", name), &body);
}

fn rule(world: &World, group: &str, name: &str, says: &Value) {
    let mut properties = json!({
        "protocol": "*", "access": "Deny", "direction": "Inbound", "priority": 300,
        "sourceAddressPrefix": PEER, "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "*",
    });
    for (member, value) in says.as_object().unwrap() {
        properties[member] = value.clone();
    }
    let path = format!("{group}/securityRules/{name}");
    let body = json!({"name": name, "properties": properties});
    world.fake.plant(&path, &body);
}

fn rules(world: &World, group: &str) -> Vec<String> {
    let parent = world.fake.parent(group).unwrap();
    parent.children.into_iter().map(|it| it.name).collect()
}

/// The same world to an engine that was given that group too.
fn given(world: &World) -> AzureCloud {
    let mut groups = settings(&world.fake).security_groups;
    groups.push(card().to_lowercase());
    AzureCloud::new(AzureSettings {
        security_groups: groups,
        ..settings(&world.fake)
    })
}

async fn refused(world: &World) -> Option<String> {
    let set = world.set(Side::Local, OPEN, true).await;
    let told = set.err().map(|it| {
        assert_eq!(it.kind, CloudErrorKind::Precondition);
        it.message
    });
    world.set(Side::Local, OPEN, false).await.unwrap();
    told
}

async fn groups(world: &World) -> Vec<GroupView> {
    let of = std::slice::from_ref(&world.local.network);
    let groups = world.cloud.firewall_groups(&world.local.at, of);
    groups.await.unwrap()
}

async fn lists(world: &World) -> Vec<AccessListView> {
    let of = std::slice::from_ref(&world.local.network);
    let all = world.cloud.access_lists(&world.local.at, of).await.unwrap();
    let of_cards = |it: &AccessListView| it.subnets[0].as_str().ends_with("/cards");
    all.into_iter().filter(of_cards).collect()
}

/// What the lists let in from the peer, at the worst.
async fn worst(world: &World) -> LetsIn {
    let from = [PEER.parse().unwrap()];
    let any = Traffic {
        source: Source::Ranges(from.to_vec()),
        target: None,
        protocol: None,
        ports: None,
    };
    let verdicts = lists(world).await.into_iter().map(|it| {
        let passed: Vec<_> = it.passed().map(Vec::as_slice).collect();
        lets_in_through(&passed, &any, &from)
    });
    verdicts.max().unwrap()
}

#[tokio::test]
async fn a_subnet_without_a_group_is_closed_where_the_group_of_each_interface_in_it_denies() {
    let world = world().await;
    world.cloud.create_group(&world.local, OWNER).await.unwrap();
    interface(&world, "first", Some(&card()));
    let told = refused(&world).await.unwrap();
    assert!(told.ends_with("at cards"), "{told}");
    assert_eq!(worst(&world).await, LetsIn::Yes);

    rule(&world, &card(), "theirs", &json!({}));
    assert_eq!(refused(&world).await, None);
    assert_eq!(worst(&world).await, LetsIn::No);
    let guards = groups(&world).await;
    assert!(
        guards.iter().any(|it| it.name == "card"),
        "what it admits is told"
    );
    assert!(
        !guards.iter().any(|it| it.name == "cards"),
        "nothing is bare"
    );

    interface(&world, "second", None);
    assert!(refused(&world).await.unwrap().ends_with("at cards"));
    assert_eq!(worst(&world).await, LetsIn::Yes);
    let guards = groups(&world).await;
    let bare = guards.iter().find(|it| it.name == "cards").unwrap();
    assert_eq!(bare.rules.len(), 1);
    interface(&world, "second", Some(&card()));
    assert_eq!(refused(&world).await, None);
    assert_eq!(lists(&world).await.len(), 1, "one for both interfaces");
}

#[tokio::test]
async fn what_the_subnets_group_lets_through_the_interfaces_may_keep_out_and_the_other_way() {
    let world = world().await;
    world.cloud.create_group(&world.local, OWNER).await.unwrap();
    let front = id(LOCAL, "networkSecurityGroups", "front");
    world
        .fake
        .plant(&front, &json!({"location": "westeurope", "properties": {}}));
    subnet(&world, Some(&front));
    interface(&world, "first", Some(&card()));
    rule(&world, &front, "udp", &json!({"protocol": "Udp"}));
    rule(&world, &card(), "tcp", &json!({"protocol": "Tcp"}));
    assert!(refused(&world).await.is_some(), "all but these two come in");
    assert_eq!(worst(&world).await, LetsIn::Yes);
    let low = json!({"protocol": "*", "destinationPortRange": "0-9999", "priority": 301});
    let high = json!({"destinationPortRange": "10000-65535"});
    rule(&world, &front, "low", &low);
    rule(&world, &card(), "tcp", &high);
    assert_eq!(refused(&world).await, None, "together they keep all out");
    assert_eq!(worst(&world).await, LetsIn::No);
    let [one] = lists(&world).await.try_into().unwrap();
    assert!(one.behind.is_some());
}

#[tokio::test]
async fn the_denial_is_put_before_interfaces_too_where_the_engine_was_given_their_group() {
    let mut world = world().await;
    world.cloud = given(&world);
    interface(&world, "first", Some(&card()));
    let group = world.cloud.create_group(&world.local, OWNER).await.unwrap();
    let name = group_name(crate::support::PEERING);
    assert_eq!(rules(&world, &card()), [name.as_str()]);
    assert_eq!(rules(&world, &nsg_id(LOCAL)), [name.as_str()]);
    assert_eq!(refused(&world).await, None);
    let at = &world.local.at;
    let own = async || {
        let of = std::slice::from_ref(&world.local.network);
        let all = world.cloud.firewall_groups(at, of).await.unwrap();
        all.into_iter().find(|it| it.group == group)
    };
    assert_eq!(own().await.unwrap().rules, []);

    // Somebody removes it from there alone.
    world.fake.with(|state| {
        let parent = state.parents.get_mut(&card().to_lowercase());
        parent.unwrap().children.clear();
    });
    assert!(refused(&world).await.unwrap().ends_with("at cards"));
    let open = own().await.unwrap().rules.remove(0);
    assert!(open.text.ends_with("no denial in card"), "{}", open.text);
    world.cloud.revoke_rule(at, &group, &open.id).await.unwrap();
    assert_eq!(rules(&world, &card()), [name.as_str()]);
    world.cloud.delete_group(at, &group).await.unwrap();
    for group in [card(), nsg_id(LOCAL)] {
        assert_eq!(rules(&world, &group), [""; 0], "{group}");
    }
}

/// What was put before an interface is removed from there, though nobody needs it any more.
#[tokio::test]
async fn a_denial_before_an_interface_goes_though_its_subnet_has_a_group_of_the_engines_by_then() {
    let mut world = world().await;
    world.cloud = given(&world);
    interface(&world, "first", Some(&card()));
    let group = world.cloud.create_group(&world.local, OWNER).await.unwrap();
    subnet(&world, Some(&nsg_id(LOCAL)));
    assert_eq!(refused(&world).await, None);
    let at = &world.local.at;
    world.cloud.delete_group(at, &group).await.unwrap();
    assert_eq!(rules(&world, &card()), [""; 0]);
}

#[tokio::test]
async fn a_group_before_an_interface_alone_is_somewhere_to_write() {
    let mut world = world().await;
    world.cloud = AzureCloud::new(AzureSettings {
        security_groups: vec![card()],
        ..settings(&world.fake)
    });
    let rehearsal = Rehearsal::CreateGroup {
        network: world.local.clone(),
        owner: OWNER,
    };
    let Rehearsed::NowhereToWrite { message } = world.cloud.rehearse(&rehearsal).await.unwrap()
    else {
        panic!("there is none");
    };
    assert!(message.contains("no interface"), "{message}");
    interface(&world, "first", Some(&card()));
    let said = world.cloud.rehearse(&rehearsal).await.unwrap();
    assert_eq!(said, Rehearsed::NotAvailable);
}

#[tokio::test]
async fn interfaces_are_listed_once_for_each_resource_group_and_only_where_they_are_needed() {
    let world = world().await;
    let of = std::slice::from_ref(&world.local.network);
    for name in ["one", "two", "three"] {
        interface(&world, name, Some(&card()));
    }
    let lists = async || {
        let _ = world.fake.take_seen();
        world
            .cloud
            .firewall_groups(&world.local.at, of)
            .await
            .unwrap();
        let seen = world.fake.take_seen().into_iter();
        let lists = seen.filter(|it| it.path.ends_with("/networkInterfaces"));
        lists.count()
    };
    assert_eq!(lists().await, 1);
    world.fake.with(|it| it.page = Some(2));
    assert_eq!(lists().await, 2, "a list goes on where its answer says");
    rule(&world, &card(), "theirs", &json!({}));
    world.cloud.create_group(&world.local, OWNER).await.unwrap();
    assert_eq!(refused(&world).await, None, "all three are known");
    subnet(&world, Some(&nsg_id(LOCAL)));
    assert_eq!(lists().await, 0, "what is behind can only deny more");
}

#[tokio::test]
async fn a_list_that_goes_on_elsewhere_is_not_followed() {
    let world = world().await;
    interface(&world, "first", Some(&card()));
    let value: [Value; 0] = [];
    let body = json!({"value": value, "nextLink": "https://example.org/more?api-version=1"});
    let elsewhere = Fault::Refused(testkit::arm::Answer::new(200, body));
    world.fake.fail_next("GET", "/networkInterfaces", elsewhere);
    let of = std::slice::from_ref(&world.local.network);
    let read = world.cloud.firewall_groups(&world.local.at, of).await;
    assert_eq!(kind(read), Some(CloudErrorKind::Unexpected));
}

/// A role of an older engine does not have that action: it is judged as it was then.
#[tokio::test]
async fn an_interface_that_may_not_be_read_is_taken_to_have_no_group() {
    let world = world().await;
    world.cloud.create_group(&world.local, OWNER).await.unwrap();
    interface(&world, "first", Some(&card()));
    rule(&world, &card(), "theirs", &json!({}));
    assert_eq!(refused(&world).await, None);
    let denied = (LOCAL.to_owned(), "networkInterfaces/read".to_owned());
    world.fake.with(|it| it.denied.push(denied));
    assert!(refused(&world).await.unwrap().ends_with("at cards"));
    assert_eq!(worst(&world).await, LetsIn::Yes);
}

#[tokio::test]
async fn what_has_an_address_and_is_no_interface_has_to_be_kept_apart_by_its_subnet() {
    let world = world().await;
    world.cloud.create_group(&world.local, OWNER).await.unwrap();
    interface(&world, "first", Some(&card()));
    rule(&world, &card(), "theirs", &json!({}));
    let of = subscription(LOCAL);
    let frontend = format!(
        "/subscriptions/{of}/resourceGroups/rg/providers/Microsoft.Network/loadBalancers/one/frontendIPConfigurations/front"
    );
    let of_scale_set = format!(
        "/subscriptions/{of}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/set/virtualMachines/0/networkInterfaces/first/ipConfigurations/one"
    );
    for (member, one) in [
        ("ipConfigurations", of_scale_set.as_str()),
        ("ipConfigurations", frontend.as_str()),
        ("privateEndpoints", "it"),
    ] {
        let properties = json!({"addressPrefix": "10.1.128.0/24", member: [{"id": one}]});
        let path = format!("{}/subnets/cards", vnet_id(LOCAL));
        let body = json!({"name": "cards", "properties": properties});
        world.fake.plant(&path, &body);
        assert!(
            refused(&world).await.unwrap().ends_with("at cards"),
            "{member}"
        );
    }
}
