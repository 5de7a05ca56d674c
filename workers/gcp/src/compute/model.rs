//! What Compute answers and takes, as far as peering needs it. Members that are not here are
//! ignored; those that are may be absent.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T> {
    #[serde(default = "Vec::new")]
    pub(crate) items: Vec<T>,
    pub(crate) next_page_token: Option<String>,
}

/// One page of the quotas of a service.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuotaPage {
    #[serde(default)]
    pub(crate) quota_infos: Vec<ProjectQuota>,
    pub(crate) next_page_token: Option<String>,
}

/// A quota, for each set of dimensions that it has a number of its own for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ProjectQuota {
    pub(crate) metric: String,
    pub(crate) dimensions_infos: Vec<QuotaDimensions>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct QuotaDimensions {
    pub(crate) details: QuotaDetails,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct QuotaDetails {
    /// A whole number in text; -1 is without end.
    pub(crate) value: String,
}

/// One page of a list over all regions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AggregatedPage {
    #[serde(default)]
    pub(crate) items: BTreeMap<String, ScopedSubnetworks>,
    pub(crate) next_page_token: Option<String>,
}

/// What one region has; a warning in place of that where it has nothing.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ScopedSubnetworks {
    #[serde(default)]
    pub(crate) subnetworks: Vec<Subnetwork>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Project {
    pub(crate) name: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Network {
    pub(crate) name: String,
    /// The number that this network has and no other one ever gets, under whatever name.
    pub(crate) id: Option<String>,
    /// Only networks of a form that is no longer made have a range of their own.
    #[serde(rename = "IPv4Range")]
    pub(crate) ipv4_range: Option<String>,
    #[serde(default)]
    pub(crate) peerings: Vec<NetworkPeering>,
    pub(crate) network_firewall_policy_enforcement_order: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NetworkPeering {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) network: String,
    pub(crate) state: Option<String>,
    pub(crate) state_details: Option<String>,
    pub(crate) export_custom_routes: Option<bool>,
    pub(crate) import_custom_routes: Option<bool>,
    pub(crate) export_subnet_routes_with_public_ip: Option<bool>,
    pub(crate) import_subnet_routes_with_public_ip: Option<bool>,
    pub(crate) stack_type: Option<String>,
    pub(crate) update_strategy: Option<String>,
    pub(crate) connection_status: Option<ConnectionStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConnectionStatus {
    pub(crate) update_strategy: Option<String>,
    pub(crate) consensus_state: Option<ConsensusState>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsensusState {
    pub(crate) delete_status: Option<String>,
}

/// The body of addPeering and updatePeering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PeeringRequest {
    pub(crate) network_peering: PeeringBody,
}

/// A half as it is asked for, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PeeringBody {
    pub(crate) name: String,
    pub(crate) network: String,
    pub(crate) exchange_subnet_routes: bool,
    pub(crate) export_custom_routes: bool,
    pub(crate) import_custom_routes: bool,
    pub(crate) export_subnet_routes_with_public_ip: bool,
    pub(crate) import_subnet_routes_with_public_ip: bool,
    pub(crate) stack_type: &'static str,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PeeringRoute {
    pub(crate) dest_range: String,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) imported: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subnetwork {
    pub(crate) name: String,
    pub(crate) network: String,
    #[serde(default)]
    pub(crate) region: String,
    pub(crate) ip_cidr_range: Option<String>,
    #[serde(default)]
    pub(crate) secondary_ip_ranges: Vec<SecondaryRange>,
    pub(crate) internal_ipv6_prefix: Option<String>,
    pub(crate) external_ipv6_prefix: Option<String>,
    pub(crate) ipv6_cidr_range: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecondaryRange {
    pub(crate) ip_cidr_range: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Route {
    pub(crate) name: String,
    pub(crate) network: String,
    pub(crate) dest_range: String,
    pub(crate) next_hop_network: Option<String>,
    pub(crate) next_hop_peering: Option<String>,
    pub(crate) next_hop_gateway: Option<String>,
    pub(crate) next_hop_instance: Option<String>,
    pub(crate) next_hop_ip: Option<String>,
    pub(crate) next_hop_ilb: Option<String>,
    pub(crate) next_hop_vpn_tunnel: Option<String>,
    pub(crate) next_hop_hub: Option<String>,
    pub(crate) route_status: Option<String>,
}

/// A firewall rule of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Firewall {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    pub(crate) network: String,
    #[serde(default = "default_priority")]
    pub(crate) priority: u32,
    #[serde(default = "ingress")]
    pub(crate) direction: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) source_ranges: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) destination_ranges: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) source_tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) source_service_accounts: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) target_tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) target_service_accounts: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed: Vec<Protocol>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) denied: Vec<Protocol>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) disabled: bool,
}

/// The service's own default.
fn default_priority() -> u32 {
    1000
}

fn ingress() -> String {
    "INGRESS".to_owned()
}

/// A protocol with its ports; no ports are all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Protocol {
    #[serde(rename = "IPProtocol")]
    pub(crate) protocol: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ports: Vec<String>,
}

/// The policies that count for a network beside its own rules.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EffectiveFirewalls {
    /// Misspelt by the service.
    #[serde(default, rename = "firewallPolicys")]
    pub(crate) policies: Vec<Policy>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Policy {
    pub(crate) name: Option<String>,
    pub(crate) short_name: Option<String>,
    pub(crate) display_name: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) priority: Option<i64>,
    #[serde(default)]
    pub(crate) rules: Vec<PolicyRule>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicyRule {
    #[serde(default)]
    pub(crate) action: String,
    pub(crate) direction: Option<String>,
    #[serde(default)]
    pub(crate) disabled: bool,
    #[serde(default)]
    pub(crate) priority: i64,
    #[serde(default, rename = "match")]
    pub(crate) matcher: Matcher,
    #[serde(default)]
    pub(crate) target_resources: Vec<String>,
    #[serde(default)]
    pub(crate) target_service_accounts: Vec<String>,
    #[serde(default)]
    pub(crate) target_secure_tags: Vec<serde_json::Value>,
    #[serde(default)]
    pub(crate) target_forwarding_rules: Vec<String>,
    pub(crate) target_type: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Matcher {
    #[serde(default)]
    pub(crate) src_ip_ranges: Vec<String>,
    #[serde(default)]
    pub(crate) dest_ip_ranges: Vec<String>,
    #[serde(default)]
    pub(crate) layer4_configs: Vec<Layer4>,
    #[serde(default)]
    pub(crate) src_secure_tags: Vec<serde_json::Value>,
    #[serde(default)]
    pub(crate) src_address_groups: Vec<String>,
    #[serde(default)]
    pub(crate) src_fqdns: Vec<String>,
    #[serde(default)]
    pub(crate) src_region_codes: Vec<String>,
    #[serde(default)]
    pub(crate) src_threat_intelligences: Vec<String>,
    #[serde(default)]
    pub(crate) src_networks: Vec<String>,
    pub(crate) src_network_type: Option<String>,
    pub(crate) src_network_context: Option<String>,
    #[serde(default)]
    pub(crate) dest_address_groups: Vec<String>,
    #[serde(default)]
    pub(crate) dest_fqdns: Vec<String>,
    #[serde(default)]
    pub(crate) dest_region_codes: Vec<String>,
    #[serde(default)]
    pub(crate) dest_threat_intelligences: Vec<String>,
}

/// The same as [`Protocol`], in the words of policies.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Layer4 {
    pub(crate) ip_protocol: String,
    #[serde(default)]
    pub(crate) ports: Vec<String>,
}

/// A change that takes a while.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) status: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) http_error_status_code: Option<u16>,
    pub(crate) error: Option<OperationErrors>,
}

impl Operation {
    /// Whether it has ended, one way or the other.
    pub(crate) fn is_over(&self) -> bool {
        self.status.as_deref() == Some("DONE")
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct OperationErrors {
    #[serde(default)]
    pub(crate) errors: Vec<OperationError>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OperationError {
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) error_details: Vec<ErrorDetail>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorDetail {
    pub(crate) quota_info: Option<QuotaInfo>,
}

/// Which quota, and how much of it there is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuotaInfo {
    pub(crate) metric_name: Option<String>,
    pub(crate) limit: Option<f64>,
}

/// The answer to a call that failed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Failure {
    pub(crate) error: FailureBody,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct FailureBody {
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) errors: Vec<FailureReason>,
    #[serde(default)]
    pub(crate) details: Vec<FailureDetail>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct FailureReason {
    #[serde(default)]
    pub(crate) reason: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct FailureDetail {
    #[serde(default)]
    pub(crate) reason: String,
}
