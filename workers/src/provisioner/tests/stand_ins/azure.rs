//! Azure: a Resource Manager with a tenant for each side.

use super::world::{Change, Half, World, is_admission, overlap};
use crate::provisioner::testing::CLIENTS;
use azure::{AzureCloud, AzureSettings, Credential};
use cloud::Cloud;
use domain::{
    Provider, Region, Side,
    network::{LinkOption, Peer},
};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use testkit::{
    arm::{Answer, Asked, FakeArm, Fault, Outcome, Pace, SECRET, State},
    wire::Wire,
};

/// A side's tenant, region, range, subscription, and the name of its group and its network.
struct Place {
    tenant: &'static str,
    region: &'static str,
    range: &'static str,
    subscription: &'static str,
    name: &'static str,
}

const LOCAL: Place = Place {
    tenant: "0f8fad5b-d9cb-469f-a165-70867728950e",
    region: "westeurope",
    range: "10.20.0.0/16",
    subscription: "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    name: "orders",
};

const REMOTE: Place = Place {
    tenant: "1b4e28ba-2fa1-41d2-883f-0016d3cca427",
    region: "northeurope",
    range: CLIENTS,
    subscription: "6fa459ea-ee8a-4ca4-894e-db77e160355e",
    name: "billing",
};

/// What another engine's private network is joined to.
const THIRD: Place = Place {
    tenant: "5c7e6679-7425-40de-944b-e07fc1f90a33",
    region: "northeurope",
    range: "10.60.0.0/16",
    subscription: "8d9e6679-7425-40de-944b-e07fc1f90a44",
    name: "shipping",
};

impl Place {
    fn of(side: Side) -> &'static Self {
        match side {
            Side::Local => &LOCAL,
            Side::Remote => &REMOTE,
        }
    }

    fn resource(&self, kind: &str, name: &str) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/{kind}/{name}",
            self.subscription, self.name
        )
    }

    fn vnet(&self) -> String {
        self.resource("virtualNetworks", self.name)
    }

    fn guard(&self) -> String {
        self.resource("networkSecurityGroups", "guard")
    }

    /// What stands before interfaces alone.
    fn card(&self) -> String {
        self.resource("networkSecurityGroups", "card")
    }
}

/// An account of further networks.
struct Further {
    subscription: String,
    tenant: String,
    folder: String,
    guard: String,
}

/// How many accounts of further networks the engine may write into.
const FURTHER: usize = 4;

fn further(account: usize) -> Further {
    let subscription = format!("5f0e9d7c-0000-4000-8000-{account:012}");
    let folder =
        format!("/subscriptions/{subscription}/resourceGroups/further/providers/Microsoft.Network");
    Further {
        tenant: format!("7c0e9d7c-0000-4000-8000-{account:012}"),
        guard: format!("{folder}/networkSecurityGroups/guard"),
        subscription,
        folder,
    }
}

const HALVES: &str = "virtualNetworkPeerings";
const RULES: &str = "securityRules";

/// Each flag of a half that is an option.
const FLAGS: [(&str, LinkOption); 4] = [
    (
        "allowVirtualNetworkAccess",
        LinkOption::VirtualNetworkAccess,
    ),
    ("allowForwardedTraffic", LinkOption::ForwardedTraffic),
    ("allowGatewayTransit", LinkOption::GatewayTransit),
    ("useRemoteGateways", LinkOption::RemoteGateways),
];

#[derive(Debug)]
pub(super) struct Azure {
    fake: FakeArm,
    wire: Wire,
    /// Whether the engine was given a network security group to write into.
    is_guarded: bool,
    /// Whether there is a subnet without a group, and with an interface that has one.
    has_cards: bool,
    /// The denials that have been in force, each with its group. One that is changed keeps out
    /// until then what it has kept out, and then what it says.
    stood: Mutex<BTreeSet<(String, String)>>,
}

impl Azure {
    pub(super) async fn start() -> Self {
        let fake = FakeArm::start().await;
        fake.with(|state| {
            state.pace = Pace {
                takes: 3,
                ..Pace::default()
            };
        });
        for place in [&LOCAL, &REMOTE, &THIRD] {
            fake.subscription(place.subscription, place.tenant);
            let empty = json!({ "location": place.region, "properties": {} });
            fake.plant(&place.guard(), &empty);
            let used = json!({
                "addressPrefix": place.range,
                "ipConfigurations": [{ "id": "nic" }],
                "networkSecurityGroup": { "id": place.guard() },
            });
            let properties = json!({
                "addressSpace": { "addressPrefixes": [place.range] },
                "subnets": [
                    { "name": "used", "properties": used },
                    { "name": "empty", "properties": { "addressPrefix": place.range } },
                ],
            });
            let body = json!({ "location": place.region, "properties": properties });
            fake.plant(&place.vnet(), &body);
        }
        let port = fake.endpoint().rsplit(':').next().unwrap().parse();
        Self {
            wire: Wire::to(port.unwrap()).await,
            fake,
            is_guarded: true,
            has_cards: false,
            stood: Mutex::default(),
        }
    }

    /// The same, where the engine may write into no network security group.
    pub(super) fn unguarded(self) -> Self {
        Self {
            is_guarded: false,
            ..self
        }
    }

    /// The same, where each network has a subnet besides before which nothing stands but the group
    /// of the interface in it.
    pub(super) fn with_cards(self) -> Self {
        for place in [&LOCAL, &REMOTE, &THIRD] {
            let located =
                |properties: Value| json!({ "location": place.region, "properties": properties });
            self.fake.plant(&place.card(), &located(json!({})));
            let subnet = format!("{}/subnets/cards", place.vnet());
            let bare = json!({ "name": "cards", "properties": { "addressPrefix": place.range } });
            self.fake.plant(&subnet, &bare);
            let address = json!({ "name": "one", "properties": { "subnet": { "id": subnet } } });
            let interface = located(json!({
                "ipConfigurations": [address],
                "networkSecurityGroup": { "id": place.card() },
            }));
            let id = place.resource("networkInterfaces", "card");
            self.fake.plant(&id, &interface);
        }
        Self {
            has_cards: true,
            ..self
        }
    }

    /// Somebody puts an interface without a group into the subnet that has none.
    pub(super) fn bare_interface(&self, side: Side) {
        let place = Place::of(side);
        let subnet = format!("{}/subnets/cards", place.vnet());
        let address = json!({ "name": "one", "properties": { "subnet": { "id": subnet } } });
        let properties = json!({ "ipConfigurations": [address] });
        let id = place.resource("networkInterfaces", "bare");
        let body = json!({ "location": place.region, "properties": properties });
        self.fake.plant(&id, &body);
    }

    /// The making of halves is refused so, until it is permitted again.
    pub(super) fn refuses_halves(&self, status: u16, code: &str, times: usize) {
        for _ in 0..times {
            let answer = Answer::error(status, code, "words that nobody searches");
            self.fake.fail_next("PUT", HALVES, Fault::Refused(answer));
        }
    }

    pub(super) fn refuses_nothing(&self) {
        self.fake.with(|state| state.faults.clear());
    }

    /// The groups of a network, each of which stands alone before something.
    fn groups(&self, place: &Place) -> Vec<String> {
        let cards = self.has_cards.then(|| place.card());
        std::iter::once(place.guard()).chain(cards).collect()
    }

    /// A request of this side's own people, done at once.
    fn by_hand(&self, side: Side, method: &str, path: String, body: Value) {
        let (own, other) = (Place::of(side), Place::of(side.other()));
        self.fake.with(|state| {
            let (pace, seen) = (state.pace.clone(), state.seen.len());
            let roles = std::mem::take(&mut state.roles);
            state.pace.takes = 0;
            let asked = Asked {
                method: method.to_owned(),
                path,
                query: [("api-version".to_owned(), "2024-05-01".to_owned())].into(),
                tenant: Some(own.tenant.to_owned()),
                others: vec![other.tenant.to_owned()],
                body,
            };
            // Whoever is told that something else is under way tries again.
            let is_done = |it: &u16| *it < 300;
            let mut told = (0..20).map(|_| state.answer(&asked).0.status);
            assert!(told.any(|it| is_done(&it)), "{asked:?}");
            state.pace = pace;
            state.roles = roles;
            state.seen.truncate(seen);
        });
    }

    fn change(
        &self,
        side: Side,
        kind: &str,
        name: &str,
        change: impl FnOnce(&mut Map<String, Value>),
    ) {
        let place = Place::of(side);
        let parent = if kind == HALVES {
            place.vnet()
        } else {
            place.guard()
        };
        self.fake.with(|state| {
            let parent = state.parents.get_mut(&parent.to_lowercase()).unwrap();
            let mut children = parent.children.iter_mut();
            let found = children.find(|it| it.kind == kind && it.name == name);
            change(&mut found.expect("it is there").properties);
        });
    }

    /// What the halves that one network has towards another say. A network has others beside them,
    /// and what those let through is none of this link's.
    fn halves_between(&self, from: &Place, to: &Place) -> Vec<Map<String, Value>> {
        let parent = self.fake.parent(&from.vnet()).unwrap();
        let halves = parent.children.into_iter().filter(|it| it.kind == HALVES);
        let far = to.vnet();
        let is_meant = |it: &Map<String, Value>| {
            let id = it["remoteVirtualNetwork"]["id"].as_str();
            id.is_some_and(|it| it.eq_ignore_ascii_case(&far))
        };
        halves.map(|it| it.properties).filter(is_meant).collect()
    }

    /// By the rules in force of the group before the subnet that has an interface, in their order;
    /// what none of them says, the provider's default admits. Either half lets traffic through: of
    /// a link with one half open, nothing is said for certain.
    fn lets_in_from(&self, side: Side, far: &Place) -> Vec<String> {
        let own = Place::of(side);
        let other = far.range;
        let access = FLAGS[0].0;
        let both = [(own, far), (far, own)].map(|(from, to)| self.halves_between(from, to));
        let is_joined = both.iter().all(|it| !it.is_empty());
        let is_open = both.iter().flatten().any(|it| it[access] == true);
        if !is_joined || !is_open {
            return Vec::new();
        }
        let groups = self.groups(own).into_iter();
        let lets = groups.flat_map(|it| self.lets_through(&it, other));
        lets.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn lets_through(&self, group: &str, other: &str) -> Vec<String> {
        self.fake.with(|state| {
            let group = &state.parents[&group.to_lowercase()];
            let mut rules: Vec<_> = group
                .children
                .iter()
                .filter(|it| it.kind == RULES && it.properties["direction"] == "Inbound")
                .collect();
            rules.sort_by_key(|it| it.properties["priority"].as_u64());
            let mut lets = Vec::new();
            for rule in rules {
                let of = &rule.properties;
                let sources = said(of, "sourceAddressPrefix", "sourceAddressPrefixes");
                let is_meant =
                    |it: &String| it == "*" || it == "VirtualNetwork" || overlap(it, other);
                if of["access"] == "Allow" {
                    if sources.iter().any(is_meant) && !is_admission(&rule.name) {
                        lets.push(rule.name.clone());
                    }
                    continue;
                }
                let covers = |it: &String| {
                    let all = it.parse::<ipnet::IpNet>().ok();
                    let other: ipnet::IpNet = other.parse().unwrap();
                    it == "*" || it == "VirtualNetwork" || all.is_some_and(|it| it.contains(&other))
                };
                let is_of_all = of["protocol"] == "*"
                    && said(of, "destinationPortRange", "destinationPortRanges") == ["*"]
                    && said(of, "destinationAddressPrefix", "destinationAddressPrefixes") == ["*"];
                let key = (group.id.clone(), rule.name.clone());
                let mut stood = self.stood.lock();
                let in_force = !is_changing(state, rule.operation);
                let goes = state
                    .operations
                    .values()
                    .any(|it| removes(&it.outcome, &rule.name));
                let in_force = in_force || !goes && stood.contains(&key);
                if in_force && is_of_all && sources.iter().any(covers) {
                    stood.insert(key);
                }
                if in_force && is_of_all && sources.iter().any(covers) {
                    return lets;
                }
            }
            lets.push("AllowVnetInBound".to_owned());
            lets
        })
    }

    fn action(change: Change) -> &'static str {
        match change {
            Change::Look => "virtualNetworks/read",
            Change::MakeHalf => "virtualNetworkPeerings/write",
            Change::RemoveHalf => "virtualNetworkPeerings/delete",
            Change::MakeRule => "securityRules/write",
        }
    }
}

/// Whether a change of this resource is under way.
fn is_changing(state: &State, operation: Option<uuid::Uuid>) -> bool {
    let known = operation.and_then(|it| state.operations.get(&it));
    known.is_some_and(|it| it.ends_at > state.now)
}

/// Whether this is the removal of that rule.
fn removes(outcome: &Outcome, name: &str) -> bool {
    matches!(outcome, Outcome::RemovedChild(_, kind, of) if kind == RULES && of.eq_ignore_ascii_case(name))
}

/// What the members `{name}` and `{name}s` of a rule say.
fn said(rule: &Map<String, Value>, one: &str, many: &str) -> Vec<String> {
    let listed = rule.get(many).and_then(Value::as_array);
    let all = rule
        .get(one)
        .into_iter()
        .chain(listed.into_iter().flatten());
    let texts = all.filter_map(Value::as_str).filter(|it| !it.is_empty());
    texts.map(str::to_owned).collect()
}

impl World for Azure {
    fn provider(&self) -> Provider {
        Provider::Azure
    }

    fn cloud(&self) -> Arc<dyn Cloud> {
        let endpoint = format!("http://{}", self.wire.address());
        let groups = if self.is_guarded {
            let places = [&LOCAL, &REMOTE, &THIRD].into_iter();
            let further = (0..FURTHER).map(|it| further(it).guard);
            places
                .flat_map(|it| self.groups(it))
                .chain(further)
                .collect()
        } else {
            Vec::new()
        };
        Arc::new(AzureCloud::new(AzureSettings {
            login: format!("{endpoint}/login"),
            endpoint,
            security_groups: groups,
            priorities: 100..=199,
            poll_interval: Duration::from_millis(2),
            read_timeout: Duration::from_secs(5),
            patience: Duration::from_secs(5),
            ..AzureSettings::new(Credential::ClientSecret {
                client_id: "the-engine".to_owned(),
                secret: SECRET.into(),
            })
        }))
    }

    fn wire(&self) -> &Wire {
        &self.wire
    }

    fn word(&self, side: Side) -> String {
        format!("/subscriptions/{}", Place::of(side).subscription)
    }

    fn halves(&self, side: Side) -> Vec<Half> {
        let parent = self.fake.parent(&Place::of(side).vnet()).unwrap();
        let halves = parent.children.into_iter().filter(|it| it.kind == HALVES);
        let shown = |it: testkit::arm::Child| {
            let on = FLAGS
                .iter()
                .filter(|(flag, _)| it.properties[*flag] == true);
            Half {
                on: on.map(|(_, option)| *option).collect(),
                name: it.name,
            }
        };
        halves.map(shown).collect()
    }

    fn join(&self, side: Side, name: &str) {
        let path = format!("{}/{HALVES}/{name}", Place::of(side).vnet());
        let other = Place::of(side.other()).vnet();
        let properties = json!({
            "remoteVirtualNetwork": { "id": other },
            "allowVirtualNetworkAccess": true,
        });
        self.by_hand(side, "PUT", path, json!({ "properties": properties }));
        self.fake.with(|state| state.now += 1);
        // What ends at once has happened with the next request.
        self.by_hand(side, "GET", Place::of(side).vnet(), Value::Null);
    }

    fn part(&self, side: Side, name: &str) {
        let path = format!("{}/{HALVES}/{name}", Place::of(side).vnet());
        self.by_hand(side, "DELETE", path, Value::Null);
        self.by_hand(side, "GET", Place::of(side).vnet(), Value::Null);
    }

    fn switch(&self, side: Side, name: &str, option: LinkOption, on: bool) {
        let flag = FLAGS.iter().find(|it| it.1 == option);
        let (flag, _) = flag.expect("a flag of a half");
        self.change(side, HALVES, name, |half| {
            half.insert((*flag).to_owned(), json!(on));
        });
    }

    fn rules(&self, side: Side) -> BTreeSet<String> {
        let groups = self.groups(Place::of(side)).into_iter();
        let parents = groups.map(|it| self.fake.parent(&it).unwrap());
        let all = parents.flat_map(|it| it.children);
        let rules = all.filter(|it| it.kind == RULES);
        rules.map(|it| it.name).collect()
    }

    /// Before all that the engine says.
    fn admit(&self, side: Side, name: &str, from: &str, port: u16) {
        let path = format!("{}/{RULES}/{name}", Place::of(side).guard());
        let taken = self.rules(side).len();
        let properties = json!({
            "access": "Allow",
            "direction": "Inbound",
            "protocol": "Tcp",
            "priority": 150 + taken,
            "sourceAddressPrefix": from,
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": port.to_string(),
        });
        self.by_hand(side, "PUT", path, json!({ "properties": properties }));
    }

    fn drop_rule(&self, side: Side, name: &str) {
        let path = format!("{}/{RULES}/{name}", Place::of(side).guard());
        self.by_hand(side, "DELETE", path, Value::Null);
        self.by_hand(side, "GET", Place::of(side).guard(), Value::Null);
    }

    fn widen(&self, side: Side, range: &str) {
        let key = Place::of(side).vnet().to_lowercase();
        self.fake.with(|state| {
            let parent = state.parents.get_mut(&key).unwrap();
            let space = &mut parent.body["properties"]["addressSpace"]["addressPrefixes"];
            space.as_array_mut().unwrap().push(json!(range));
        });
    }

    fn set_gateway(&self, side: Side) {
        let key = Place::of(side).vnet().to_lowercase();
        self.fake.with(|state| state.gateways.push(key));
    }

    fn third(&self) -> Peer {
        Peer {
            provider: Provider::Azure,
            account: THIRD.tenant.parse().unwrap(),
            region: Region::of(Provider::Azure, THIRD.region).unwrap(),
            cloud_network: THIRD.vnet().parse().unwrap(),
            ranges: vec![THIRD.range.parse().unwrap()],
            subnets: Vec::new(),
        }
    }

    fn further(&self, number: usize) -> Peer {
        let place = further(number / 4);
        self.fake.subscription(&place.subscription, &place.tenant);
        let located = |properties: Value| json!({ "location": "westus", "properties": properties });
        if self.fake.parent(&place.guard).is_none() {
            self.fake.plant(&place.guard, &located(json!({})));
        }
        let range = format!("10.{}.0.0/16", 100 + number);
        let used = json!({
            "addressPrefix": range,
            "ipConfigurations": [{ "id": "nic" }],
            "networkSecurityGroup": { "id": place.guard },
        });
        let properties = json!({
            "addressSpace": { "addressPrefixes": [range] },
            "subnets": [{ "name": "used", "properties": used }],
        });
        let vnet = format!("{}/virtualNetworks/net-{number}", place.folder);
        self.fake.plant(&vnet, &located(properties));
        Peer {
            provider: Provider::Azure,
            account: place.tenant.parse().unwrap(),
            region: Region::of(Provider::Azure, "westus").unwrap(),
            cloud_network: vnet.parse().unwrap(),
            ranges: vec![range.parse().unwrap()],
            subnets: Vec::new(),
        }
    }

    fn read(&self) -> Vec<String> {
        let seen = self.fake.take_seen().into_iter();
        let is_read = |it: &Asked| it.method == "GET" && !it.path.contains("/locations/");
        seen.filter(is_read)
            .map(|it| it.path.to_lowercase())
            .collect()
    }

    fn deny(&self, side: Side, change: Change) {
        let denied = (
            Place::of(side).tenant.to_owned(),
            Self::action(change).to_owned(),
        );
        self.fake.with(|state| state.denied.push(denied));
    }

    fn permit(&self, side: Side) {
        let tenant = Place::of(side).tenant;
        self.fake
            .with(|state| state.denied.retain(|it| it.0 != tenant));
    }

    fn gives_up(&self, side: Side) {
        let half = format!("{}/{HALVES}", Place::of(side).vnet());
        self.fake
            .fail_next("PUT", &half, Fault::EndsWith(json!({})));
    }

    fn permits_only(&self, printed: &str) {
        let role: Value = serde_json::from_str(printed).unwrap();
        let actions = role["Actions"].as_array().unwrap().iter();
        let actions: Vec<_> = actions.map(|it| it.as_str().unwrap().to_owned()).collect();
        self.fake.with(|state| {
            for place in [&LOCAL, &REMOTE] {
                state.roles.insert(place.tenant.to_owned(), actions.clone());
            }
        });
    }

    fn took(&self) -> Vec<(Side, String)> {
        let seen = self.fake.take_seen().into_iter();
        let told = seen.filter_map(|it| {
            let is_of = |side: &Side| it.tenant.as_deref() == Some(Place::of(*side).tenant);
            let side = Side::BOTH.into_iter().find(is_of)?;
            let kinds = [
                "operations",
                "usages",
                HALVES,
                RULES,
                "networkSecurityGroups",
                "networkInterfaces",
                "virtualNetworks",
            ];
            let about = kinds.into_iter().find(|kind| it.path.contains(kind))?;
            Some((side, format!("{} {about}", it.method)))
        });
        told.collect()
    }

    fn lets_in(&self, side: Side) -> Vec<String> {
        let far = match side {
            Side::Local => vec![&REMOTE, &THIRD],
            Side::Remote => vec![&LOCAL],
        };
        let lets = far.into_iter().map(|far| self.lets_in_from(side, far));
        lets.flatten().collect()
    }
}
