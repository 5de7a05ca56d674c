//! The methods that there are, by the names that the service has for them.

/// Every method that there is.
pub const METHODS: &[&str] = &[
    "firewalls.delete",
    "firewalls.get",
    "firewalls.insert",
    "firewalls.list",
    "firewalls.patch",
    "globalOperations.get",
    "globalOperations.wait",
    "networks.addPeering",
    "networks.delete",
    "networks.get",
    "networks.getEffectiveFirewalls",
    "networks.insert",
    "networks.list",
    "networks.listPeeringRoutes",
    "networks.removePeering",
    "networks.requestRemovePeering",
    "networks.updatePeering",
    "projects.get",
    "projects.testIamPermissions",
    "quotaInfos.list",
    "regionNetworkFirewallPolicies.getEffectiveFirewalls",
    "regionOperations.get",
    "routes.list",
    "subnetworks.aggregatedList",
    "subnetworks.insert",
];

/// Methods of IAM and of the Resource Manager, which are APIs of their own.
pub const OF_IAM: &[&str] = &[
    "projects.getIamPolicy",
    "projects.roles.create",
    "projects.setIamPolicy",
];

/// The methods that change halves: the last part of the path, the method and its permission.
pub(crate) const OF_HALVES: [(&str, &str, &str, &str); 4] = [
    (
        "addPeering",
        "POST",
        "networks.addPeering",
        "compute.networks.addPeering",
    ),
    (
        "updatePeering",
        "PATCH",
        "networks.updatePeering",
        "compute.networks.updatePeering",
    ),
    (
        "removePeering",
        "POST",
        "networks.removePeering",
        "compute.networks.removePeering",
    ),
    (
        "requestRemovePeering",
        "POST",
        "networks.requestRemovePeering",
        "compute.networks.removePeering",
    ),
];
