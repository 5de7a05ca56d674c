//! The halves of peerings, and what two of them make of each other.

use crate::{
    answers::{Reply, TIME},
    faults::BUSY,
    state::State,
    world::{Effect, FakeNetwork, Half, PeeringChange, What},
};
use ipnet::IpNet;
use serde_json::{Value, json};

/// A network in a body: a full URL of any version, or a part of one.
pub(crate) fn path_of(url: &str, project: &str) -> Option<String> {
    let at = url.find("projects/");
    let path = at.map_or_else(
        || format!("projects/{project}/{url}"),
        |at| url[at..].to_owned(),
    );
    let parts: Vec<_> = path.split('/').collect();
    matches!(parts.as_slice(), ["projects", _, "global", "networks", _]).then_some(path)
}

impl State {
    fn by_path(&self, path: &str) -> Option<&FakeNetwork> {
        let mut parts = path.split('/');
        let project = self.project_named(parts.nth(1)?).ok()?;
        let network = parts.nth(2)?;
        self.networks.iter().find(|it| it.is(&project, network))
    }

    /// The half on the other side that matches. Documented: both have to refer to each other, and
    /// to state the same mode.
    fn counterpart(&self, own: &FakeNetwork, half: &Half) -> Option<(&FakeNetwork, &Half)> {
        let other = self.by_path(&half.network)?;
        let mut halves = other.halves.iter();
        let meets = |it: &&Half| it.network == own.path() && it.strategy == half.strategy;
        Some((other, halves.find(meets)?))
    }

    /// Recorded: gcp-peering-one-half-2026, 12 (alone), gcp-peering-active-2025, 1 (connected). The
    /// other network is shown under `beta`, whatever was sent.
    pub(crate) fn show_half(&self, own: &FakeNetwork, half: &Half) -> Value {
        let mut shown = json!({
            "name": half.name,
            "network": format!("https://www.googleapis.com/compute/beta/{}", half.network),
            "autoCreateRoutes": true,
            "exchangeSubnetRoutes": true,
            "exportCustomRoutes": half.exports,
            "importCustomRoutes": half.imports,
            "exportSubnetRoutesWithPublicIp": half.exports_public,
            "importSubnetRoutesWithPublicIp": half.imports_public,
            "stackType": half.stack,
            "state": "INACTIVE",
            "stateDetails": format!("[{TIME}]: Waiting for peer network to connect."),
            "updateStrategy": half.strategy,
        });
        if let Some((_, other)) = self.counterpart(own, half) {
            shown["state"] = json!("ACTIVE");
            shown["stateDetails"] = json!(format!("[{TIME}]: Connected."));
            let mut status = json!({
                "trafficConfiguration": {
                    "exportCustomRoutesToPeer": half.exports && other.imports,
                    "importCustomRoutesFromPeer": half.imports && other.exports,
                    "exportSubnetRoutesWithPublicIpToPeer": half.exports_public && other.imports_public,
                    "importSubnetRoutesWithPublicIpFromPeer": half.imports_public && other.exports_public,
                    "stackType": half.stack,
                },
                "updateStrategy": half.strategy,
            });
            if half.strategy == "CONSENSUS" {
                status["consensusState"] = json!({
                    "updateStatus": "IN_SYNC",
                    "deleteStatus": match (half.asked_to_end, other.asked_to_end) {
                        (true, true) => "DELETE_ACKNOWLEDGED",
                        (true, false) => "LOCAL_DELETE_REQUESTED",
                        (false, true) => "PEER_DELETE_REQUESTED",
                        (false, false) => "DELETE_STATUS_UNSPECIFIED",
                    },
                });
            }
            shown["connectionStatus"] = status;
        }
        shown
    }

    /// What a half has of the other network, and whether it imports it. Documented: subnets always,
    /// custom routes where the one exports and the other imports.
    pub(crate) fn exchanged(&self, own: &FakeNetwork, half: &Half) -> Vec<(String, bool)> {
        let Some((other, theirs)) = self.counterpart(own, half) else {
            return Vec::new();
        };
        let of = |project: &str, network: &str| other.project == project && other.name == network;
        let subnets = self
            .subnets
            .iter()
            .filter(|it| of(&it.project, &it.network));
        let subnets = subnets.map(|it| (it.range.clone(), true));
        let custom = self.routes.iter().filter(|it| of(&it.project, &it.network));
        let custom = custom.filter(|_| theirs.exports);
        let custom = custom.map(|it| (it.destination.clone(), half.imports));
        subnets.chain(custom).collect()
    }

    pub(crate) fn show_peering_routes(
        &self,
        project: &str,
        network: &str,
        name: &str,
    ) -> Result<Vec<Value>, Reply> {
        let own = self.network_named(project, network)?;
        let half = own.halves.iter().find(|it| it.name == name);
        let missing = || Reply::bad(&format!("There is no peering '{name}' in this network."));
        let exchanged = self.exchanged(own, half.ok_or_else(missing)?);
        let is_subnet = |to: &str| self.subnets.iter().any(|it| it.range == to);
        let shown = exchanged.into_iter().map(|(to, imported)| {
            let kind = if is_subnet(&to) {
                "SUBNET_PEERING_ROUTE"
            } else {
                "STATIC_PEERING_ROUTE"
            };
            json!({ "destRange": to, "type": kind, "priority": 0, "imported": imported })
        });
        Ok(shown.collect())
    }

    pub(crate) fn put_half(&mut self, project: &str, network: &str, half: Half) {
        let mut all = self.networks.iter_mut();
        if let Some(network) = all.find(|it| it.is(project, network)) {
            network.halves.retain(|it| it.name != half.name);
            network.halves.push(half);
        }
    }

    pub(crate) fn drop_half(&mut self, project: &str, network: &str, name: &str) {
        let mut all = self.networks.iter_mut();
        if let Some(network) = all.find(|it| it.is(project, network)) {
            network.halves.retain(|it| it.name != name);
        }
    }

    pub(crate) fn halves_of(&self, project: &str, network: &str) -> Vec<Half> {
        let found = self.networks.iter().find(|it| it.is(project, network));
        found.map(|it| it.halves.clone()).unwrap_or_default()
    }

    /// Begins a change of a half.
    pub(crate) fn change_half(
        &mut self,
        (project, network): (&str, &str),
        kind: &'static str,
        body: &Value,
        request: Option<&str>,
    ) -> Result<String, Reply> {
        if let Some(begun) = self.begun(project, request) {
            return Ok(begun.name.clone());
        }
        let own = self.network_named(project, network)?.clone();
        let inner = match kind {
            "addPeering" | "updatePeering" => &body["networkPeering"],
            _ => body,
        };
        let Some(name) = inner["name"].as_str().filter(|it| is_name(it)) else {
            return Err(Reply::invalid(
                "Invalid value for field 'name': it must be a match of regex.",
            ));
        };
        let there = own.halves.iter().find(|it| it.name == name).cloned();
        let (what, other) = if kind == "addPeering" {
            let half = self.new_half(&own, inner, name)?;
            let other = half.network.clone();
            (What::Add(half), other)
        } else {
            let missing = || Reply::bad(&format!("There is no peering '{name}' in this network."));
            let there = there.ok_or_else(missing)?;
            let what = match kind {
                "updatePeering" => What::Set(name.to_owned(), inner.clone()),
                "removePeering" => What::Remove(name.to_owned()),
                _ => What::AskToEnd(name.to_owned()),
            };
            self.is_agreed(&own, &there, kind)?;
            (what, there.network)
        };
        let target = own.path();
        let busy: Vec<_> = self.operations.iter().flat_map(|it| it.busies()).collect();
        // Reported, with status 400: terraform-provider-google 3026. One at a time on both
        // networks.
        if busy.iter().any(|it| *it == target || *it == other) {
            return Err(Reply::bad(BUSY));
        }
        let is_full = matches!(what, What::Add(_)) && own.halves.len() >= self.temper.peerings;
        let effect = Effect::Peering(PeeringChange { what, other });
        let begun = self.begin(project, kind, target, request.map(str::to_owned), effect);
        if is_full {
            begun.error = Some((
                "QUOTA_EXCEEDED".to_owned(),
                "Quota 'PEERINGS' exceeded.".to_owned(),
            ));
        }
        Ok(begun.name.clone())
    }

    /// Documented: a peering that ends by agreement is removed once both sides have asked for it.
    fn is_agreed(&self, own: &FakeNetwork, half: &Half, kind: &str) -> Result<(), Reply> {
        let Some((_, other)) = self.counterpart(own, half) else {
            return Ok(());
        };
        let by_agreement = half.strategy == "CONSENSUS";
        let both = half.asked_to_end && other.asked_to_end;
        match kind {
            "removePeering" if by_agreement && !both => Err(Reply::bad(
                "The peering connection has to be requested to be removed first.",
            )),
            "requestRemovePeering" if !by_agreement => Err(Reply::bad(
                "The peering connection is not updated by consensus.",
            )),
            _ => Ok(()),
        }
    }

    fn new_half(&self, own: &FakeNetwork, body: &Value, name: &str) -> Result<Half, Reply> {
        let url = body["network"].as_str().unwrap_or_default();
        let Some(other) = path_of(url, &own.project) else {
            return Err(Reply::invalid(
                "Invalid value for field 'networkPeering.network'.",
            ));
        };
        if body["exchangeSubnetRoutes"] != json!(true) {
            return Err(Reply::invalid("'exchangeSubnetRoutes' has to be true."));
        }
        // Reported, with status 400: terraform-provider-cloudamqp 242.
        if own.halves.iter().any(|it| it.name == name) {
            let words = "There is already a peering with the same name. Enter a different name.";
            return Err(Reply::bad(words));
        }
        if other == own.path() || own.halves.iter().any(|it| it.network == other) {
            return Err(Reply::bad(
                "There is already a peering with the same network.",
            ));
        }
        // Documented: ranges must not overlap. Of a network that is not there nothing is known, and
        // the half waits for it.
        if let Some(network) = self.by_path(&other)
            && self.overlaps(own, network)
        {
            return Err(Reply::bad(
                "An IP range in the peer network overlaps with an IP range in the local network.",
            ));
        }
        let mut half = Half::new(name, &other);
        half.set(body);
        Ok(half)
    }

    fn overlaps(&self, one: &FakeNetwork, other: &FakeNetwork) -> bool {
        let of = |network: &FakeNetwork| -> Vec<IpNet> {
            let own = self
                .subnets
                .iter()
                .filter(|it| it.project == network.project && it.network == network.name);
            own.filter_map(|it| it.range.parse().ok()).collect()
        };
        let others = of(other);
        let meets = |one: &IpNet| others.iter().any(|it| it.contains(one) || one.contains(it));
        of(one).iter().any(meets)
    }

    pub(crate) fn change_peering(&mut self, target: &str, change: PeeringChange) {
        let stale = self.temper.stale_reads;
        let path = target.to_owned();
        let Some(own) = self.networks.iter_mut().find(|it| it.path() == path) else {
            return;
        };
        if stale > 0 {
            own.stale = (stale, own.halves.clone());
        }
        match change.what {
            What::Add(half) => own.halves.push(half),
            What::Set(name, body) => {
                let mut halves = own.halves.iter_mut().filter(|it| it.name == name);
                if let Some(half) = halves.next() {
                    half.set(&body);
                }
            }
            What::Remove(name) => own.halves.retain(|it| it.name != name),
            What::AskToEnd(name) => {
                let halves = own.halves.iter_mut().filter(|it| it.name == name);
                halves.for_each(|it| it.asked_to_end = true);
            }
        }
    }
}

/// RFC 1035, as the service has it.
pub(crate) fn is_name(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.starts_with(|it: char| it.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.bytes().all(is_good)
}
