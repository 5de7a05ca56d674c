"""Drives the Resource Manager of the test kit with Azure's own library, and says what it made of it.

The library polls operations, reads what it is answered into its own types and raises its own errors: whatever it cannot make sense of is a
defect of the stand-in. Each line of the output is one thing that held; anything else ends with a trace.
"""

import sys

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.policies import HTTPPolicy
from azure.core.rest import HttpRequest
from azure.mgmt.network import NetworkManagementClient

GROUP = "rg"


class Token:
    """The token that is given, for every scope."""

    def __init__(self, token):
        self.token = token

    def get_token(self, *scopes, **options):
        return AccessToken(self.token, 2**31)


class Bearer(HTTPPolicy):
    """The library's own policy sends no token over plain HTTP."""

    def __init__(self, token):
        super().__init__()
        self.token = token

    def send(self, request):
        request.http_request.headers["Authorization"] = f"Bearer {self.token}"
        return self.next.send(request)


def holds(what, condition):
    if not condition:
        raise AssertionError(what)
    print(what)


def code(call):
    try:
        call()
    except HttpResponseError as error:
        return error.status_code, error.error.code
    raise AssertionError("it was not refused")


def main(endpoint, subscription, token):
    client = NetworkManagementClient(
        Token(token),
        subscription,
        base_url=endpoint,
        authentication_policy=Bearer(token),
        polling_interval=0,
    )
    vnets, halves = client.virtual_networks, client.virtual_network_peerings

    def vnet(name, prefix):
        subnet = {"name": "one", "properties": {"addressPrefix": prefix}}
        body = {"location": "westus", "properties": {"addressSpace": {"addressPrefixes": [prefix]}, "subnets": [subnet]}}
        return vnets.begin_create_or_update(GROUP, name, body).result()

    a, b = vnet("a", "10.0.0.0/16"), vnet("b", "10.1.0.0/16")
    holds("a network is made and read", vnets.get(GROUP, "a").subnets[0].name == "one" and a.provisioning_state == "Succeeded")
    holds("networks are listed", {it.name for it in vnets.list(GROUP)} == {"a", "b"} and len(list(vnets.list_all())) == 2)

    limits = {it.name.value: it.limit for it in client.usages.list("westus")}
    told = ("PeeringsPerVirtualNetwork", "SecurityRulesPerNetworkSecurityGroup", "RoutesPerRouteTable")
    holds("what a subscription allows is told", [limits[it] for it in told] == [500, 1000, 400])

    def half(near, name, far, query=None, **flags):
        body = {"remoteVirtualNetwork": {"id": far.id}, "allowVirtualNetworkAccess": False, **flags}
        options = {"sync_remote_address_space": query} if query else {}
        return halves.begin_create_or_update(GROUP, near, name, {"name": name, "properties": body}, **options).result()

    first = half("a", "ab", b)
    holds("a first half waits", first.peering_state == "Initiated" and first.peering_sync_level == "RemoteNotInSync")
    second = half("b", "ba", a)
    holds("a second one is connected", second.peering_state == "Connected" and second.peering_sync_level == "FullyInSync")
    holds("and so is the first", halves.get(GROUP, "a", "ab").peering_state == "Connected")
    holds("both have one guid", halves.get(GROUP, "a", "ab").resource_guid == second.resource_guid)
    holds("halves are listed", [it.name for it in halves.list(GROUP, "a")] == ["ab"])
    holds("a flag is changed", half("a", "ab", b, allowForwardedTraffic=True).allow_forwarded_traffic is True)

    wider = {"location": "westus", "properties": {"addressSpace": {"addressPrefixes": ["10.1.0.0/16", "10.9.0.0/16"]}}}
    vnets.begin_create_or_update(GROUP, "b", wider).result()
    behind = halves.get(GROUP, "a", "ab")
    holds("a half falls behind", behind.peering_sync_level == "LocalNotInSync")
    holds("and says what is in force", behind.remote_address_space.address_prefixes == ["10.1.0.0/16"])
    synced = half("a", "ab", b, query="true")
    holds("it is synced", synced.peering_sync_level == "FullyInSync" and len(synced.remote_address_space.address_prefixes) == 2)

    vnet("c", "10.0.128.0/17")
    overlap = code(lambda: half("a", "ac", vnets.get(GROUP, "c")))
    holds("networks that overlap are refused", overlap == (400, "VnetAddressSpacesOverlap"))
    rival = code(lambda: half("a", "again", b))
    holds("a second half for a pair is refused", rival == (400, "AnotherPeeringAlreadyReferencesRemoteVnet"))
    gateway = code(lambda: half("a", "ab", b, useRemoteGateways=True))
    holds("a gateway that is not there is refused", gateway == (400, "RemoteVnetHasNoGateways"))

    halves.begin_delete(GROUP, "b", "ba").result()
    holds("the other half is disconnected", halves.get(GROUP, "a", "ab").peering_state == "Disconnected")
    stale = code(lambda: half("b", "ba", a))
    holds("which stands in the way", stale == (400, "RemotePeeringIsDisconnected"))
    halves.begin_delete(GROUP, "a", "ab").result()
    try:
        halves.get(GROUP, "a", "ab")
    except ResourceNotFoundError as error:
        holds("what is removed is not found", error.error.code == "NotFound")
    halves.begin_delete(GROUP, "a", "ab").result()
    holds("removing it again does no harm", list(halves.list(GROUP, "a")) == [])

    managed = client.list_network_manager_effective_connectivity_configurations(GROUP, "a", {})
    kept = managed.value[0].properties
    holds("what a network manager has in force is told", kept.delete_existing_peering == "True" and managed.skip_token is None)
    holds("and what it keeps to itself", kept.connectivity_capabilities.peering_enforcement == "Enforced")

    groups, rules = client.network_security_groups, client.security_rules
    guard = groups.begin_create_or_update(GROUP, "guard", {"location": "westus"}).result()
    holds("a group has its default rules", [it.name for it in guard.default_security_rules][0] == "AllowVnetInBound")
    deny = {
        "protocol": "*",
        "access": "Deny",
        "direction": "Inbound",
        "priority": 100,
        "sourceAddressPrefixes": ["10.1.0.0/16"],
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "*",
    }
    deny = {"properties": deny}
    rule = rules.begin_create_or_update(GROUP, "guard", "deny", deny).result()
    holds("a rule is made", rule.provisioning_state == "Succeeded" and rule.source_address_prefixes == ["10.1.0.0/16"])
    twice = code(lambda: rules.begin_create_or_update(GROUP, "guard", "other", deny).result())
    holds("two of one priority are refused", twice == (400, "SecurityRuleConflict"))
    subnet = {"properties": {"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": {"id": guard.id}}}
    client.subnets.begin_create_or_update(GROUP, "a", "guarded", subnet).result()
    used = code(lambda: groups.begin_delete(GROUP, "guard").result())
    holds("a group in use is kept", used == (400, "InUseNetworkSecurityGroupCannotBeDeleted"))
    inside = {"name": "one", "properties": {"subnet": {"id": vnets.get(GROUP, "a").subnets[1].id}}}
    card = {"location": "westus", "properties": {"ipConfigurations": [inside], "networkSecurityGroup": {"id": guard.id}}}
    interfaces = client.network_interfaces
    card = interfaces.begin_create_or_update(GROUP, "card", card).result()
    holds("an interface has its group", card.network_security_group.id == guard.id and card.provisioning_state == "Succeeded")
    holds("interfaces are listed", [it.name for it in interfaces.list(GROUP)] == ["card"])
    here = client.subnets.get(GROUP, "a", "guarded").ip_configurations
    holds("a subnet tells who is in it", [it.id for it in here] == [card.ip_configurations[0].id])
    client.subnets.begin_create_or_update(GROUP, "a", "guarded", {"properties": {"addressPrefix": "10.0.1.0/24"}}).result()
    used = code(lambda: groups.begin_delete(GROUP, "guard").result())
    holds("so is one that an interface has", used == (400, "InUseNetworkSecurityGroupCannotBeDeleted"))
    holds("an interface is read", interfaces.get(GROUP, "card").id == card.id)
    tagged = {"tags": {"owner": "them"}}
    holds("an interface is tagged", interfaces.update_tags(GROUP, "card", tagged).tags == {"owner": "them"})
    holds("and is listed with its subscription's", [it.tags for it in interfaces.list_all()] == [{"owner": "them"}])
    interfaces.begin_delete(GROUP, "card").result()
    holds("an interface is removed", client.subnets.get(GROUP, "a", "guarded").ip_configurations is None)
    subnets = client.subnets
    holds("subnets are listed", [it.name for it in subnets.list(GROUP, "a")] == ["one", "guarded"])
    subnets.begin_delete(GROUP, "a", "guarded").result()
    holds("a subnet is removed", [it.name for it in subnets.list(GROUP, "a")] == ["one"])
    holds("a network is tagged", vnets.update_tags(GROUP, "a", tagged).tags == {"owner": "them"})
    holds("a rule is read", rules.get(GROUP, "guard", "deny").access == "Deny")
    holds("a group is read with its rules", [it.name for it in groups.get(GROUP, "guard").security_rules] == ["deny"])
    holds("a group is tagged", groups.update_tags(GROUP, "guard", tagged).tags == {"owner": "them"})
    holds("groups are listed", [it.name for it in groups.list(GROUP)] == [it.name for it in groups.list_all()] == ["guard"])
    rules.begin_delete(GROUP, "guard", "deny").result()
    holds("a rule is removed", list(rules.list(GROUP, "guard")) == [])

    tables = client.route_tables
    tables.begin_create_or_update(GROUP, "table", {"location": "westus"}).result()
    hop = {"properties": {"addressPrefix": "10.7.0.0/16", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.9"}}
    client.routes.begin_create_or_update(GROUP, "table", "one", hop).result()
    holds("a route is made", tables.get(GROUP, "table").routes[0].next_hop_ip_address == "10.0.0.9")
    routes = client.routes
    holds("a route is read", routes.get(GROUP, "table", "one").next_hop_type == "VirtualAppliance")
    holds("routes are listed", [it.name for it in routes.list(GROUP, "table")] == ["one"])
    holds("a table is tagged", tables.update_tags(GROUP, "table", tagged).tags == {"owner": "them"})
    holds("tables are listed", [it.name for it in tables.list(GROUP)] == [it.name for it in tables.list_all()] == ["table"])
    routes.begin_delete(GROUP, "table", "one").result()
    holds("a route is removed", list(routes.list(GROUP, "table")) == [])
    # The library asks for the operation's status; that it has no result is told elsewhere.
    told = []
    tables.begin_delete(GROUP, "table", raw_response_hook=lambda it: told.append(it.http_response.headers.get("location"))).result()
    result = client.send_request(HttpRequest("GET", told[0]))
    holds("a removal has no result", result.status_code == 204)
    groups.begin_delete(GROUP, "guard").result()
    holds("a group is removed", list(groups.list(GROUP)) == [])
    vnets.begin_delete(GROUP, "b").result()
    holds("networks and tables are removed", [it.name for it in vnets.list(GROUP)] == ["a", "c"])


main(*sys.argv[1:])
