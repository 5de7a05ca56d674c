//! Networks, subnets and routes.

use crate::{
    answers::{Outcome, Reply, TIME},
    state::State,
    world::{FakeNetwork, FakeRoute, FakeSubnet},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl State {
    pub(crate) fn add_network(&mut self, project: &str, name: &str) {
        self.project(project);
        let number = 9_114_364_167_955_000_000 + self.next_number();
        let members = json!({
            "autoCreateSubnetworks": false,
            "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
            "routingConfig": { "bgpBestPathSelectionMode": "LEGACY", "routingMode": "REGIONAL" },
        });
        self.networks.push(FakeNetwork {
            project: project.to_owned(),
            name: name.to_owned(),
            number,
            members: members.as_object().cloned().unwrap_or_default(),
            halves: Vec::new(),
            stale: (0, Vec::new()),
            policies: json!([]),
            regional: BTreeMap::new(),
        });
    }

    pub(crate) fn set_network(&mut self, project: &str, network: &str, member: &str, value: Value) {
        let mut found = self.networks.iter_mut();
        if let Some(found) = found.find(|it| it.is(project, network)) {
            found.members.insert(member.to_owned(), value);
        }
    }

    pub(crate) fn set_policies(&mut self, project: &str, network: &str, policies: Value) {
        let mut found = self.networks.iter_mut();
        if let Some(found) = found.find(|it| it.is(project, network)) {
            found.policies = policies;
        }
    }

    pub(crate) fn set_regional(&mut self, project: &str, network: &str, of: &str, all: Value) {
        let mut found = self.networks.iter_mut();
        if let Some(found) = found.find(|it| it.is(project, network)) {
            found.regional.insert(of.to_owned(), all);
        }
    }

    pub(crate) fn add_subnet(
        &mut self,
        project: &str,
        network: &str,
        region: &str,
        name: &str,
        range: &str,
    ) {
        self.subnets.push(FakeSubnet {
            project: project.to_owned(),
            network: network.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
            range: range.to_owned(),
        });
    }

    pub(crate) fn add_route(&mut self, project: &str, network: &str, name: &str, to: &str) {
        self.routes.push(FakeRoute {
            project: project.to_owned(),
            network: network.to_owned(),
            name: name.to_owned(),
            destination: to.to_owned(),
        });
    }

    pub(crate) fn network_named(&self, project: &str, named: &str) -> Result<&FakeNetwork, Reply> {
        let found = self.networks.iter().find(|it| it.is(project, named));
        found.ok_or_else(|| Reply::missing(&format!("projects/{project}/global/networks/{named}")))
    }

    /// Recorded: gcp-peering-one-half-2026, 4, 12 and gcp-peering-active-2025, 1. Peerings are
    /// absent, not empty, where there are none.
    pub(crate) fn show_network(&mut self, project: &str, named: &str, base: &str) -> Outcome {
        self.network_named(project, named)?;
        let mut found = self.networks.iter_mut().filter(|it| it.is(project, named));
        let halves = match found.next() {
            Some(network) if network.stale.0 > 0 => {
                network.stale.0 -= 1;
                network.stale.1.clone()
            }
            Some(network) => network.halves.clone(),
            None => Vec::new(),
        };
        let network = self.network_named(project, named)?;
        let link = |last: &str| {
            format!(
                "https://www.googleapis.com/compute/{base}/projects/{project}/global/networks/{last}"
            )
        };
        let mut shown = Value::Object(network.members.clone());
        shown["kind"] = json!("compute#network");
        shown["id"] = json!(network.number.to_string());
        shown["name"] = json!(network.name);
        shown["creationTimestamp"] = json!(TIME);
        shown["selfLink"] = json!(link(&network.name));
        shown["selfLinkWithId"] = json!(link(&network.number.to_string()));
        let of_subnets: Vec<_> = self
            .subnets
            .iter()
            .filter(|it| it.project == project && it.network == network.name)
            .map(|it| json!(format!("https://www.googleapis.com/compute/{base}/projects/{project}/regions/{}/subnetworks/{}", it.region, it.name)))
            .collect();
        if !of_subnets.is_empty() {
            shown["subnetworks"] = json!(of_subnets);
        }
        let peerings: Vec<_> = halves
            .iter()
            .map(|it| self.show_half(network, it))
            .collect();
        if !peerings.is_empty() {
            shown["peerings"] = json!(peerings);
        }
        Ok(shown)
    }

    pub(crate) fn show_networks(&mut self, project: &str, base: &str) -> Vec<Value> {
        let own = self.networks.iter().filter(|it| it.project == project);
        let names: Vec<_> = own.map(|it| it.name.clone()).collect();
        let shown = names.iter();
        shown
            .filter_map(|name| self.show_network(project, name, base).ok())
            .collect()
    }

    fn show_subnet(&self, it: &FakeSubnet, base: &str) -> Value {
        let at = format!(
            "https://www.googleapis.com/compute/{base}/projects/{}",
            it.project
        );
        json!({
            "kind": "compute#subnetwork",
            "id": "1",
            "creationTimestamp": TIME,
            "name": it.name,
            "network": format!("{at}/global/networks/{}", it.network),
            "region": format!("{at}/regions/{}", it.region),
            "selfLink": format!("{at}/regions/{}/subnetworks/{}", it.region, it.name),
            "ipCidrRange": it.range,
            "stackType": "IPV4_ONLY",
            "purpose": "PRIVATE",
        })
    }

    /// Region by region. Documented: one that has none is there with a warning.
    pub(crate) fn show_subnets(&self, project: &str, base: &str) -> Vec<(String, Value)> {
        let own = self.subnets.iter().filter(|it| it.project == project);
        own.map(|it| (format!("regions/{}", it.region), self.show_subnet(it, base)))
            .collect()
    }

    /// The routes of a network's own subnets, those that people made, and those over its peerings.
    pub(crate) fn show_routes(&self, project: &str, base: &str) -> Vec<Value> {
        let at = format!("https://www.googleapis.com/compute/{base}/projects/{project}");
        let network = |name: &str| format!("{at}/global/networks/{name}");
        let route = |name: String, of: &str, to: &str, hop: (&str, Value)| {
            let mut shown = json!({
                "kind": "compute#route",
                "name": name,
                "network": network(of),
                "destRange": to,
                "priority": 0,
            });
            shown[hop.0] = hop.1;
            shown
        };
        let mut all = Vec::new();
        for it in self.subnets.iter().filter(|it| it.project == project) {
            let hop = ("nextHopNetwork", json!(network(&it.network)));
            all.push(route(
                format!("default-route-{}", it.name),
                &it.network,
                &it.range,
                hop,
            ));
        }
        for it in self.routes.iter().filter(|it| it.project == project) {
            let gateway = format!("{at}/global/gateways/default-internet-gateway");
            let hop = ("nextHopGateway", json!(gateway));
            all.push(route(it.name.clone(), &it.network, &it.destination, hop));
        }
        for of in self.networks.iter().filter(|it| it.project == project) {
            for half in &of.halves {
                for (number, (to, _)) in self.exchanged(of, half).iter().enumerate() {
                    let hop = ("nextHopPeering", json!(half.name));
                    all.push(route(format!("peering-route-{number}"), &of.name, to, hop));
                }
            }
        }
        all
    }
}
