//! What changed of a network between two places of its history, and which events changed it.
//!
//! The two folded states are compared as documents: objects member by member, everything else as a
//! whole. Applied to the first, the changes make the second, and nothing of it is missing. Each
//! change names the events that touched it, found by folding what lies between once more.

use crate::{Past, Place, Told, Until};
use domain::PeeringId;
use journal::{JournalError, Recorded};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, ops::ControlFlow};

/// One value that is another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where: the names of members, from the outermost.
    pub path: Vec<String>,
    /// What was there; `None` if nothing was.
    pub before: Option<Value>,
    /// What is there; `None` if nothing is.
    pub after: Option<Value>,
    /// Which events touched it, by their revision, in their order.
    pub causes: Vec<u64>,
}

impl Change {
    /// The path as a JSON pointer (RFC 6901).
    pub fn pointer(&self) -> String {
        let escaped = self
            .path
            .iter()
            .map(|it| it.replace('~', "~0").replace('/', "~1"));
        escaped.map(|it| format!("/{it}")).collect()
    }
}

/// Two states of a network, and what lies between.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// The earlier place.
    pub from: Past,
    /// The later one.
    pub to: Past,
    /// The first event of all, whether it is within or not.
    pub first: Option<Place>,
    /// What changed.
    pub changes: Vec<Change>,
    /// The events that changed something, by revision.
    pub events: BTreeMap<u64, Recorded>,
}

/// Folds what lies between, and notes which event touched what.
#[derive(Debug, Default)]
struct Between {
    touched: Vec<(Vec<String>, u64)>,
    events: BTreeMap<u64, Recorded>,
}

impl Between {
    fn follow(&mut self, past: &mut Past, event: &Recorded) -> Result<(), serde_json::Error> {
        let about = match &event.body {
            journal::Body::Event(body) => body.peering_id(),
            journal::Body::Undecodable { .. } => None,
        };
        let before = part(past, about)?;
        past.follow(event);
        let changes = between(&before, &part(past, about)?);
        if !changes.is_empty() {
            self.events.insert(event.revision, event.clone());
        }
        let root = about.map(|id| ["connections", "peerings", &id.to_string()].map(str::to_owned));
        let root: Vec<_> = root.into_iter().flatten().collect();
        for change in changes {
            let path = [&*root, &*change.path].concat();
            self.touched.push((path, event.revision));
        }
        Ok(())
    }

    fn causes(&self, path: &[String]) -> Vec<u64> {
        let touched = self.touched.iter();
        let mut found: Vec<_> = touched
            .filter(|(of, _)| of.starts_with(path) || path.starts_with(of))
            .map(|(_, revision)| *revision)
            .collect();
        found.dedup();
        found
    }
}

/// What an event can touch: the peering that it is about, or the network without any.
fn part(past: &Past, about: Option<PeeringId>) -> Result<Value, serde_json::Error> {
    let Some(network) = past.registered() else {
        return Ok(Value::Null);
    };
    match about {
        Some(id) => network
            .peerings()
            .get(&id)
            .map_or(Ok(Value::Null), serde_json::to_value),
        None => {
            let mut own = network.clone();
            own.connections.peerings = domain::network::Peerings::default();
            serde_json::to_value(own)
        }
    }
}

/// Why there is no difference to tell.
#[derive(Debug, thiserror::Error)]
pub enum DifferenceError {
    /// The history could not be read.
    #[error("read the history")]
    Journal(#[from] JournalError),
    /// A state is no document.
    #[error("write a state as a document")]
    Document(#[from] serde_json::Error),
}

/// Compares two places of a history while it is read.
#[derive(Debug)]
pub struct Comparison {
    from: Until,
    to: Until,
    found: Difference,
    between: Between,
    has_begun: bool,
    failed: Option<serde_json::Error>,
}

impl Comparison {
    /// Between these two places.
    pub fn new(from: Until, to: Until) -> Self {
        Self {
            from,
            to,
            found: Difference::default(),
            between: Between::default(),
            has_begun: false,
            failed: None,
        }
    }

    /// The same, behind a state that lies within both: what made it is not looked at again.
    pub fn behind(told: Told, from: Until, to: Until) -> Self {
        let mut comparison = Self::new(from, to);
        let Told { past, first } = told;
        comparison.found.first = first;
        (comparison.found.from, comparison.found.to) = (past.clone(), past);
        comparison
    }

    /// The next event of the history; breaks where there is enough of it.
    pub fn take(&mut self, event: &Recorded) -> ControlFlow<()> {
        self.found.first.get_or_insert(Place::of(event));
        if !self.to.includes(event) {
            return ControlFlow::Break(());
        }
        self.has_begun |= !self.from.includes(event);
        if !self.has_begun {
            self.found.from.follow(event);
            self.found.to.follow(event);
            return ControlFlow::Continue(());
        }
        match self.between.follow(&mut self.found.to, event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    /// What changed.
    pub fn finish(self) -> Result<Difference, DifferenceError> {
        let Self {
            mut found, between, ..
        } = self;
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        found.changes = self::between(&found.from.document()?, &found.to.document()?);
        for change in &mut found.changes {
            change.causes = between.causes(&change.path);
        }
        found.events = between.events;
        Ok(found)
    }
}

/// What makes the second document of the first.
pub fn between(from: &Value, to: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare(&mut Vec::new(), Some(from), Some(to), &mut found);
    found
}

fn compare(
    path: &mut Vec<String>,
    from: Option<&Value>,
    to: Option<&Value>,
    found: &mut Vec<Change>,
) {
    if from == to {
        return;
    }
    if let (Some(Value::Object(from)), Some(Value::Object(to))) = (from, to) {
        let added = to.keys().filter(|it| !from.contains_key(*it));
        for name in from.keys().chain(added) {
            path.push(name.clone());
            compare(path, from.get(name), to.get(name), found);
            path.pop();
        }
        return;
    }
    found.push(Change {
        path: path.clone(),
        before: from.cloned(),
        after: to.cloned(),
        causes: Vec::new(),
    });
}

/// The document with these changes made.
pub fn apply(mut document: Value, changes: &[Change]) -> Value {
    for change in changes {
        put(&mut document, &change.path, change.after.as_ref());
    }
    document
}

fn put(at: &mut Value, path: &[String], value: Option<&Value>) {
    let Some((name, rest)) = path.split_first() else {
        *at = value.cloned().unwrap_or(Value::Null);
        return;
    };
    if !at.is_object() {
        *at = Value::Object(Map::new());
    }
    let Value::Object(members) = at else { return };
    match (rest.is_empty(), value) {
        (true, None) => drop(members.remove(name)),
        _ => put(
            members.entry(name.clone()).or_insert(Value::Null),
            rest,
            value,
        ),
    }
}
