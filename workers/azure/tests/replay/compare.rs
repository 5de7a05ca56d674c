//! Of a recorded body the members that the fake has, against its own. Ids are the same in any case.

use serde_json::Value;

/// The members that are compared, wherever they stand.
const MEMBERS: &[&str] = &[
    "name",
    "id",
    "type",
    "location",
    "tags",
    "status",
    "error",
    "code",
    "value",
    "properties",
    "provisioningState",
    "addressSpace",
    "addressPrefix",
    "addressPrefixes",
    "subnets",
    "networkSecurityGroup",
    "routeTable",
    "virtualNetworkPeerings",
    "peeringState",
    "peeringSyncLevel",
    "remoteVirtualNetwork",
    "remoteAddressSpace",
    "remoteVirtualNetworkAddressSpace",
    "allowVirtualNetworkAccess",
    "allowForwardedTraffic",
    "allowGatewayTransit",
    "useRemoteGateways",
    "doNotVerifyRemoteGateways",
    "peerCompleteVnets",
    "resourceGuid",
    "securityRules",
    "defaultSecurityRules",
    "protocol",
    "access",
    "direction",
    "priority",
    "sourcePortRange",
    "destinationPortRange",
    "sourceAddressPrefix",
    "destinationAddressPrefix",
    "sourceAddressPrefixes",
    "destinationAddressPrefixes",
    "destinationPortRanges",
    "sourcePortRanges",
    "routes",
    "nextHopType",
    "nextHopIpAddress",
];

/// Complains of each difference.
pub(crate) fn compare(at: &str, recorded: &Value, shown: &Value, wrong: &mut Vec<String>) {
    match (recorded, shown) {
        (Value::Object(members), _) => {
            for (name, recorded) in members {
                if MEMBERS.contains(&name.as_str()) {
                    let shown = shown.get(name).unwrap_or(&Value::Null);
                    compare(&format!("{at}.{name}"), recorded, shown, wrong);
                }
            }
        }
        (Value::Array(all), _) => {
            let none = Vec::new();
            let here = shown.as_array().unwrap_or(&none);
            if all.len() != here.len() {
                wrong.push(format!("{at} has {}, not {}", here.len(), all.len()));
            }
            for (index, (recorded, shown)) in all.iter().zip(here).enumerate() {
                compare(&format!("{at}[{index}]"), recorded, shown, wrong);
            }
        }
        (Value::String(one), Value::String(other)) if one.eq_ignore_ascii_case(other) => {}
        (one, other) if one == other => {}
        (one, other) => wrong.push(format!("{at} is {other}, not {one}")),
    }
}
