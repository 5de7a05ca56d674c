//! The Resource Manager of our own against what Azure was recorded to answer.
//!
//! Each recording is played in the order of its times: the same requests, at the same moments, and
//! of each answer the status, the headers that a client goes by and the members that this fake has
//! must be the recorded ones. What only Azure can know is told to it: ids, when an operation ends,
//! that there is a gateway.

#![allow(clippy::unwrap_used)]

mod compare;

use compare::compare;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, path::Path};
use testkit::arm::{Answer, Asked, Pace, State};

/// What a recording cannot be held to, and why.
#[derive(Clone, Copy, Default)]
struct Leave {
    /// The recorder wrote a zero over what answers ask to wait.
    waits: bool,
    /// Exchanges that differ, each with the reason.
    exchanges: &'static [(u64, &'static str)],
}

const NOTHING: Leave = Leave {
    waits: false,
    exchanges: &[],
};

/// The list right before still shows the network: recorded once.
const GONE_ALREADY: Leave = Leave {
    waits: false,
    exchanges: &[(32, "a network that a list still shows is gone")],
};

/// A change of tags: other recordings show one that goes on.
const OVER_ALREADY: Leave = Leave {
    waits: false,
    exchanges: &[(8, "it has ended when it is answered")],
};

const WAITS: Leave = Leave {
    waits: true,
    exchanges: &[],
};

#[derive(serde::Deserialize)]
struct Recording {
    exchanges: Vec<Exchange>,
}

#[derive(Clone, serde::Deserialize)]
struct Exchange {
    n: u64,
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    request_body: Value,
    status: u16,
    response_headers: BTreeMap<String, String>,
    response_body: Value,
}

/// Seconds of a date like `Thu, 13 May 2021 14:41:25 GMT`, from the first of its month: no
/// recording spans two.
fn seconds(date: &str) -> u64 {
    let words: Vec<&str> = date.split(' ').collect();
    let day: u64 = words[1].parse().unwrap();
    let time: Vec<u64> = words[4].split(':').map(|it| it.parse().unwrap()).collect();
    ((day * 24 + time[0]) * 60 + time[1]) * 60 + time[2]
}

fn words(path: &str) -> Vec<&str> {
    path.split('/').skip(1).collect()
}

impl Exchange {
    fn at(&self) -> u64 {
        self.response_headers
            .get("date")
            .map_or(0, |it| seconds(it))
    }

    /// The name of the operation that it polls.
    fn polls(&self) -> Option<&str> {
        let words = words(&self.path);
        let kind = words.get(words.len().checked_sub(2)?)?;
        kind.starts_with("operation")
            .then(|| words[words.len() - 1])
    }

    /// The name of the operation that its answer begins.
    fn begins(&self) -> Option<&str> {
        let url = self.response_headers.get("azure-asyncoperation")?;
        url.split('?').next()?.rsplit('/').next()
    }

    fn key(&self) -> String {
        self.path.to_ascii_lowercase()
    }

    fn is_parent(&self) -> bool {
        words(&self.path).len() == 8 && self.key().contains("/resourcegroups/")
    }

    fn is_gateway(&self) -> bool {
        self.key().contains("/virtualnetworkgateways/")
    }
}

struct Player<'r> {
    state: State,
    recording: &'r [Exchange],
    leave: Leave,
    /// Where each recorded operation is asked about here: its status, and its result.
    urls: BTreeMap<String, (Option<String>, Option<String>)>,
    played: usize,
    complaints: Vec<String>,
}

impl<'r> Player<'r> {
    fn play(mut self) -> (usize, Vec<String>) {
        for (index, exchange) in self.recording.iter().enumerate() {
            self.one(index, exchange);
        }
        (self.played, self.complaints)
    }

    fn one(&mut self, index: usize, exchange: &Exchange) {
        if exchange.is_gateway() {
            return self.gateway(exchange);
        }
        self.meet(exchange);
        self.state.now = exchange.at().max(self.state.now);
        let ends = self.ends(index, exchange).max(self.state.now);
        self.state.pace = Pace {
            takes: ends - self.state.now,
            tick: 0,
            retry_after: None,
        };
        let (path, query) = match exchange.polls() {
            None => (exchange.path.clone(), exchange.query.clone()),
            Some(operation) => {
                let urls = self.urls.get(operation).cloned().unwrap_or_default();
                let is_status = exchange.path.contains("/operations/");
                let Some(url) = (if is_status { urls.0 } else { urls.1 }) else {
                    return;
                };
                let (path, query) = url.split_once('?').unwrap();
                let pairs = query.split('&').filter_map(|it| it.split_once('='));
                let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
                (path.to_owned(), pairs.map(own).collect())
            }
        };
        let asked = Asked {
            method: exchange.method.clone(),
            path,
            query,
            tenant: Some("one".to_owned()),
            others: Vec::new(),
            body: body(exchange),
        };
        let (answer, _) = self.state.answer(&asked);
        self.learn(exchange, &answer);
        self.played += 1;
        let is_left = self.leave.exchanges.iter().any(|(n, _)| *n == exchange.n);
        let mut wrong = self.headers(exchange, &answer);
        if answer.status != exchange.status {
            wrong.push(format!("status {}, not {}", answer.status, exchange.status));
        } else {
            compare("", &exchange.response_body, &answer.body, &mut wrong);
        }
        if is_left && wrong.is_empty() {
            wrong.push("it is excused, and does not differ".to_owned());
        } else if is_left {
            return;
        }
        let (method, path) = (&exchange.method, &exchange.path);
        let of = |it: String| format!("#{} {method} {path}: {it}", exchange.n);
        self.complaints.extend(wrong.into_iter().map(of));
    }

    /// When the operation that this begins ends: by the first poll that says so, or the first read
    /// that shows it.
    fn ends(&self, index: usize, exchange: &Exchange) -> u64 {
        let rest = &self.recording[index + 1..];
        let Some(operation) = exchange.begins() else {
            return 0;
        };
        let says_so = |it: &&Exchange| {
            let is_poll = it.polls() == Some(operation);
            is_poll && it.response_body["status"] != "InProgress" && it.status != 202
        };
        let shows = |it: &&Exchange| {
            let state = &it.response_body["properties"]["provisioningState"];
            it.method == "GET" && it.key() == exchange.key() && *state != "Updating"
        };
        let end = rest
            .iter()
            .find(says_so)
            .or_else(|| rest.iter().find(shows));
        end.map_or(0, Exchange::at)
    }

    /// A gateway is there once it is asked for: how one is made is not played.
    fn gateway(&mut self, exchange: &Exchange) {
        let text = exchange.request_body.to_string().to_ascii_lowercase();
        let Some((before, _)) = text.split_once("/subnets/gatewaysubnet") else {
            return;
        };
        let id = before.rsplit('"').next().unwrap_or_default();
        self.state.gateways.push(id.to_owned());
    }

    /// What the recording begins with is there.
    fn meet(&mut self, exchange: &Exchange) {
        let subscription = words(&exchange.path)[1].to_ascii_lowercase();
        self.state.tenants.insert(subscription, "one".to_owned());
        let key = exchange.key();
        self.lend(exchange);
        self.stands_already(exchange);
        let is_there = self.state.parents.contains_key(&key);
        // A network's own guid is Azure's to choose; that of a peering is not told.
        let guid = exchange.response_body["properties"]["resourceGuid"].as_str();
        let guid = guid.filter(|_| exchange.is_parent() && !is_there);
        self.state.next_guid = guid.map(|it| it.parse().unwrap());
        let is_read = exchange.method == "GET" && exchange.status == 200;
        if !(exchange.is_parent() && is_read && !is_there) {
            return;
        }
        self.state.pace = Pace {
            takes: 0,
            tick: 0,
            retry_after: None,
        };
        let asked = Asked {
            method: "PUT".to_owned(),
            path: exchange.path.clone(),
            query: exchange.query.clone(),
            tenant: Some("one".to_owned()),
            others: Vec::new(),
            body: writable(&exchange.response_body),
        };
        let (answer, _) = self.state.answer(&asked);
        assert!(answer.status < 300, "{answer:?}");
    }

    /// Where a gateway is used and nobody minds, there is one.
    fn lend(&mut self, exchange: &Exchange) {
        let of = &exchange.request_body["properties"];
        let far = of["remoteVirtualNetwork"]["id"].as_str();
        if let Some(far) = far.filter(|_| of["useRemoteGateways"] == true && exchange.status < 300)
        {
            self.state.gateways.push(far.to_ascii_lowercase());
        }
    }

    /// A pair that is shown, and whose making was not recorded, is there; so is the network on its
    /// other side.
    fn stands_already(&mut self, exchange: &Exchange) {
        let words = words(&exchange.path);
        let (of, key) = (&exchange.response_body["properties"], exchange.key());
        let is_read = exchange.method == "GET" && exchange.status == 200 && words.len() == 10;
        let near = format!("/{}", words[..8.min(words.len())].join("/"));
        let own = self.state.parents.get(&near.to_ascii_lowercase());
        let Some(own) = own.filter(|_| is_read && key.contains("/virtualnetworkpeerings/")) else {
            return;
        };
        if own
            .children
            .iter()
            .any(|it| it.kind == "virtualNetworkPeerings")
        {
            return;
        }
        let pair: uuid::Uuid = of["resourceGuid"].as_str().unwrap().parse().unwrap();
        let guid = uuid::Uuid::from_u128(own.guid.as_u128() ^ pair.as_u128());
        let far = of["remoteVirtualNetwork"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        self.state.gateways.push(far.to_ascii_lowercase());
        self.state.next_guid = Some(guid);
        self.state.pace.takes = 0;
        let space = of["remoteAddressSpace"].clone();
        let network = json!({"properties": {"addressSpace": space}});
        let lends = json!({"remoteVirtualNetwork": {"id": near}, "allowGatewayTransit": true});
        let lends = json!({ "properties": lends });
        for (path, body) in [
            (far.clone(), network),
            (format!("{far}/virtualNetworkPeerings/other"), lends),
            (exchange.path.clone(), writable(&exchange.response_body)),
        ] {
            let asked = Asked {
                method: "PUT".to_owned(),
                path,
                query: exchange.query.clone(),
                tenant: Some("one".to_owned()),
                others: Vec::new(),
                body,
            };
            let (answer, _) = self.state.answer(&asked);
            assert!(answer.status < 300, "{answer:?}");
        }
    }

    fn learn(&mut self, exchange: &Exchange, answer: &Answer) {
        if let Some(operation) = exchange.begins() {
            let url = |name: &str| answer.headers.get(name).cloned();
            let urls = (url("azure-asyncoperation"), url("location"));
            self.urls.insert(operation.to_owned(), urls);
        }
    }

    fn headers(&self, exchange: &Exchange, answer: &Answer) -> Vec<String> {
        let mut wrong = Vec::new();
        for name in [
            "azure-asyncoperation",
            "location",
            "etag",
            "x-ms-failure-cause",
        ] {
            let recorded = exchange.response_headers.contains_key(name);
            // The result of a removal repeats where it was (out-of-sync#41): nobody needs that.
            let is_repeated = exchange.polls().is_some();
            if recorded != answer.headers.contains_key(name) && !is_repeated {
                wrong.push(format!("the header {name}: recorded {recorded}"));
            }
        }
        let recorded = exchange.response_headers.get("retry-after");
        let shown = answer.headers.get("retry-after");
        // Some recorders left it out; and how long polls are put off grows, and is not modelled.
        let is_told = recorded.is_some() && exchange.polls().is_none();
        if !self.leave.waits && is_told && recorded != shown {
            wrong.push(format!("retry-after {shown:?}, not {recorded:?}"));
        }
        wrong
    }
}

/// What is sent. A recording without bodies of requests says by its answer what was asked for.
fn body(exchange: &Exchange) -> Value {
    match (&exchange.request_body, exchange.method.as_str()) {
        (Value::Null, "PUT") => writable(&exchange.response_body),
        (sent, _) => sent.clone(),
    }
}

/// A resource as it could be put.
fn writable(shown: &Value) -> Value {
    let mut body = shown.as_object().cloned().unwrap_or_default();
    for member in ["id", "etag", "name", "type"] {
        body.remove(member);
    }
    let mut properties: Map<String, Value> =
        shown["properties"].as_object().cloned().unwrap_or_default();
    for member in [
        "provisioningState",
        "resourceGuid",
        "defaultSecurityRules",
        "virtualNetworkPeerings",
    ] {
        properties.remove(member);
    }
    body.insert("properties".to_owned(), properties.into());
    Value::Object(body)
}

fn replay(name: &str, leave: Leave) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    let mut recording: Recording = serde_json::from_str(&text).unwrap();
    recording.exchanges.sort_by_key(Exchange::at);
    let player = Player {
        state: State::default(),
        recording: &recording.exchanges,
        leave,
        urls: BTreeMap::new(),
        played: 0,
        complaints: Vec::new(),
    };
    let (played, complaints) = player.play();
    assert!(played > 5, "{played} exchanges were played");
    assert!(
        complaints.is_empty(),
        "{} of {played} exchanges differ:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

macro_rules! replays {
    ($($test:ident: $file:literal, $leave:expr;)+) => {
        $(#[test]
        fn $test() {
            replay($file, $leave);
        })+
    };
}

replays! {
    the_life_of_a_pair_with_an_out_of_sync_phase: "peering-out-of-sync", NOTHING;
    gateway_transit_in_2020: "peering-lifecycle-gateway-2020", NOTHING;
    gateway_transit_in_2021: "peering-lifecycle-gateway-2021", NOTHING;
    a_sync_of_a_pair_that_is_in_sync: "peering-sync-in-sync-gateway-2022", NOTHING;
    signed_operations_of_2024: "peering-sync-signed-operations-2024", NOTHING;
    a_half_that_is_disconnected: "peering-lifecycle-disconnected-2020", WAITS;
    both_halves_removed_at_once: "peering-lifecycle-retry-after-2019", NOTHING;
    the_least_body_and_what_is_ignored_in_one: "peering-network-watcher-2018", NOTHING;
    halves_in_two_resource_groups: "peering-different-resource-groups-2018", NOTHING;
    a_first_half_alone: "peering-first-half-2022", NOTHING;
    networks_and_their_subnets: "vnet-subnets-2020", GONE_ALREADY;
    a_subnet_with_a_security_group: "vnet-subnet-nsg-2020", NOTHING;
    a_network_that_is_put_again: "vnet-caching-2020", OVER_ALREADY;
    subnets_that_are_put_again: "subnet-set-2020", NOTHING;
    security_groups_and_their_rules: "nsg-2020", NOTHING;
    rules_with_several_prefixes: "nsg-augmented-rules-2020", NOTHING;
    route_tables_and_routes: "route-table-2020", NOTHING;
    a_route_table_whose_tags_are_changed: "route-table-2022", NOTHING;
}
