//! Resources as Resource Manager writes them. Members that no rule here needs are not read, and one
//! that is new is nothing to fail on.

use super::same;
use domain::text::ImmutableId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A reference to another resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reference {
    pub(crate) id: String,
}

/// How much of something there may be in a subscription and region.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Usage {
    pub(crate) name: UsageName,
    pub(crate) limit: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct UsageName {
    pub(crate) value: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AddressSpace {
    pub(crate) address_prefixes: Vec<String>,
}

/// A virtual network, with its subnets and its halves of links.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Vnet {
    pub(crate) id: String,
    pub(crate) location: String,
    pub(crate) properties: VnetProperties,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct VnetProperties {
    pub(crate) resource_guid: Option<Uuid>,
    pub(crate) address_space: AddressSpace,
    pub(crate) subnets: Vec<Subnet>,
    pub(crate) virtual_network_peerings: Vec<Half>,
}

impl VnetProperties {
    /// The guid, where there is one: it is the network's for as long as that exists, and a network
    /// that is made under its name later has another.
    pub(crate) fn guid(&self) -> Option<ImmutableId> {
        let guid = self.resource_guid.filter(|it| !it.is_nil())?;
        guid.to_string().parse().ok()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Subnet {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) properties: SubnetProperties,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SubnetProperties {
    pub(crate) network_security_group: Option<Reference>,
    pub(crate) route_table: Option<Reference>,
    pub(crate) ip_configurations: Vec<Value>,
    pub(crate) application_gateway_ip_configurations: Vec<Value>,
    pub(crate) private_endpoints: Vec<Value>,
    pub(crate) service_association_links: Vec<Value>,
    pub(crate) resource_navigation_links: Vec<Value>,
}

impl VnetProperties {
    /// Whether the network has a gateway of its own: one has its addresses in the subnet for
    /// gateways (recording `peering-lifecycle-gateway-2021`, 2).
    pub(crate) fn has_gateway(&self) -> bool {
        let subnets = self.subnets.iter();
        let mut of_gateways = subnets.filter(|it| same(&it.name, GATEWAY_SUBNET));
        of_gateways.any(|it| !it.properties.ip_configurations.is_empty())
    }
}

/// A subnet for gateways alone: no network security group may stand before it.
const GATEWAY_SUBNET: &str = "GatewaySubnet";

impl Subnet {
    /// Whether something is in it that packets can reach, and that a network security group may
    /// stand before.
    pub(crate) fn has_interfaces(&self) -> bool {
        let of = &self.properties;
        let lists = [
            &of.ip_configurations,
            &of.application_gateway_ip_configurations,
            &of.private_endpoints,
            &of.service_association_links,
            &of.resource_navigation_links,
        ];
        !self.name.eq_ignore_ascii_case(GATEWAY_SUBNET) && lists.iter().any(|it| !it.is_empty())
    }

    /// The ids of what has an address in it; nothing for what does not say its own. A network
    /// security group may stand before each that is an interface.
    pub(crate) fn addressed(&self) -> Vec<Option<&str>> {
        let of = &self.properties;
        let others = of.application_gateway_ip_configurations.iter();
        let others = others
            .chain(&of.private_endpoints)
            .chain(&of.service_association_links)
            .chain(&of.resource_navigation_links)
            .map(|_| None);
        let told = of.ip_configurations.iter();
        let told = told.map(|it| it.get("id").and_then(Value::as_str));
        told.chain(others).collect()
    }
}

/// One side's half of a link.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Half {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) properties: HalfProperties,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct HalfProperties {
    pub(crate) provisioning_state: String,
    pub(crate) peering_state: String,
    pub(crate) peering_sync_level: Option<String>,
    pub(crate) resource_guid: Option<Uuid>,
    pub(crate) remote_virtual_network: Reference,
    /// The ranges that are in force.
    pub(crate) remote_address_space: AddressSpace,
    /// The other network's ranges as they are.
    pub(crate) remote_virtual_network_address_space: Option<AddressSpace>,
    #[serde(flatten)]
    pub(crate) flags: Flags,
}

/// What of a half is its owner's to say. A PUT says all of it: what is left out is set back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Flags {
    pub(crate) allow_virtual_network_access: bool,
    pub(crate) allow_forwarded_traffic: bool,
    pub(crate) allow_gateway_transit: bool,
    pub(crate) use_remote_gateways: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) do_not_verify_remote_gateways: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peer_complete_vnets: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) local_subnet_names: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remote_subnet_names: Option<Vec<String>>,
    #[serde(
        rename = "enableOnlyIPv6Peering",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) enable_only_ipv6_peering: Option<bool>,
}

/// A half as it is asked for.
#[derive(Debug, Serialize)]
pub(crate) struct PutHalf<'a> {
    pub(crate) name: &'a str,
    pub(crate) properties: PutHalfProperties<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutHalfProperties<'a> {
    pub(crate) remote_virtual_network: &'a Reference,
    #[serde(flatten)]
    pub(crate) flags: &'a Flags,
}

/// What a list answers, page by page.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T> {
    pub(crate) value: Vec<T>,
    pub(crate) next_link: Option<String>,
}

/// A network interface.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Interface {
    pub(crate) id: String,
    pub(crate) properties: InterfaceProperties,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct InterfaceProperties {
    pub(crate) network_security_group: Option<Reference>,
}

/// A configuration of a network manager's that is in force at a network.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Managed {
    pub(crate) id: String,
    pub(crate) properties: Manager,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Manager {
    pub(crate) delete_existing_peering: Option<String>,
    pub(crate) connectivity_capabilities: Capabilities,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Capabilities {
    pub(crate) peering_enforcement: Option<String>,
    pub(crate) connected_group_address_overlap: Option<String>,
}

/// A list that goes on with a word of its own.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Skipped<T> {
    pub(crate) value: Vec<T>,
    pub(crate) skip_token: Option<String>,
}

/// A network security group with all its rules.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SecurityGroup {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) properties: SecurityGroupProperties,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SecurityGroupProperties {
    pub(crate) security_rules: Vec<SecurityRule>,
    pub(crate) default_security_rules: Vec<SecurityRule>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SecurityRule {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) properties: RuleProperties,
}

/// What a rule says. Of each prefix and range there is one, or a list, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RuleProperties {
    #[serde(skip_serializing)]
    pub(crate) provisioning_state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) protocol: String,
    pub(crate) access: String,
    pub(crate) direction: String,
    pub(crate) priority: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source_address_prefix: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) source_address_prefixes: Vec<String>,
    #[serde(skip_serializing)]
    pub(crate) source_application_security_groups: Vec<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source_port_range: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) source_port_ranges: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) destination_address_prefix: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) destination_address_prefixes: Vec<String>,
    #[serde(skip_serializing)]
    pub(crate) destination_application_security_groups: Vec<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) destination_port_range: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) destination_port_ranges: Vec<String>,
}

/// A route table with its routes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RouteTable {
    pub(crate) id: String,
    pub(crate) properties: RouteTableProperties,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RouteTableProperties {
    pub(crate) routes: Vec<Route>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Route {
    pub(crate) properties: RouteProperties,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RouteProperties {
    pub(crate) address_prefix: String,
    pub(crate) next_hop_type: String,
    pub(crate) next_hop_ip_address: Option<String>,
}
