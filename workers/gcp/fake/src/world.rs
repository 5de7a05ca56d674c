//! The things that exist: networks with their halves, subnets, routes, rules, and changes that are
//! under way.

use serde_json::{Map, Value};
use std::{collections::BTreeMap, time::Duration};

/// The rules of all projects, by project and name.
pub(crate) type Firewalls = BTreeMap<(String, String), Value>;

/// One network's half of a peering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Half {
    /// Its name.
    pub name: String,
    /// The network that it is to be connected to, from `projects/` on.
    pub network: String,
    /// Whether it exports custom routes.
    pub exports: bool,
    /// Whether it imports custom routes.
    pub imports: bool,
    /// Whether it exports the routes of subnets with public addresses.
    pub exports_public: bool,
    /// Whether it imports the routes of subnets with public addresses.
    pub imports_public: bool,
    /// The stack type.
    pub stack: String,
    /// `INDEPENDENT` or `CONSENSUS`.
    pub strategy: String,
    /// Whether its owner has asked for the end of a peering that ends by agreement.
    pub asked_to_end: bool,
}

impl Half {
    /// A half as the service makes it where nothing more is said. Recorded: gcp-peering-one-half-
    /// 2026, 12; the routes of public subnets are exported by default as documented.
    pub fn new(name: &str, network: &str) -> Self {
        Self {
            name: name.to_owned(),
            network: network.to_owned(),
            exports: false,
            imports: false,
            exports_public: true,
            imports_public: false,
            stack: "IPV4_ONLY".to_owned(),
            strategy: "INDEPENDENT".to_owned(),
            asked_to_end: false,
        }
    }

    pub(crate) fn set(&mut self, body: &Value) {
        let flag = |member: &str, was: bool| body[member].as_bool().unwrap_or(was);
        self.exports = flag("exportCustomRoutes", self.exports);
        self.imports = flag("importCustomRoutes", self.imports);
        self.exports_public = flag("exportSubnetRoutesWithPublicIp", self.exports_public);
        self.imports_public = flag("importSubnetRoutesWithPublicIp", self.imports_public);
        for (member, to) in [
            ("stackType", &mut self.stack),
            ("updateStrategy", &mut self.strategy),
        ] {
            if let Some(text) = body[member].as_str() {
                text.clone_into(to);
            }
        }
    }
}

/// A change of one network's halves.
#[derive(Clone, Debug)]
pub(crate) struct PeeringChange {
    pub(crate) what: What,
    /// The other network, which is busy as long.
    pub(crate) other: String,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Add(Half),
    Set(String, Value),
    Remove(String),
    AskToEnd(String),
}

#[derive(Clone, Debug)]
pub(crate) struct FakeNetwork {
    pub(crate) project: String,
    pub(crate) name: String,
    /// The number that the service keeps it under.
    pub(crate) number: u64,
    pub(crate) members: Map<String, Value>,
    pub(crate) halves: Vec<Half>,
    /// What is shown of the halves by that many reads more.
    pub(crate) stale: (usize, Vec<Half>),
    pub(crate) policies: Value,
    /// The policies of its regions.
    pub(crate) regional: BTreeMap<String, Value>,
}

impl FakeNetwork {
    pub(crate) fn is(&self, project: &str, named: &str) -> bool {
        self.project == project && (self.name == named || self.number.to_string() == named)
    }

    /// From `projects/` on.
    pub(crate) fn path(&self) -> String {
        format!("projects/{}/global/networks/{}", self.project, self.name)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct FakeSubnet {
    pub(crate) project: String,
    pub(crate) network: String,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) range: String,
}

#[derive(Clone, Debug)]
pub(crate) struct FakeRoute {
    pub(crate) project: String,
    pub(crate) network: String,
    pub(crate) name: String,
    pub(crate) destination: String,
}

/// What an operation does once it ends.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Peering(PeeringChange),
    Firewall(Value),
    PatchFirewall(String, Value),
    DropFirewall(String),
    Network(Value),
    DropNetwork(String),
    Subnet(Value),
}

#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) name: String,
    pub(crate) project: String,
    pub(crate) kind: &'static str,
    /// The thing that it changes, from `projects/` on.
    pub(crate) target: String,
    pub(crate) region: Option<String>,
    pub(crate) request: Option<String>,
    pub(crate) ends_at: Duration,
    pub(crate) looks: usize,
    pub(crate) effect: Option<Effect>,
    pub(crate) error: Option<(String, String)>,
    pub(crate) is_over: bool,
    /// The quota that it met, if it met one.
    pub(crate) limit: usize,
}
