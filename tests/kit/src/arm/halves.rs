//! Peerings: what each half is, what it makes of the other, and why one is refused.
//!
//! No recording has an error of a peering call: their codes are as users reported them
//! (errors-reported), and where a code is not known, the one here is made up, so that nobody leans
//! on it.

use super::{
    Answer, Asked, State, at, map,
    resources::{Child, HALVES, Outcome, Parent, prefixes, remote},
    texts,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Members that a PUT may have (virtualNetwork.json, 2024-05-01; and those that only answers were
/// recorded with). What is not among them is refused; those that are read-only are ignored
/// (network-watcher-2018#119, out-of-sync#31).
const MEMBERS: [&str; 22] = [
    "allowVirtualNetworkAccess",
    "allowForwardedTraffic",
    "allowGatewayTransit",
    "useRemoteGateways",
    "doNotVerifyRemoteGateways",
    "peerCompleteVnets",
    "localSubnetNames",
    "remoteSubnetNames",
    "enableOnlyIPv6Peering",
    "remoteVirtualNetwork",
    "localAddressSpace",
    "localVirtualNetworkAddressSpace",
    "remoteAddressSpace",
    "remoteVirtualNetworkAddressSpace",
    "remoteBgpCommunities",
    "remoteVirtualNetworkEncryption",
    "peeringState",
    "peeringSyncLevel",
    "provisioningState",
    "resourceGuid",
    "routeServiceVips",
    "remoteGateways",
];

/// The flags, each with what it is if nobody says it (network-watcher-2018#118;
/// sync-signed-operations-2024#7).
const FLAGS: [(&str, bool); 6] = [
    ("allowVirtualNetworkAccess", true),
    ("allowForwardedTraffic", false),
    ("allowGatewayTransit", false),
    ("useRemoteGateways", false),
    ("doNotVerifyRemoteGateways", false),
    ("peerCompleteVnets", true),
];

/// The longest name.
const LONGEST: usize = 80;

/// What a half becomes, what its operation comes to, and the other tenant that it took.
type Half = (Map<String, Value>, Outcome, Option<String>);

fn refused<T>(status: u16, code: &str, words: impl Into<String>) -> Result<T, Box<Answer>> {
    Err(Box::new(Answer::error(status, code, words)))
}

/// What is kept of a half beside its properties.
const STATE: &str = "peeringState";
const IN_FORCE: &str = "remoteAddressSpace";

impl State {
    /// A half that is put: refused, or as it is from then on.
    pub(super) fn half(
        &mut self,
        asked: &Asked,
        key: &str,
        name: &str,
    ) -> Result<Half, Box<Answer>> {
        let given = map(&asked.body["properties"]);
        if let Some(member) = given.keys().find(|it| !MEMBERS.contains(&it.as_str())) {
            let words = format!("Could not find member '{member}' on object of type 'VnetPeering'");
            return refused(400, "InvalidRequestFormat", words);
        }
        if name.len() > LONGEST {
            return refused(400, "InvalidResourceName", "the name is too long");
        }
        let far = at(&asked.body, "properties.remoteVirtualNetwork.id");
        let far = far.as_str().unwrap_or_default().to_owned();
        let other = far.to_ascii_lowercase();
        let tenant = self.linked(asked, &other)?;
        let there = self.child(key, HALVES, name).cloned();
        self.is_free(key, &other, there.as_ref())?;
        self.is_fit(key, &other, name)?;
        let mut flags = Map::new();
        for (flag, usual) in FLAGS {
            let said = given.get(flag).and_then(Value::as_bool);
            flags.insert(flag.to_owned(), said.unwrap_or(usual).into());
        }
        let meets = self.meeting(key, &other).map(|it| it.properties.clone());
        if flags["useRemoteGateways"] == true {
            self.may_borrow(key, &other, name, meets.as_ref())?;
        }
        let far_prefixes = self.parents.get(&other).map(prefixes).unwrap_or_default();
        let was = there.as_ref().map(|it| it.properties.clone());
        let is_sync = asked.query.iter().any(|(name, value)| {
            name == "syncRemoteAddressSpace" && value.eq_ignore_ascii_case("true")
        });
        let in_force = match &was {
            Some(was) if !is_sync && was[STATE] == "Connected" => was[IN_FORCE].clone(),
            Some(_) | None => json!({ "addressPrefixes": far_prefixes }),
        };
        // The second half says at once that it is connected (out-of-sync#18); one that is put
        // again, and whose other half is gone, waits as it did at first (errors-reported).
        let state = if meets.is_some() {
            "Connected"
        } else {
            "Initiated"
        };
        let mut half = flags;
        half.insert("remoteVirtualNetwork".to_owned(), json!({ "id": far }));
        half.insert(STATE.to_owned(), state.into());
        half.insert(IN_FORCE.to_owned(), in_force);
        let outcome = Outcome::HalfPut(key.to_owned(), name.to_owned());
        Ok((half, outcome, tenant))
    }

    /// Whether the caller may lead a half there. Another tenant's takes a token of that one.
    fn linked(&self, asked: &Asked, other: &str) -> Result<Option<String>, Box<Answer>> {
        let subscription = other.split('/').nth(2).unwrap_or_default();
        let caller = asked.tenant.clone().unwrap_or_default();
        let owner = self.tenants.get(subscription).cloned();
        let Some(owner) = owner.filter(|_| self.parents.contains_key(other)) else {
            // What is answered for a network that is not there is not recorded.
            let words = format!("Resource {other} referenced by the peering was not found.");
            return refused(404, "NotFound", words);
        };
        if owner.eq_ignore_ascii_case(&caller) {
            return Ok(None);
        }
        let words = format!(
            "The client has permission to perform action 'Microsoft.Network/virtualNetworks/peer/action', \
             however the current tenant '{caller}' is not authorized to access linked subscription \
             '{subscription}'."
        );
        let linked = |words: String| {
            let answer = Answer::of_manager(403, "LinkedAuthorizationFailed", words);
            Err(Box::new(answer))
        };
        if !asked
            .others
            .iter()
            .any(|it| it.eq_ignore_ascii_case(&owner))
        {
            return linked(words);
        }
        if self.may(&owner, "virtualNetworks/peer/action").is_some() {
            return linked(
                "it does not have permission to perform action 'peer/action'".to_owned(),
            );
        }
        Ok(Some(owner))
    }

    /// Peerings are made and changed one at a time; a removal waits for nothing
    /// (lifecycle-retry-after-2019#51).
    fn is_free(&self, key: &str, other: &str, there: Option<&Child>) -> Result<(), Box<Answer>> {
        let is_busy = |key: &str| {
            let parent = self.parents.get(key);
            let halves = parent.into_iter().flat_map(|it| &it.children);
            let mut changes = halves
                .map(|it| it.operation)
                .chain(parent.map(|it| it.operation));
            changes.any(|it| self.runs(it))
        };
        let words = "Cannot proceed with operation because a resource is not in Succeeded state.";
        if is_busy(other) {
            return refused(400, "ReferencedResourceNotProvisioned", words);
        }
        if there.is_some_and(|it| self.runs(it.operation)) || is_busy(key) {
            let detail = json!({"code": "ReferencedResourceNotProvisioned", "message": words});
            let error = json!({
                "code": "RetryableError",
                "message": "A retryable error occurred.",
                "details": [detail],
            });
            return Err(Box::new(Answer::new(429, json!({ "error": error }))));
        }
        Ok(())
    }

    /// Whether the two networks can be joined, by this half.
    fn is_fit(&self, key: &str, other: &str, name: &str) -> Result<(), Box<Answer>> {
        let (Some(own), Some(far)) = (self.parents.get(key), self.parents.get(other)) else {
            return Ok(());
        };
        let mut halves = own.children.iter().filter(|it| it.kind == HALVES);
        let is_rival = |it: &&Child| remote(it) == other && !it.name.eq_ignore_ascii_case(name);
        if let Some(rival) = halves.clone().find(is_rival) {
            let words = format!(
                "{} references the remote virtual network already",
                rival.name
            );
            return refused(400, "AnotherPeeringAlreadyReferencesRemoteVnet", words);
        }
        let (ours, theirs) = (prefixes(own), prefixes(far));
        if let Some(both) = overlap(&ours, &theirs) {
            let words =
                format!("their address spaces overlap. Overlapping address prefixes: {both}");
            return refused(400, "VnetAddressSpacesOverlap", words);
        }
        let third = halves.find_map(|it| {
            let other_one = self
                .parents
                .get(&remote(it))
                .filter(|_| remote(it) != other)?;
            overlap(&prefixes(other_one), &theirs)
        });
        if let Some(both) = third {
            let words = format!("already peered. Overlapping address prefixes: {both}");
            return refused(400, "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet", words);
        }
        match self.meeting(key, other) {
            Some(half) if half.properties[STATE] == "Disconnected" => {
                let words = format!("remote peering {} is in Disconnected state", half.name);
                refused(400, "RemotePeeringIsDisconnected", words)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the other network's gateway can be used. That it has none is reported; the codes of
    /// the rest are not known.
    fn may_borrow(
        &self,
        key: &str,
        other: &str,
        name: &str,
        meets: Option<&Map<String, Value>>,
    ) -> Result<(), Box<Answer>> {
        let has_gateway = |key: &str| {
            self.gateways.iter().any(|it| it == key) || self.has_gateway_subnet_in_use(key)
        };
        if !has_gateway(other) {
            return refused(400, "RemoteVnetHasNoGateways", "does not have any gateways");
        }
        let is_lent = meets.is_some_and(|it| it["allowGatewayTransit"] == true);
        let mut own = self
            .parents
            .get(key)
            .into_iter()
            .flat_map(|it| &it.children);
        let borrows_already = own.any(|it| {
            it.properties.get("useRemoteGateways") == Some(&Value::Bool(true)) && it.name != name
        });
        if has_gateway(key) || !is_lent || borrows_already {
            return refused(400, "MadeUpCannotUseRemoteGateways", "it cannot be used");
        }
        Ok(())
    }

    /// A gateway has its addresses in the subnet for gateways (lifecycle-gateway-2021#2).
    fn has_gateway_subnet_in_use(&self, key: &str) -> bool {
        let children = self
            .parents
            .get(key)
            .into_iter()
            .flat_map(|it| &it.children);
        let mut gateways = children.filter(|it| it.kind == "subnets" && it.name == "GatewaySubnet");
        gateways.any(|it| {
            let used = it.properties.get("ipConfigurations");
            used.and_then(Value::as_array)
                .is_some_and(|it| !it.is_empty())
        })
    }

    /// The half of the other network that leads back.
    fn meeting(&self, key: &str, other: &str) -> Option<&Child> {
        let mut children = self.parents.get(other)?.children.iter();
        children.find(|it| it.kind == HALVES && remote(it) == key)
    }

    /// A half that could not be made waits, whatever it would have met. Not recorded.
    pub(super) fn half_fails(&mut self, key: &str, name: &str) {
        let parent = self.parents.get_mut(key);
        let mut children = parent.into_iter().flat_map(|it| &mut it.children);
        if let Some(half) = children.find(|it| it.kind == HALVES && it.name == name) {
            half.properties.insert(STATE.to_owned(), "Initiated".into());
        }
    }

    /// A half is in place: its other one is connected from then on. Whether it is so a moment
    /// earlier is not recorded. What the other one was made of is in force as it is now.
    pub(super) fn half_stands(&mut self, key: &str, name: &str) {
        let other = self
            .child(key, HALVES, name)
            .map(remote)
            .unwrap_or_default();
        let own = self.parents.get(key).map(prefixes).unwrap_or_default();
        let etag = self.etag();
        let Some(far) = self.parents.get_mut(&other) else {
            return;
        };
        let mut halves = far.children.iter_mut();
        if let Some(half) = halves.find(|it| it.kind == HALVES && remote(it) == key) {
            if half.properties[STATE] != "Connected" {
                let in_force = json!({ "addressPrefixes": own });
                half.properties.insert(IN_FORCE.to_owned(), in_force);
            }
            half.properties.insert(STATE.to_owned(), "Connected".into());
            far.etag = etag;
        }
    }

    /// A half is gone: its other one has lost it, and keeps everything else
    /// (lifecycle-disconnected-2020#63).
    pub(super) fn half_goes(&mut self, key: &str, name: &str) {
        let other = self
            .child(key, HALVES, name)
            .map(remote)
            .unwrap_or_default();
        let etag = self.etag();
        let Some(far) = self.parents.get_mut(&other) else {
            return;
        };
        let mut halves = far.children.iter_mut();
        if let Some(half) = halves.find(|it| it.kind == HALVES && remote(it) == key) {
            half.properties
                .insert(STATE.to_owned(), "Disconnected".into());
            far.etag = etag;
        }
    }

    /// What is told of a half beside what it was put with. Older versions tell less (README 2.1).
    pub(super) fn show_half(&self, parent: &Parent, half: &mut Map<String, Value>, asked: &Asked) {
        let key = parent.id.to_ascii_lowercase();
        let far = half["remoteVirtualNetwork"]["id"]
            .as_str()
            .unwrap_or_default();
        let other = far.to_ascii_lowercase();
        let version = asked.query.get("api-version").map_or("", String::as_str);
        let mine = prefixes(parent);
        half.insert("routeServiceVips".to_owned(), json!({}));
        if version < "2021-03-01" {
            half.remove("peerCompleteVnets");
        }
        let Some(far) = self.parents.get(&other) else {
            return;
        };
        let of_pair = Uuid::from_u128(parent.guid.as_u128() ^ far.guid.as_u128());
        let guid = self.pair_guid.unwrap_or(of_pair);
        if version > "2018-08-01" {
            half.insert("resourceGuid".to_owned(), guid.to_string().into());
        }
        if version <= "2020-05-01" {
            return;
        }
        let actual = prefixes(far);
        let meets = self.meeting(&key, &other);
        let told = |half: &Map<String, Value>| texts(&half[IN_FORCE]["addressPrefixes"]);
        let is_behind = set(&told(half)) != set(&actual);
        // A half that waits says that the other one is behind (out-of-sync#13).
        let is_other_behind = meets.is_none_or(|it| set(&told(&it.properties)) != set(&mine));
        let level = match (is_behind, is_other_behind) {
            (false, false) => "FullyInSync",
            (true, false) => "LocalNotInSync",
            (false, true) => "RemoteNotInSync",
            // Not recorded.
            (true, true) => "LocalAndRemoteNotInSync",
        };
        half.insert("peeringSyncLevel".to_owned(), level.into());
        let actual = json!({ "addressPrefixes": actual });
        half.insert("remoteVirtualNetworkAddressSpace".to_owned(), actual);
    }
}

fn set(prefixes: &[String]) -> BTreeSet<&String> {
    prefixes.iter().collect()
}

/// The first two prefixes that share addresses.
fn overlap(ours: &[String], theirs: &[String]) -> Option<String> {
    let shares = |one: &str, other: &str| {
        let (one, other) = (span(one)?, span(other)?);
        (one.0 <= other.1 && other.0 <= one.1).then_some(())
    };
    ours.iter().find_map(|one| {
        let met = theirs.iter().find(|other| shares(one, other).is_some())?;
        Some(format!("{one}, {met}"))
    })
}

/// The first and the last address of an IPv4 prefix.
fn span(prefix: &str) -> Option<(u32, u32)> {
    let (address, length) = prefix.split_once('/')?;
    let first = u32::from(address.parse::<std::net::Ipv4Addr>().ok()?);
    let length: u32 = length.parse().ok()?;
    let rest = u32::MAX.checked_shr(length).unwrap_or(0);
    Some((first & !rest, first | rest))
}
