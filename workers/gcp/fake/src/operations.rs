//! Operations: what a change is answered with, and when it takes effect.

use crate::{
    answers::{Reply, TIME},
    state::State,
    world::{Effect, Running},
};
use serde_json::{Value, json};

impl Running {
    /// The networks that are busy while it runs.
    pub(crate) fn busies(&self) -> Vec<String> {
        if let (Some(Effect::Peering(change)), false) = (&self.effect, self.is_over) {
            vec![self.target.clone(), change.other.clone()]
        } else {
            Vec::new()
        }
    }

    /// Recorded: gcp-peering-one-half-2026, 2, 3, 10, 11; no `endTime` while it runs.
    fn shown(&self, base: &str) -> Value {
        let place = self
            .region
            .as_ref()
            .map_or_else(|| "global".to_owned(), |region| format!("regions/{region}"));
        let link = |path: &str| format!("https://www.googleapis.com/compute/{base}/{path}");
        let mut shown = json!({
            "kind": "compute#operation",
            "id": "1",
            "name": self.name,
            "operationType": self.kind,
            "targetLink": link(&self.target),
            "targetId": "1",
            "status": if self.is_over { "DONE" } else { "RUNNING" },
            "user": "user@example.com",
            "progress": if self.is_over { 100 } else { 0 },
            "insertTime": TIME,
            "startTime": TIME,
            "selfLink": link(&format!("projects/{}/{place}/operations/{}", self.project, self.name)),
        });
        if let Some(region) = &self.region {
            shown["region"] = json!(link(&format!("projects/{}/regions/{region}", self.project)));
        }
        if let Some(request) = &self.request {
            // Documented: the request's name is echoed.
            shown["clientOperationId"] = json!(request);
        }
        if self.is_over {
            shown["endTime"] = json!(TIME);
            if let Some((code, message)) = &self.error {
                shown["httpErrorStatusCode"] = json!(status_of(code));
                shown["httpErrorMessage"] = json!("REFUSED");
                let mut error = json!({ "code": code, "message": message });
                // Documented: which quota, and how much of it there is.
                if code == "QUOTA_EXCEEDED" {
                    let quota =
                        json!({ "metricName": "peerings_per_network", "limit": self.limit });
                    error["errorDetails"] = json!([{ "errorInfo": {} }, { "quotaInfo": quota }]);
                }
                shown["error"] = json!({ "errors": [error] });
            }
        }
        shown
    }
}

fn status_of(code: &str) -> u16 {
    match code {
        "QUOTA_EXCEEDED" | "PERMISSIONS_ERROR" => 403,
        "RESOURCE_NOT_FOUND" => 404,
        _ => 400,
    }
}

impl State {
    /// The operation that this request has begun before, if it has. Documented: a repeat of a
    /// request that was carried out is ignored.
    pub(crate) fn begun(&self, project: &str, request: Option<&str>) -> Option<&Running> {
        let request = request?;
        let mut all = self.operations.iter();
        all.find(|it| it.project == project && it.request.as_deref() == Some(request))
    }

    pub(crate) fn begin(
        &mut self,
        project: &str,
        kind: &'static str,
        target: String,
        request: Option<String>,
        effect: Effect,
    ) -> &mut Running {
        let takes = if let Effect::Peering(_) = effect {
            self.temper.peering
        } else {
            self.temper.other
        };
        let number = self.operations.len() + 1;
        self.operations.push(Running {
            name: format!("operation-{number}"),
            project: project.to_owned(),
            kind,
            target,
            region: None,
            request,
            ends_at: self.now + takes,
            looks: 0,
            effect: Some(effect),
            error: None,
            is_over: false,
            limit: 0,
        });
        let last = self.operations.len() - 1;
        &mut self.operations[last]
    }

    /// The operation as it is shown; each look at it brings its end nearer.
    pub(crate) fn look_at(
        &mut self,
        project: &str,
        region: Option<&str>,
        name: &str,
        base: &str,
    ) -> Result<Value, Reply> {
        let looks = self.temper.looks;
        let is_it = |it: &Running| {
            it.project == project && it.name == name && it.region.as_deref() == region
        };
        let now = self.now;
        if let Some(found) = self.operations.iter_mut().find(|it| is_it(it)) {
            found.looks += 1;
            if found.looks >= looks {
                found.ends_at = found.ends_at.min(now);
            }
        }
        self.end_operations();
        let found = self.operations.iter().find(|it| is_it(it));
        let missing = || Reply::missing(&format!("projects/{project}/global/operations/{name}"));
        Ok(found.ok_or_else(missing)?.shown(base))
    }

    pub(crate) fn shown(&self, name: &str, base: &str) -> Value {
        let found = self.operations.iter().find(|it| it.name == name);
        found.map_or(Value::Null, |it| it.shown(base))
    }

    /// Ends what is due.
    pub(crate) fn end_operations(&mut self) {
        for index in 0..self.operations.len() {
            let it = &mut self.operations[index];
            if it.is_over || it.ends_at > self.now {
                continue;
            }
            it.is_over = true;
            let (project, target) = (it.project.clone(), it.target.clone());
            let effect = it.effect.take().filter(|_| it.error.is_none());
            if let Some(effect) = effect {
                self.take_effect(&project, &target, effect);
            }
        }
    }

    fn take_effect(&mut self, project: &str, target: &str, effect: Effect) {
        match effect {
            Effect::Peering(change) => self.change_peering(target, change),
            Effect::Firewall(rule) => self.put_firewall(project, rule),
            Effect::PatchFirewall(name, patch) => self.patch_firewall(project, &name, &patch),
            Effect::DropFirewall(name) => self.drop_firewall(project, &name),
            Effect::Network(body) => {
                let name = body["name"].as_str().unwrap_or_default().to_owned();
                self.add_network(project, &name);
                for member in [
                    "autoCreateSubnetworks",
                    "networkFirewallPolicyEnforcementOrder",
                ] {
                    if let Some(value) = body.get(member) {
                        self.set_network(project, &name, member, value.clone());
                    }
                }
            }
            Effect::DropNetwork(name) => self.networks.retain(|it| !it.is(project, &name)),
            Effect::Subnet(body) => {
                let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
                let network = text("network");
                let network = network.rsplit('/').next().unwrap_or_default();
                let (region, name) = (text("region"), text("name"));
                self.add_subnet(project, network, &region, &name, &text("ipCidrRange"));
            }
        }
    }
}
