//! What reads show of resources and their children.

use super::{
    Asked, State, map,
    resources::{Child, HALVES, KINDS, Outcome, Parent},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

impl State {
    fn provisioning(&self, operation: Option<Uuid>) -> &'static str {
        let known = operation.and_then(|it| self.operations.get(&it));
        match known.map(|it| (&it.outcome, it.is_fresh || it.ends_at > self.now)) {
            Some((Outcome::Failed(_), false)) => "Failed",
            Some((Outcome::RemovedChild(..) | Outcome::Removed(_), true)) => "Deleting",
            Some((_, true)) => "Updating",
            Some((_, false)) | None => "Succeeded",
        }
    }

    /// A resource as it is shown, with all its children.
    pub(super) fn show(&self, parent: &Parent, asked: &Asked) -> Value {
        let mut body = parent.body.clone();
        let name = parent.id.rsplit('/').next().unwrap_or_default();
        let mut properties = map(&parent.body.get("properties").cloned().unwrap_or_default());
        properties.insert(
            "provisioningState".into(),
            self.provisioning(parent.operation).into(),
        );
        properties.insert("resourceGuid".into(), parent.guid.to_string().into());
        let kinds = KINDS.iter().find(|(it, _)| *it == parent.kind);
        for kind in kinds.map_or(&[] as &[&str], |(_, it)| *it) {
            let children = parent.children.iter().filter(|it| it.kind == *kind);
            let shown: Vec<_> = children
                .map(|it| self.show_child(parent, it, asked))
                .collect();
            properties.insert((*kind).to_owned(), shown.into());
        }
        if parent.kind == "networkInterfaces" {
            name_addresses(&parent.id, &mut properties);
        }
        if parent.kind == "networkSecurityGroups" {
            let rules = default_rules(&parent.id, self.provisioning(parent.operation));
            properties.insert("defaultSecurityRules".to_owned(), rules);
        }
        body.insert("name".to_owned(), name.into());
        body.insert("id".to_owned(), parent.id.clone().into());
        body.insert("etag".to_owned(), parent.etag.clone().into());
        let kind = format!("Microsoft.Network/{}", parent.kind);
        body.insert("type".to_owned(), kind.into());
        body.insert("properties".to_owned(), properties.into());
        Value::Object(body)
    }

    pub(super) fn show_child(&self, parent: &Parent, child: &Child, asked: &Asked) -> Value {
        let mut properties = child.properties.clone();
        let state = self.provisioning(child.operation);
        properties.insert("provisioningState".to_owned(), state.into());
        let Parent { id, etag, kind, .. } = parent;
        if child.kind == HALVES {
            self.show_half(parent, &mut properties, asked);
        }
        if child.kind == "subnets" {
            self.show_addresses(parent, child, &mut properties);
        }
        // Policies are sent in lower case and come back otherwise (private-endpoint-service-2022).
        for policy in [
            "privateEndpointNetworkPolicies",
            "privateLinkServiceNetworkPolicies",
        ] {
            if child.kind == "subnets" && !properties.contains_key(policy) {
                properties.insert(policy.to_owned(), "Enabled".into());
            }
        }
        json!({
            "name": child.name,
            "id": format!("{id}/{}/{}", child.kind, child.name),
            "etag": etag,
            "properties": properties,
            "type": format!("Microsoft.Network/{kind}/{}", child.kind),
        })
    }
}

impl State {
    /// The address configurations of interfaces in a subnet are told by their ids, beside those of
    /// what this fake does not have (network-watcher-2018#9); nothing where there are none.
    fn show_addresses(&self, parent: &Parent, subnet: &Child, shown: &mut Map<String, Value>) {
        let id = format!("{}/subnets/{}", parent.id, subnet.name);
        let interfaces = self.parents.values();
        let interfaces = interfaces.filter(|it| it.kind == "networkInterfaces");
        let inside = interfaces.flat_map(|it| {
            let all = it.body.get("properties").map(|of| &of["ipConfigurations"]);
            let all = all.and_then(Value::as_array).into_iter().flatten();
            let here = all.filter(|one| {
                let subnet = one["properties"]["subnet"]["id"].as_str();
                subnet.is_some_and(|it| it.eq_ignore_ascii_case(&id))
            });
            here.map(|one| json!({ "id": address_id(&it.id, one) }))
        });
        let inside: Vec<_> = inside.collect();
        if inside.is_empty() {
            return;
        }
        let told = shown.entry("ipConfigurations").or_insert_with(|| json!([]));
        if let Some(told) = told.as_array_mut() {
            told.extend(inside);
        }
    }
}

fn address_id(interface: &str, one: &Value) -> String {
    let name = one["name"].as_str().unwrap_or_default();
    format!("{interface}/ipConfigurations/{name}")
}

/// Each address configuration of an interface has an id (network-watcher-2018#13).
fn name_addresses(id: &str, properties: &mut Map<String, Value>) {
    let all = properties.get_mut("ipConfigurations");
    for one in all.and_then(Value::as_array_mut).into_iter().flatten() {
        one["id"] = address_id(id, one).into();
    }
}

/// The default rules, as every group has them (nsg-2020#2).
fn default_rules(id: &str, state: &str) -> Value {
    let rule = |name: &str, (from, to): (&str, &str), access: &str, priority: u32, way: &str| {
        json!({
            "name": name,
            "id": format!("{id}/defaultSecurityRules/{name}"),
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "properties": {
                "provisioningState": state,
                "protocol": "*",
                "sourcePortRange": "*",
                "destinationPortRange": "*",
                "sourceAddressPrefix": from,
                "destinationAddressPrefix": to,
                "access": access,
                "priority": priority,
                "direction": way,
            },
        })
    };
    let net = "VirtualNetwork";
    json!([
        rule("AllowVnetInBound", (net, net), "Allow", 65000, "Inbound"),
        rule(
            "AllowAzureLoadBalancerInBound",
            ("AzureLoadBalancer", "*"),
            "Allow",
            65001,
            "Inbound"
        ),
        rule("DenyAllInBound", ("*", "*"), "Deny", 65500, "Inbound"),
        rule("AllowVnetOutBound", (net, net), "Allow", 65000, "Outbound"),
        rule(
            "AllowInternetOutBound",
            ("*", "Internet"),
            "Allow",
            65001,
            "Outbound"
        ),
        rule("DenyAllOutBound", ("*", "*"), "Deny", 65500, "Outbound"),
    ])
}
