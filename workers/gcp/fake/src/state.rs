//! What exists, and what happens to whom next.

use crate::{
    answers::Reply,
    faults::{Fault, Temper},
    world::{FakeNetwork, FakeRoute, FakeSubnet, Firewalls, Running},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// One call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The service's name of the method, like `networks.addPeering`.
    pub method: String,
    /// The project.
    pub project: String,
    /// The method of HTTP.
    pub http: String,
    /// The path and the query.
    pub url: String,
    /// What was sent; nothing, or JSON.
    pub body: Value,
    /// The status that it was answered with.
    pub status: u16,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) temper: Temper,
    /// How much time has passed since the beginning.
    pub(crate) now: Duration,
    /// The projects by id, with their numbers.
    pub(crate) projects: BTreeMap<String, String>,
    pub(crate) networks: Vec<FakeNetwork>,
    pub(crate) subnets: Vec<FakeSubnet>,
    pub(crate) routes: Vec<FakeRoute>,
    pub(crate) firewalls: Firewalls,
    pub(crate) operations: Vec<Running>,
    pub(crate) faults: Vec<(String, String, Fault)>,
    pub(crate) denied: BTreeSet<(String, String)>,
    /// What projects allow that have other quotas than usual, by their metrics.
    pub(crate) quotas: BTreeMap<(String, String), i64>,
    /// What the caller's role permits, by project; where there is none, everything.
    pub(crate) roles: BTreeMap<String, BTreeSet<String>>,
    /// The roles that projects have made, by their whole names.
    pub(crate) made_roles: BTreeMap<String, BTreeSet<String>>,
    pub(crate) token: Option<String>,
    pub(crate) most_on_page: usize,
    pub(crate) calls: Vec<Seen>,
    made: u64,
}

impl State {
    pub(crate) fn new(temper: Temper) -> Self {
        Self {
            temper,
            now: Duration::ZERO,
            projects: BTreeMap::new(),
            networks: Vec::new(),
            subnets: Vec::new(),
            routes: Vec::new(),
            firewalls: Firewalls::default(),
            operations: Vec::new(),
            faults: Vec::new(),
            denied: BTreeSet::new(),
            quotas: BTreeMap::new(),
            roles: BTreeMap::new(),
            made_roles: BTreeMap::new(),
            token: None,
            most_on_page: 500,
            calls: Vec::new(),
            made: 0,
        }
    }

    /// A number that nothing else has.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    pub(crate) fn project(&mut self, id: &str) {
        if !self.projects.contains_key(id) {
            let number = 123_456_000 + self.next_number();
            self.projects.insert(id.to_owned(), number.to_string());
        }
    }

    /// The id of a project that is named by its id or its number. Recorded: a number in the path is
    /// taken (gcp-service-networking-2024, 43).
    pub(crate) fn project_named(&self, named: &str) -> Result<String, Reply> {
        let is_it = |(id, number): &(&String, &String)| *id == named || *number == named;
        let found = self.projects.iter().find(is_it);
        let missing = || Reply::missing(&format!("projects/{named}"));
        found.map(|(id, _)| id.clone()).ok_or_else(missing)
    }

    pub(crate) fn prepare(&mut self, project: &str, method: &str, fault: Fault) {
        self.faults
            .push((project.to_owned(), method.to_owned(), fault));
    }

    pub(crate) fn prepared(&mut self, project: &str, method: &str) -> Option<Fault> {
        let is_it = |it: &(String, String, Fault)| it.0 == project && it.1 == method;
        let index = self.faults.iter().position(is_it)?;
        Some(self.faults.remove(index).2)
    }

    pub(crate) fn deny(&mut self, project: &str, permission: &str) {
        self.denied
            .insert((project.to_owned(), permission.to_owned()));
    }

    pub(crate) fn permit(&mut self, project: &str) {
        self.denied.retain(|(denied, _)| denied != project);
        self.roles.remove(project);
    }

    pub(crate) fn has(&self, project: &str, permission: &str) -> bool {
        let wanted = (project.to_owned(), permission.to_owned());
        let role = self.roles.get(project);
        !self.denied.contains(&wanted) && role.is_none_or(|it| it.contains(permission))
    }

    /// Lets time pass, and what was due by then happen, in the order in which it was begun.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.end_operations();
    }
}
