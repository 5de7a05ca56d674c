//! Firewall rules of networks.

use crate::{
    answers::{Outcome, Reply, TIME},
    peerings::{is_name, path_of},
    state::State,
    world::Effect,
};
use serde_json::{Value, json};

/// The members that a rule may have.
const MEMBERS: [&str; 16] = [
    "name",
    "description",
    "network",
    "priority",
    "direction",
    "sourceRanges",
    "destinationRanges",
    "sourceTags",
    "sourceServiceAccounts",
    "targetTags",
    "targetServiceAccounts",
    "allowed",
    "denied",
    "disabled",
    "logConfig",
    "kind",
];

impl State {
    pub(crate) fn put_firewall(&mut self, project: &str, mut rule: Value) {
        let name = rule["name"].as_str().unwrap_or_default().to_owned();
        let network = rule["network"]
            .as_str()
            .unwrap_or("global/networks/default");
        let path = path_of(network, project).unwrap_or_default();
        rule["network"] = json!(format!("https://www.googleapis.com/compute/v1/{path}"));
        rule["kind"] = json!("compute#firewall");
        rule["id"] = json!("1");
        rule["creationTimestamp"] = json!(TIME);
        rule["logConfig"] = json!({ "enable": false });
        for (member, default) in [
            ("priority", json!(1000)),
            ("direction", json!("INGRESS")),
            ("disabled", json!(false)),
        ] {
            if rule.get(member).is_none() {
                rule[member] = default;
            }
        }
        self.firewalls.insert((project.to_owned(), name), rule);
    }

    pub(crate) fn patch_firewall(&mut self, project: &str, name: &str, patch: &Value) {
        let key = (project.to_owned(), name.to_owned());
        if let (Some(rule), Some(patch)) = (self.firewalls.get_mut(&key), patch.as_object()) {
            for (member, value) in patch {
                rule[member] = value.clone();
            }
        }
    }

    pub(crate) fn drop_firewall(&mut self, project: &str, name: &str) {
        self.firewalls
            .remove(&(project.to_owned(), name.to_owned()));
    }

    pub(crate) fn firewall_names(&self, project: &str) -> Vec<String> {
        let own = self.firewalls.keys().filter(|(home, _)| home == project);
        own.map(|(_, name)| name.clone()).collect()
    }

    pub(crate) fn show_firewall(&self, project: &str, name: &str) -> Outcome {
        let key = (project.to_owned(), name.to_owned());
        let missing = || Reply::missing(&format!("projects/{project}/global/firewalls/{name}"));
        self.firewalls.get(&key).cloned().ok_or_else(missing)
    }

    pub(crate) fn show_firewalls(&self, project: &str) -> Vec<Value> {
        let own = self
            .firewalls
            .iter()
            .filter(|((home, _), _)| home == project);
        own.map(|(_, rule)| rule.clone()).collect()
    }

    pub(crate) fn show_effective(&self, project: &str, network: &str) -> Outcome {
        let found = self.network_named(project, network)?;
        let path = found.path();
        let mut rules = self.show_firewalls(project);
        rules.retain(|it| it["network"].as_str().is_some_and(|it| it.ends_with(&path)));
        let mut shown = json!({ "firewalls": rules });
        if found.policies.as_array().is_some_and(|it| !it.is_empty()) {
            shown["firewallPolicys"] = found.policies.clone();
        }
        Ok(shown)
    }

    /// Documented: the policies of the region, beside those that count for the whole network.
    pub(crate) fn show_regional(&self, project: &str, network: &str, region: &str) -> Outcome {
        let name = network.rsplit('/').next().unwrap_or_default();
        let found = self.network_named(project, name)?;
        let mut policies = found.policies.as_array().cloned().unwrap_or_default();
        let own = found.regional.get(region).and_then(Value::as_array);
        policies.extend(own.into_iter().flatten().cloned());
        let mut shown = self.show_effective(project, name)?;
        shown["firewallPolicys"] = json!(policies);
        Ok(shown)
    }

    /// Whether another change of this rule is under way.
    fn is_changing(&self, project: &str, name: &str) -> bool {
        let target = format!("projects/{project}/global/firewalls/{name}");
        self.operations
            .iter()
            .any(|it| !it.is_over && it.target == target)
    }

    pub(crate) fn change_firewall(
        &mut self,
        project: &str,
        kind: &'static str,
        named: Option<&str>,
        body: &Value,
        request: Option<&str>,
    ) -> Result<String, Reply> {
        if let Some(begun) = self.begun(project, request) {
            return Ok(begun.name.clone());
        }
        let name = named
            .or(body["name"].as_str())
            .unwrap_or_default()
            .to_owned();
        if kind != "delete" {
            check(body)?;
        }
        let target = format!("projects/{project}/global/firewalls/{name}");
        let is_there = self.show_firewall(project, &name).is_ok();
        let changing = self.is_changing(project, &name);
        let effect = match kind {
            "insert" if is_there || changing => return Err(Reply::there(&target)),
            "insert" => {
                self.check_new(project, &name, body)?;
                Effect::Firewall(body.clone())
            }
            _ if !is_there => return Err(Reply::missing(&target)),
            _ if changing => {
                let message = format!("The resource '{target}' is not ready");
                return Err(Reply::refused(400, "resourceNotReady", &message));
            }
            "patch" => Effect::PatchFirewall(name, body.clone()),
            _ => Effect::DropFirewall(name),
        };
        let is_full =
            kind == "insert" && self.show_firewalls(project).len() >= self.temper.firewalls;
        let begun = self.begin(project, kind, target, request.map(str::to_owned), effect);
        if is_full {
            let words = "Quota 'FIREWALLS' exceeded.";
            begun.error = Some(("QUOTA_EXCEEDED".to_owned(), words.to_owned()));
        }
        Ok(begun.name.clone())
    }

    fn check_new(&self, project: &str, name: &str, body: &Value) -> Result<(), Reply> {
        if !is_name(name) {
            return Err(Reply::invalid("Invalid value for field 'resource.name'."));
        }
        let path = body["network"].as_str().and_then(|it| path_of(it, project));
        let network = path.as_deref().and_then(|it| it.rsplit('/').next());
        self.network_named(project, network.unwrap_or_default())?;
        if body["allowed"].is_array() == body["denied"].is_array() {
            return Err(Reply::invalid(
                "Either allowed or denied has to be specified.",
            ));
        }
        let names_source = ["sourceRanges", "sourceTags", "sourceServiceAccounts"];
        if !names_source.iter().any(|it| body[it].is_array()) {
            return Err(Reply::invalid("A rule names a source."));
        }
        Ok(())
    }
}

fn check(body: &Value) -> Result<(), Reply> {
    let members = body.as_object().into_iter().flatten();
    for (member, _) in members {
        if !MEMBERS.contains(&member.as_str()) {
            let message = format!("Invalid JSON payload received. Unknown name \"{member}\".");
            return Err(Reply::bad(&message));
        }
    }
    let ranges = ["sourceRanges", "destinationRanges"].iter();
    let ranges = ranges.flat_map(|it| body[it].as_array().into_iter().flatten());
    for range in ranges {
        let text = range.as_str().unwrap_or_default();
        if text.parse::<ipnet::IpNet>().is_err() {
            return Err(Reply::invalid(
                "Invalid value for field 'resource.sourceRanges'.",
            ));
        }
    }
    Ok(())
}
