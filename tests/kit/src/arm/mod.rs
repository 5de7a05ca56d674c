//! A Resource Manager of our own: networks, subnets, peerings, interfaces, security groups and
//! route tables as Azure was recorded to answer for them.
//!
//! Each rule names the recording or the fact that it follows (`tests/golden/clouds`); where there
//! is none, it says so. Time is told: nothing ends before somebody moves the clock, or before so
//! many requests have come as each of them is worth. Requests are answered in this process
//! ([`State::answer`]) or over HTTP on loopback, which [`FakeArm::start`] serves.

mod endpoints;
mod halves;
mod polls;
mod resources;
mod server;
mod shown;
mod signed;

pub use endpoints::endpoints;
pub use resources::{Child, Operation, Outcome, Parent};
pub use server::{FakeArm, SECRET};

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A request as the service sees it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `GET`, `PUT`, `DELETE`, `PATCH`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query as it was sent.
    pub query: BTreeMap<String, String>,
    /// The tenant that the token is of; `None` without a token.
    pub tenant: Option<String>,
    /// The tenants that further tokens are of.
    pub others: Vec<String>,
    /// The body, if it is JSON.
    pub body: Value,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; `Null` for none.
    pub body: Value,
}

impl Answer {
    /// A status and a body, and no header.
    #[must_use]
    pub fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: BTreeMap::new(),
            body,
        }
    }

    /// With a header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.insert(name.to_owned(), value.to_string());
        self
    }

    /// An error of the network provider: it has `details`.
    #[must_use]
    pub fn error(status: u16, code: &str, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let error = json!({"code": code, "message": message, "details": []});
        Self::new(status, json!({ "error": error }))
    }

    /// An error of the manager itself: it has none, and says by a header where it comes from
    /// (out-of-sync#2).
    #[must_use]
    pub fn of_manager(status: u16, code: &str, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let error = json!({"code": code, "message": message});
        Self::new(status, json!({ "error": error })).header("x-ms-failure-cause", "gateway")
    }
}

/// What happens to one request on its way.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is carried out, and its answer is lost.
    Lost,
    /// It is answered so, and not carried out.
    Refused(Answer),
    /// It is taken on, and its operation ends with this error.
    EndsWith(Value),
}

/// How the service goes about what takes a while.
#[derive(Clone, Debug)]
pub struct Pace {
    /// How many seconds an operation takes.
    pub takes: u64,
    /// How many seconds each request is worth.
    pub tick: u64,
    /// What answers ask to wait; `None` for what was recorded for the kind of resource.
    pub retry_after: Option<u64>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            takes: 2,
            tick: 1,
            retry_after: Some(0),
        }
    }
}

/// Everything that the service has.
#[derive(Debug, Default)]
pub struct State {
    /// Seconds since the beginning.
    pub now: u64,
    /// How it goes about what takes a while.
    pub pace: Pace,
    /// Resources with their children, by their ids in lower case.
    pub parents: BTreeMap<String, Parent>,
    /// Operations, by their ids.
    pub operations: BTreeMap<Uuid, Operation>,
    /// In which tenant each subscription is.
    pub tenants: BTreeMap<String, String>,
    /// What a role permits in a tenant, as the printed one says it; where there is none,
    /// everything.
    pub roles: BTreeMap<String, Vec<String>>,
    /// Tenants in which an action is not permitted, like `virtualNetworkPeerings/write`.
    pub denied: Vec<(String, String)>,
    /// What happens to the next request of this method with this in its path.
    pub faults: Vec<(String, String, Fault)>,
    /// Every request that came.
    pub seen: Vec<Asked>,
    /// What network managers have in force at VNets, by the VNets' ids in lower case.
    pub managed: BTreeMap<String, Vec<Value>>,
    /// How much of a list is answered at once; `None` for all of it.
    pub page: Option<usize>,
    /// The VNets that have a gateway, by their ids in lower case.
    pub gateways: Vec<String>,
    /// What subscriptions allow in every region that have other quotas than all, by their ids in
    /// lower case and by the names of the quotas.
    pub limits: BTreeMap<(String, String), i64>,
    /// The guid that the next resource gets.
    pub next_guid: Option<Uuid>,
    /// The guid that halves are shown with, in the place of their pair's.
    pub pair_guid: Option<Uuid>,
    made: u128,
}

impl State {
    /// An id that was not given before.
    fn fresh(&mut self) -> Uuid {
        self.made += 1;
        Uuid::from_u128(0xa0a0_0000_0000_4000_8000_0000_0000_0000 + self.made)
    }

    fn etag(&mut self) -> String {
        format!("W/\"{}\"", self.fresh())
    }

    /// Answers a request, after what is due has happened.
    pub fn answer(&mut self, asked: &Asked) -> (Answer, bool) {
        self.seen.push(asked.clone());
        self.now += self.pace.tick;
        self.pass();
        let is_meant = |(method, path, _): &(String, String, Fault)| {
            *method == asked.method
                && asked
                    .path
                    .to_ascii_lowercase()
                    .contains(&path.to_ascii_lowercase())
        };
        let fault = self.faults.iter().position(is_meant);
        match fault.map(|at| self.faults.remove(at).2) {
            None => (self.route(asked), false),
            Some(Fault::Lost) => (self.route(asked), true),
            Some(Fault::Refused(answer)) => (answer, false),
            Some(Fault::EndsWith(error)) => {
                let answer = self.route(asked);
                let last = self.operations.values_mut().max_by_key(|it| it.number);
                let failed = last.map(|it| it.fail(error));
                if let Some(Outcome::HalfPut(key, name)) = failed.filter(|_| answer.status == 201) {
                    self.half_fails(&key, &name);
                }
                (answer, false)
            }
        }
    }

    fn route(&mut self, asked: &Asked) -> Answer {
        let words: Vec<&str> = asked.path.split('/').skip(1).collect();
        let is = |at: usize, word: &str| {
            let found: Option<&&str> = words.get(at);
            found.is_some_and(|it| it.eq_ignore_ascii_case(word))
        };
        if !is(0, "subscriptions") {
            return Answer::of_manager(404, "InvalidResourceType", "no such path");
        }
        let subscription = words.get(1).copied().unwrap_or_default();
        if let Some(refused) = self.who(asked, subscription) {
            return refused;
        }
        if !asked.query.contains_key("api-version") {
            let words = "The api-version query parameter is required";
            return Answer::of_manager(400, "MissingApiVersionParameter", words);
        }
        if is(4, "locations") && (is(6, "operations") || is(6, "operationResults")) {
            let tenant = asked.tenant.as_deref().unwrap_or_default();
            let action = format!("locations/{}/read", words[6]);
            if let Some(refused) = self.may(tenant, &action) {
                return refused;
            }
            return self.operation(asked, is(6, "operations"), words.get(7).copied());
        }
        if words.len() == 7 && is(4, "locations") && is(6, "usages") {
            return self.usages(asked, subscription, words[5]);
        }
        if words.len() == 5 && is(2, "providers") {
            return self.list(asked, words[4]);
        }
        if words.len() < 7 || !is(2, "resourceGroups") {
            return Answer::of_manager(404, "InvalidResourceType", "no such resource");
        }
        self.resource(asked, &words)
    }

    /// Whether the caller may call at all. Without a token, the tenant is told: known of Resource
    /// Manager, not recorded.
    fn who(&self, asked: &Asked, subscription: &str) -> Option<Answer> {
        let Some(owner) = self.tenants.get(&subscription.to_ascii_lowercase()) else {
            let words = format!("The subscription '{subscription}' could not be found.");
            return Some(Answer::of_manager(404, "SubscriptionNotFound", words));
        };
        let Some(tenant) = &asked.tenant else {
            let uri = format!("https://login.windows.net/{owner}");
            let challenge = format!("Bearer authorization_uri=\"{uri}\", error=\"invalid_token\"");
            let words = "Authentication failed. The 'Authorization' header is missing.";
            let answer = Answer::of_manager(401, "AuthenticationFailed", words);
            return Some(answer.header("www-authenticate", challenge));
        };
        if !tenant.eq_ignore_ascii_case(owner) {
            let words = format!("The access token is from the wrong issuer {tenant}.");
            return Some(Answer::of_manager(
                401,
                "InvalidAuthenticationTokenTenant",
                words,
            ));
        }
        None
    }

    /// What may be had of each thing. Documented, not recorded: the published example of
    /// `Usages_List` has these members and names; the numbers are the usual limits.
    fn usages(&self, asked: &Asked, subscription: &str, location: &str) -> Answer {
        if asked.method != "GET" {
            return Answer::of_manager(405, "MethodNotAllowed", "no such method");
        }
        let tenant = asked.tenant.clone().unwrap_or_default();
        if let Some(refused) = self.may(&tenant, "locations/usages/read") {
            return refused;
        }
        let key = |name: &str| (subscription.to_ascii_lowercase(), name.to_owned());
        let one = |(name, words, limit): &(&str, &str, i64)| {
            let id = format!(
                "/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}/usages/{name}"
            );
            json!({
                "currentValue": 0,
                "id": id,
                "limit": self.limits.get(&key(name)).unwrap_or(limit),
                "name": {"localizedValue": words, "value": name},
                "unit": "Count",
            })
        };
        let all: Vec<_> = USAGES.iter().map(one).collect();
        Answer::new(200, json!({ "value": all }))
    }

    /// Whether this tenant may do that. An answer of the manager (errors-recorded).
    fn may(&self, tenant: &str, action: &str) -> Option<Answer> {
        let mut denied = self.denied.iter();
        let is_denied = denied.any(|(of, what)| of == tenant && action.contains(what.as_str()));
        let whole = format!("Microsoft.Network/{action}");
        let lacks = |role: &Vec<String>| !role.iter().any(|it| it.eq_ignore_ascii_case(&whole));
        let is_denied = is_denied || self.roles.get(tenant).is_some_and(lacks);
        let words = format!(
            "The client does not have authorization to perform action 'Microsoft.Network/{action}'"
        );
        is_denied.then(|| Answer::of_manager(403, "AuthorizationFailed", words))
    }
}

/// Quotas by name, in words, and what is usual.
const USAGES: [(&str, &str, i64); 6] = [
    ("VirtualNetworks", "Virtual Networks", 1000),
    ("NetworkSecurityGroups", "Network Security Groups", 5000),
    ("RouteTables", "Route Tables", 200),
    (
        "PeeringsPerVirtualNetwork",
        "Peerings per Virtual Network",
        500,
    ),
    (
        "SecurityRulesPerNetworkSecurityGroup",
        "Security rules per Network Security Group",
        1000,
    ),
    ("RoutesPerRouteTable", "Routes per Route Table", 400),
];

/// The value at this path of members.
fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    let steps = path.split('.');
    steps.fold(value, |it, step| it.get(step).unwrap_or(&Value::Null))
}

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// The texts of a list.
fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().cloned().unwrap_or_default();
    let text = |it: Value| it.as_str().map(str::to_owned);
    items.into_iter().filter_map(text).collect()
}
