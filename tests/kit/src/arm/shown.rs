//! What reads show of resources and their children.

use super::{
    Asked, State, map,
    resources::{Child, HALVES, KINDS, Outcome, Parent},
};
use serde_json::{Value, json};
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
