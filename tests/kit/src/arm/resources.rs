//! Resources and their children: made, shown, changed and removed, as all of them are.

use super::{Answer, Asked, State, at, map, signed, texts};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A resource of a group: a VNet, a network security group, a route table.
#[derive(Clone, Debug)]
pub struct Parent {
    /// Its id, in the spelling of its maker.
    pub id: String,
    /// Like `virtualNetworks`.
    pub kind: String,
    /// Its own guid; a peering's is made of two of them.
    pub guid: Uuid,
    /// One for the resource and all its children (README 2.5).
    pub etag: String,
    /// What it was put with, without children.
    pub body: Map<String, Value>,
    /// Its children, in the order of their making.
    pub children: Vec<Child>,
    /// The operation that changes it.
    pub operation: Option<Uuid>,
}

/// What is below a resource: a subnet, a peering, a rule, a route.
#[derive(Clone, Debug)]
pub struct Child {
    /// Like `subnets`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it was put with; of a peering, what it is.
    pub properties: Map<String, Value>,
    /// The operation that changes it.
    pub operation: Option<Uuid>,
}

/// A change that takes a while.
#[derive(Clone, Debug)]
pub struct Operation {
    pub(super) number: u128,
    /// When it ends.
    pub ends_at: u64,
    /// What it comes to.
    pub outcome: Outcome,
    pub(super) other: Option<String>,
    /// Whether the request that began it is still being answered: it says that it goes on, however
    /// soon it ends.
    pub(super) is_fresh: bool,
}

/// What an operation comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// What was put stays.
    Put,
    /// The resource with this id in lower case goes.
    Removed(String),
    /// The child of this kind and name of that resource goes.
    RemovedChild(String, String, String),
    /// A peering is in place: its other half learns of it.
    HalfPut(String, String),
    /// It ended with an error.
    Failed(Value),
    /// It has ended, and what it comes to has happened.
    Over,
}

impl Operation {
    /// It will end with this error, and change nothing of what it would have come to.
    pub(super) fn fail(&mut self, error: Value) -> Outcome {
        std::mem::replace(&mut self.outcome, Outcome::Failed(error))
    }
}

/// The kinds of resources, each with the kinds of its children.
pub(super) const KINDS: [(&str, &[&str]); 4] = [
    ("virtualNetworks", &["subnets", HALVES]),
    ("networkInterfaces", &[]),
    ("networkSecurityGroups", &["securityRules"]),
    ("routeTables", &["routes"]),
];

/// What is asked of a VNet about network managers.
pub(super) const MANAGED: &str = "listNetworkManagerEffectiveConnectivityConfigurations";

pub(super) const HALVES: &str = "virtualNetworkPeerings";

/// What answers ask to wait before the first poll (README 2.3).
fn recorded_wait(kind: &str, is_removed: bool) -> Option<u64> {
    match (kind, is_removed) {
        (HALVES, _) => Some(10),
        ("virtualNetworks", true) => Some(10),
        ("virtualNetworks" | "subnets", _) => Some(3),
        ("routeTables" | "routes", _) => Some(2),
        _ => None,
    }
}

/// What a method does, in the words of actions.
fn verb(method: &str) -> &'static str {
    match method {
        "GET" => "read",
        "DELETE" => "delete",
        _ => "write",
    }
}

impl State {
    pub(super) fn resource(&mut self, asked: &Asked, words: &[&str]) -> Answer {
        let group = words.get(3).copied().unwrap_or_default();
        let (kind, name) = (words[6], words.get(7).copied());
        let Some((kind, children)) = KINDS.iter().find(|(it, _)| it.eq_ignore_ascii_case(kind))
        else {
            return Answer::of_manager(404, "InvalidResourceType", "no such type");
        };
        let tenant = asked.tenant.clone().unwrap_or_default();
        let verb = verb(&asked.method);
        let refused = self.may(&tenant, &format!("{kind}/{verb}"));
        if let Some(refused) = refused.filter(|_| words.len() <= 8) {
            return refused;
        }
        let Some(name) = name else {
            return self.list(asked, kind);
        };
        let id = format!("/{}", words[..8].join("/"));
        let key = id.to_ascii_lowercase();
        match (words.get(8), words.get(9), asked.method.as_str()) {
            (None, _, "GET") => match self.parents.get(&key) {
                Some(parent) => {
                    let body = self.show(parent, asked);
                    Answer::new(200, body).header("etag", &parent.etag)
                }
                // The manager knows tracked resources, and answers itself (out-of-sync#2).
                None => Answer::of_manager(
                    404,
                    "ResourceNotFound",
                    format!(
                        "The Resource 'Microsoft.Network/{kind}/{name}' under resource group \
                         '{group}' was not found."
                    ),
                ),
            },
            (None, _, "PUT") => self.put(asked, kind, &id),
            (None, _, "PATCH") => self.patch(asked, &key),
            (None, _, "DELETE") => self.remove(asked, kind, &key),
            (Some(what), None, "POST") if what.eq_ignore_ascii_case(MANAGED) => {
                let action = format!("{kind}/{MANAGED}/action");
                let refused = self.may(&tenant, &action);
                refused.unwrap_or_else(|| self.managed(asked, &key))
            }
            (Some(child), name, method) => {
                let Some(child) = children.iter().find(|it| it.eq_ignore_ascii_case(child)) else {
                    return Answer::of_manager(404, "InvalidResourceType", "no such type");
                };
                if let Some(refused) = self.may_child(asked, kind, child) {
                    return refused;
                }
                match (name, method) {
                    (None, "GET") => self.list_children(asked, &key, child),
                    (Some(name), "GET") => self.get_child(asked, (&id, &key), child, name),
                    (Some(name), "PUT") => self.put_child(asked, &id, child, name),
                    (Some(name), "DELETE") => self.remove_child(asked, &key, child, name),
                    _ => Answer::of_manager(405, "MethodNotAllowed", "no such method"),
                }
            }
            _ => Answer::of_manager(405, "MethodNotAllowed", "no such method"),
        }
    }

    /// What network managers have in force at a VNet. Documented, not recorded: the list goes on
    /// with a word that is asked for in the body.
    fn managed(&self, asked: &Asked, key: &str) -> Answer {
        if !self.parents.contains_key(key) {
            return Answer::of_manager(404, "ResourceNotFound", "not found");
        }
        let all = self.managed.get(key).cloned().unwrap_or_default();
        let from = asked.body["skipToken"].as_str();
        let from: usize = from.and_then(|it| it.parse().ok()).unwrap_or_default();
        let page = self.page.unwrap_or(usize::MAX);
        let shown: Vec<_> = all.iter().skip(from).take(page).collect();
        let mut body = json!({ "value": shown });
        if all.len().saturating_sub(from) > page {
            body["skipToken"] = (from + page).to_string().into();
        }
        Answer::new(200, body)
    }

    fn may_child(&self, asked: &Asked, kind: &str, child: &str) -> Option<Answer> {
        let verb = verb(&asked.method);
        let tenant = asked.tenant.clone().unwrap_or_default();
        self.may(&tenant, &format!("{kind}/{child}/{verb}"))
    }

    /// Those of a subscription, or of a group.
    pub(super) fn list(&self, asked: &Asked, kind: &str) -> Answer {
        let of = asked.path.to_ascii_lowercase();
        let (of, _) = of.split_once("/providers/").unwrap_or_default();
        let of = format!("{of}/");
        let all = self
            .parents
            .iter()
            .filter(|(key, it)| it.kind.eq_ignore_ascii_case(kind) && key.starts_with(&of));
        let from = asked.query.get("$skiptoken");
        let from: usize = from.and_then(|it| it.parse().ok()).unwrap_or_default();
        let all: Vec<_> = all.skip(from).collect();
        let page = self.page.unwrap_or(usize::MAX);
        let shown = all.iter().take(page).map(|(_, it)| self.show(it, asked));
        let mut body = json!({ "value": shown.collect::<Vec<_>>() });
        // No recording has a list that goes on; that it does so with a whole URL is documented.
        if all.len() > page {
            let base = asked.query.get(" base").cloned().unwrap_or_default();
            let version = &asked.query["api-version"];
            let (path, next) = (&asked.path, from + page);
            let next = format!("{base}{path}?api-version={version}&$skiptoken={next}");
            body["nextLink"] = next.into();
        }
        Answer::new(200, body)
    }

    /// A change that has begun; the answer says where to ask about it.
    pub(super) fn begin(
        &mut self,
        asked: &Asked,
        (kind, id): (&str, &str),
        outcome: Outcome,
        other: Option<String>,
        answer: Answer,
    ) -> (Answer, Uuid) {
        let operation = self.fresh();
        let is_removed = matches!(outcome, Outcome::Removed(_) | Outcome::RemovedChild(..));
        let number = self.made;
        self.operations.insert(
            operation,
            Operation {
                number,
                ends_at: self.now + self.pace.takes,
                outcome,
                other,
                is_fresh: true,
            },
        );
        let subscription = id.split('/').nth(2).unwrap_or_default().to_owned();
        let parent: String = id.split('/').take(9).collect::<Vec<_>>().join("/");
        let parent = self.parents.get(&parent.to_ascii_lowercase());
        let location = parent.and_then(|it| it.body.get("location")?.as_str().map(str::to_owned));
        let location = location.unwrap_or_else(|| "westus".to_owned());
        let location = location.to_lowercase().replace(' ', "");
        let base = asked.query.get(" base").cloned().unwrap_or_default();
        let url = |what| signed::url(&base, &subscription, &location, operation, what);
        let mut answer = answer.header("azure-asyncoperation", url("operations"));
        if is_removed {
            answer = answer.header("location", url("operationResults"));
        }
        let wait = self.pace.retry_after.or(recorded_wait(kind, is_removed));
        if let Some(wait) = wait {
            answer = answer.header("retry-after", wait);
        }
        // Tracked resources always, peerings only lately (README 2.3).
        if KINDS.iter().any(|(it, _)| *it == kind) {
            answer = answer.header("azure-asyncnotification", "Enabled");
        }
        (answer, operation)
    }

    /// What is put new is answered with 201, what was there with 200, and both may be updating.
    fn put(&mut self, asked: &Asked, kind: &str, id: &str) -> Answer {
        let key = id.to_ascii_lowercase();
        let guid = self.next_guid.take();
        let (guid, etag) = (guid.unwrap_or_else(|| self.fresh()), self.etag());
        let mut body = map(&asked.body);
        let given = map(&asked.body["properties"]);
        let status = if self.parents.contains_key(&key) {
            200
        } else {
            201
        };
        let children: &[&str] = KINDS
            .iter()
            .find(|(it, _)| *it == kind)
            .map_or(&[], |(_, it)| *it);
        let mut properties = given.clone();
        for child in children {
            properties.remove(*child);
        }
        body.insert("properties".to_owned(), Value::Object(properties));
        let parent = self.parents.entry(key.clone()).or_insert_with(|| Parent {
            id: id.to_owned(),
            kind: kind.to_owned(),
            guid,
            etag: etag.clone(),
            body: Map::new(),
            children: Vec::new(),
            operation: None,
        });
        parent.body = body;
        parent.etag = etag;
        // A list of peerings in a VNet's body takes none away (out-of-sync#23). Another child that
        // is not in its list goes.
        for child in children.iter().filter(|it| **it != HALVES) {
            if let Some(list) = given.get(*child).and_then(Value::as_array) {
                let kept = std::mem::take(&mut parent.children);
                parent.children = kept.into_iter().filter(|it| it.kind != *child).collect();
                parent.children.extend(list.iter().map(|it| Child {
                    kind: (*child).to_owned(),
                    name: it["name"].as_str().unwrap_or_default().to_owned(),
                    properties: map(&it["properties"]),
                    operation: None,
                }));
            }
        }
        let answer = Answer::new(status, Value::Null);
        let (mut answer, operation) = self.begin(asked, (kind, id), Outcome::Put, None, answer);
        if let Some(parent) = self.parents.get_mut(&key) {
            parent.operation = Some(operation);
            let given = parent
                .children
                .iter_mut()
                .filter(|it| it.operation.is_none());
            given.for_each(|it| it.operation = Some(operation));
        }
        self.touch_others(&key);
        answer.body = self
            .parents
            .get(&key)
            .map_or(Value::Null, |it| self.show(it, asked));
        answer
    }

    /// Tags are changed at once: no operation, but the sign of one that nobody needs
    /// (route-table-2022#12).
    fn patch(&mut self, asked: &Asked, key: &str) -> Answer {
        let etag = self.etag();
        let Some(parent) = self.parents.get_mut(key) else {
            return Answer::of_manager(404, "ResourceNotFound", "not found");
        };
        parent
            .body
            .insert("tags".to_owned(), asked.body["tags"].clone());
        parent.etag = etag;
        let shown = self
            .parents
            .get(key)
            .map_or(Value::Null, |it| self.show(it, asked));
        Answer::new(200, shown).header("azure-asyncnotification", "Enabled")
    }

    /// 202 with both URLs, or 204 where there is nothing (README 2.2).
    fn remove(&mut self, asked: &Asked, kind: &str, key: &str) -> Answer {
        if !self.parents.contains_key(key) {
            return Answer::new(204, Value::Null);
        }
        if let Some(user) = self.users(key).next() {
            let code = "InUseNetworkSecurityGroupCannotBeDeleted";
            return Answer::error(400, code, format!("{user} has it"));
        }
        let answer = Answer::new(202, Value::Null);
        let outcome = Outcome::Removed(key.to_owned());
        let id = asked.path.clone();
        self.begin(asked, (kind, &id), outcome, None, answer).0
    }

    fn list_children(&self, asked: &Asked, key: &str, child: &str) -> Answer {
        let Some(parent) = self.parents.get(key) else {
            return Answer::of_manager(404, "ResourceNotFound", "not found");
        };
        let all = parent.children.iter().filter(|it| it.kind == child);
        let shown: Vec<_> = all.map(|it| self.show_child(parent, it, asked)).collect();
        Answer::new(200, json!({ "value": shown }))
    }

    /// A child that is missing the provider says itself (out-of-sync#12).
    fn get_child(&self, asked: &Asked, (id, key): (&str, &str), child: &str, name: &str) -> Answer {
        let Some(parent) = self.parents.get(key) else {
            return Answer::of_manager(404, "ResourceNotFound", "not found");
        };
        match self.child(key, child, name) {
            Some(found) => {
                Answer::new(200, self.show_child(parent, found, asked)).header("etag", &parent.etag)
            }
            None => {
                let words = format!("Resource {id}/{child}/{name} not found.");
                Answer::error(404, "NotFound", words)
            }
        }
    }

    pub(super) fn child(&self, key: &str, kind: &str, name: &str) -> Option<&Child> {
        let mut children = self.parents.get(key)?.children.iter();
        children.find(|it| it.kind == kind && it.name.eq_ignore_ascii_case(name))
    }

    fn put_child(&mut self, asked: &Asked, id: &str, kind: &str, name: &str) -> Answer {
        let key = id.to_ascii_lowercase();
        if !self.parents.contains_key(&key) {
            let words = "Can not perform requested operation on nested resource.";
            return Answer::of_manager(404, "ParentResourceNotFound", words);
        }
        let (properties, outcome, other) = match kind {
            HALVES => match self.half(asked, &key, name) {
                Ok(half) => half,
                Err(refused) => return *refused,
            },
            "securityRules" => match self.rule(asked, &key, name) {
                None => (map(&asked.body["properties"]), Outcome::Put, None),
                Some(refused) => return refused,
            },
            _ => (map(&asked.body["properties"]), Outcome::Put, None),
        };
        let status = if self.child(&key, kind, name).is_some() {
            200
        } else {
            201
        };
        let answer = Answer::new(status, Value::Null);
        let whole = format!("{id}/{kind}/{name}");
        let (mut answer, operation) = self.begin(asked, (kind, &whole), outcome, other, answer);
        let etag = self.etag();
        if let Some(parent) = self.parents.get_mut(&key) {
            parent.etag = etag;
            let is_it = |it: &Child| it.kind == kind && it.name.eq_ignore_ascii_case(name);
            let made = Child {
                kind: kind.to_owned(),
                name: name.to_owned(),
                properties,
                operation: Some(operation),
            };
            match parent.children.iter_mut().find(|it| is_it(it)) {
                Some(there) => *there = made,
                None => parent.children.push(made),
            }
        }
        let parent = self.parents.get(&key);
        let shown = parent.zip(self.child(&key, kind, name));
        answer.body = shown.map_or(Value::Null, |(parent, it)| {
            self.show_child(parent, it, asked)
        });
        answer
    }

    /// Two rules of one direction cannot have one priority: known of Azure, not recorded.
    fn rule(&self, asked: &Asked, key: &str, name: &str) -> Option<Answer> {
        let of = &asked.body["properties"];
        let parent = self.parents.get(key)?;
        let mut others = parent.children.iter().filter(|it| it.name != name);
        let is_taken = others.any(|it| {
            it.properties.get("priority") == Some(&of["priority"])
                && it.properties.get("direction") == Some(&of["direction"])
        });
        let words = "Rules cannot have the same Priority and Direction.";
        is_taken.then(|| Answer::error(400, "SecurityRuleConflict", words))
    }

    fn remove_child(&mut self, asked: &Asked, key: &str, kind: &str, name: &str) -> Answer {
        if self.child(key, kind, name).is_none() {
            return Answer::new(204, Value::Null);
        }
        let outcome =
            Outcome::RemovedChild(key.to_owned(), kind.to_owned(), name.to_ascii_lowercase());
        let id = asked.path.clone();
        let answer = Answer::new(202, Value::Null);
        let (answer, operation) = self.begin(asked, (kind, &id), outcome, None, answer);
        let parent = self.parents.get_mut(key);
        let mut children = parent.into_iter().flat_map(|it| &mut it.children);
        let is_it = |it: &&mut Child| it.kind == kind && it.name.eq_ignore_ascii_case(name);
        if let Some(child) = children.find(is_it) {
            child.operation = Some(operation);
        }
        answer
    }

    /// What is due happens.
    pub(super) fn pass(&mut self) {
        for operation in self.operations.values_mut() {
            operation.is_fresh = false;
        }
        let due: Vec<(u128, Uuid)> = self
            .operations
            .iter()
            .filter(|(_, it)| it.ends_at <= self.now && it.outcome != Outcome::Over)
            .map(|(id, it)| (it.number, *id))
            .collect();
        let mut due = due;
        due.sort_unstable();
        for (_, id) in due {
            let Some(operation) = self.operations.get_mut(&id) else {
                continue;
            };
            match operation.outcome.clone() {
                Outcome::Failed(_) | Outcome::Over => continue,
                Outcome::Put => {}
                Outcome::Removed(key) => drop(self.parents.remove(&key)),
                Outcome::RemovedChild(key, kind, name) => {
                    if kind == HALVES {
                        self.half_goes(&key, &name);
                    }
                    let etag = self.etag();
                    if let Some(parent) = self.parents.get_mut(&key) {
                        parent.etag = etag;
                        parent
                            .children
                            .retain(|it| it.kind != kind || !it.name.eq_ignore_ascii_case(&name));
                    }
                }
                Outcome::HalfPut(key, name) => self.half_stands(&key, &name),
            }
            if let Some(operation) = self.operations.get_mut(&id) {
                operation.outcome = Outcome::Over;
            }
        }
    }

    /// The ids of the subnets and interfaces that this group stands before.
    pub(super) fn users<'s>(&'s self, group: &'s str) -> impl Iterator<Item = String> + 's {
        let is_it = move |properties: &Map<String, Value>| {
            let of = properties.get("networkSecurityGroup");
            let id = of.and_then(|it| it["id"].as_str());
            id.is_some_and(|it| it.eq_ignore_ascii_case(group))
        };
        self.parents.values().flat_map(move |parent| {
            let own = parent.body.get("properties").and_then(Value::as_object);
            let own = own.filter(|it| is_it(it)).map(|_| parent.id.clone());
            let children = parent
                .children
                .iter()
                .filter(move |it| is_it(&it.properties));
            let below = |it: &Child| format!("{}/{}/{}", parent.id, it.kind, it.name);
            own.into_iter()
                .chain(children.map(below))
                .collect::<Vec<_>>()
        })
    }

    /// Whether an operation is under way.
    pub(super) fn runs(&self, operation: Option<Uuid>) -> bool {
        let known = operation.and_then(|it| self.operations.get(&it));
        known.is_some_and(|it| it.ends_at > self.now)
    }

    /// A resource and its children have one etag, which a change on the other side of a peering
    /// changes too (README 2.5).
    pub(super) fn touch_others(&mut self, key: &str) {
        let others: Vec<String> = self
            .halves_to(key)
            .map(|(other, _)| other.clone())
            .collect();
        for other in others {
            let etag = self.etag();
            if let Some(parent) = self.parents.get_mut(&other) {
                parent.etag = etag;
            }
        }
    }

    /// The VNets with a half that leads to this one.
    pub(super) fn halves_to<'s>(
        &'s self,
        key: &'s str,
    ) -> impl Iterator<Item = (&'s String, &'s Child)> {
        let all = self.parents.iter().flat_map(|(other, parent)| {
            let halves = parent.children.iter().filter(|it| it.kind == HALVES);
            halves.map(move |half| (other, half))
        });
        all.filter(move |(_, half)| remote(half) == key)
    }
}

/// The id that a half leads to, in lower case.
pub(super) fn remote(half: &Child) -> String {
    let of = half.properties.get("remoteVirtualNetwork");
    let id = of.and_then(|it| it["id"].as_str());
    id.unwrap_or_default().to_ascii_lowercase()
}

/// The prefixes of a VNet.
pub(super) fn prefixes(parent: &Parent) -> Vec<String> {
    let body = Value::Object(parent.body.clone());
    texts(at(&body, "properties.addressSpace.addressPrefixes"))
}
