//! A Compute server for tests: networks, peerings, subnets, routes, firewalls and operations, on a
//! loopback port.
//!
//! It does what the recordings of the real service show (`recordings/`, replayed against it by the
//! tests), and beside that what is documented or reported; each rule says which. Where neither
//! says anything it does what is harder on a client. Time is told: an operation ends when that much
//! time has passed, or when it has been asked about often enough.

#![warn(missing_docs)]

mod answers;
mod calls;
mod faults;
mod firewalls;
mod iam;
mod methods;
mod networks;
mod operations;
mod peerings;
mod quotas;
mod server;
mod state;
mod world;

pub use answers::Reply;
pub use faults::{Fault, Temper};
pub use methods::{METHODS, OF_IAM};
pub use state::Seen;
pub use world::Half;

use parking_lot::Mutex;
use serde_json::Value;
use state::State;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};

/// The server, and what people do to its world out of band. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeCompute {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

impl Drop for FakeCompute {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl FakeCompute {
    /// A server with an empty world, on a free port.
    ///
    /// # Panics
    /// If this machine has no free port.
    pub async fn start(temper: Temper) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::new(temper)));
        let serving = tokio::spawn(server::serve(listener, Arc::clone(&state)));
        Self {
            address,
            state,
            serving,
        }
    }

    /// Where Compute is.
    pub fn endpoint(&self) -> String {
        format!("http://{}/compute/v1", self.address)
    }

    /// Where the Resource Manager is.
    pub fn resource_manager(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The server's address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        self.state.lock().pass(time);
    }

    /// A project, which has a number beside its id.
    pub fn project(&self, id: &str) {
        self.state.lock().project(id);
    }

    /// A project with a number of its own.
    pub fn project_with_number(&self, id: &str, number: &str) {
        let mut state = self.state.lock();
        state.projects.insert(id.to_owned(), number.to_owned());
    }

    /// A network without any subnet, as it is once its operation is done.
    pub fn network(&self, project: &str, name: &str) {
        self.state.lock().add_network(project, name);
    }

    /// A subnet of a network.
    pub fn subnet(&self, project: &str, network: &str, region: &str, name: &str, range: &str) {
        let mut state = self.state.lock();
        state.add_subnet(project, network, region, name, range);
    }

    /// Changes what a network says of itself.
    pub fn set_network(&self, project: &str, network: &str, member: &str, value: Value) {
        self.state
            .lock()
            .set_network(project, network, member, value);
    }

    /// A firewall rule as somebody has made it.
    pub fn firewall(&self, project: &str, rule: Value) {
        self.state.lock().put_firewall(project, rule);
    }

    /// Takes a firewall rule away.
    pub fn drop_firewall(&self, project: &str, name: &str) {
        self.state.lock().drop_firewall(project, name);
    }

    /// The policies that count for a network.
    pub fn policies(&self, project: &str, network: &str, policies: Value) {
        self.state.lock().set_policies(project, network, policies);
    }

    /// The policies that count for a network's machines in one region.
    pub fn regional_policies(&self, project: &str, network: &str, region: &str, all: Value) {
        self.state
            .lock()
            .set_regional(project, network, region, all);
    }

    /// A route of a network to something else.
    pub fn route(&self, project: &str, network: &str, name: &str, destination: &str) {
        let mut state = self.state.lock();
        state.add_route(project, network, name, destination);
    }

    /// Somebody's half, made by hand.
    pub fn half(&self, project: &str, network: &str, half: Half) {
        self.state.lock().put_half(project, network, half);
    }

    /// Somebody removes a half by hand.
    pub fn drop_half(&self, project: &str, network: &str, name: &str) {
        self.state.lock().drop_half(project, network, name);
    }

    /// The next call of this method in this project has this happen to it.
    pub fn prepare(&self, project: &str, method: &str, fault: Fault) {
        self.state.lock().prepare(project, method, fault);
    }

    /// From now on the project allows this many of what the metric counts.
    pub fn set_quota(&self, project: &str, metric: &str, value: i64) {
        let key = (project.to_owned(), metric.to_owned());
        self.state.lock().quotas.insert(key, value);
    }

    /// Where the Cloud Quotas API is.
    pub fn cloud_quotas(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on the caller lacks this permission in this project.
    pub fn deny(&self, project: &str, permission: &str) {
        self.state.lock().deny(project, permission);
    }

    /// From now on the caller has these permissions in this project and no other.
    pub fn permit_only(&self, project: &str, permissions: &[&str]) {
        let permissions = permissions.iter().map(|it| (*it).to_owned()).collect();
        let role = (project.to_owned(), permissions);
        self.state.lock().roles.extend([role]);
    }

    /// The caller has every permission in this project again.
    pub fn permit(&self, project: &str) {
        self.state.lock().permit(project);
    }

    /// Only this token is taken from now on.
    pub fn take_only(&self, token: &str) {
        self.state.lock().token = Some(token.to_owned());
    }

    /// The most things on one page from now on.
    pub fn small_pages(&self, most: usize) {
        self.state.lock().most_on_page = most;
    }

    /// The calls since the last time, in order; they are not kept.
    pub fn take_calls(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.lock().calls)
    }

    /// Every call so far, in order.
    pub fn calls(&self) -> Vec<Seen> {
        self.state.lock().calls.clone()
    }

    /// What a method would answer, without any wire.
    pub fn answer(&self, method: &str, path_and_query: &str, body: &[u8]) -> Reply {
        let mut state = self.state.lock();
        calls::answer(&mut state, method, path_and_query, body)
    }

    /// The halves that a network has, by their names.
    pub fn halves_of(&self, project: &str, network: &str) -> Vec<Half> {
        self.state.lock().halves_of(project, network)
    }

    /// The numbers that the service keeps a project and one of its networks under.
    ///
    /// # Panics
    /// If there is no such network.
    pub fn numbers_of(&self, project: &str, network: &str) -> (String, String) {
        let state = self.state.lock();
        let found = state.networks.iter().find(|it| it.is(project, network));
        let number = found.expect("a network").number;
        (state.projects[project].clone(), number.to_string())
    }

    /// A firewall rule as it is.
    pub fn firewall_named(&self, project: &str, name: &str) -> Option<Value> {
        self.state.lock().show_firewall(project, name).ok()
    }

    /// Somebody sets something on a half by hand.
    pub fn set_half(&self, project: &str, network: &str, name: &str, members: &Value) {
        let mut state = self.state.lock();
        let halves = state
            .networks
            .iter_mut()
            .filter(|it| it.is(project, network));
        let halves = halves.flat_map(|it| it.halves.iter_mut());
        let found = halves.filter(|it| it.name == name);
        found.for_each(|it| it.set(members));
    }

    /// The names of a project's firewall rules.
    pub fn firewalls_of(&self, project: &str) -> Vec<String> {
        self.state.lock().firewall_names(project)
    }
}
