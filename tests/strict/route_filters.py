"""Filters of DescribeRouteTables. The emulator breaks over some of the documented ones, so none is left to it."""

from filters import admits, check, tagged
from rules import always_after, before
from wire import text

# A filter and where its values stand in a table.
PATHS = {
    "association.gateway-id": "associationSet/item/gatewayId",
    "association.main": "associationSet/item/main",
    "association.route-table-association-id": "associationSet/item/routeTableAssociationId",
    "association.route-table-id": "associationSet/item/routeTableId",
    "association.subnet-id": "associationSet/item/subnetId",
    "owner-id": "ownerId",
    "route-table-id": "routeTableId",
    "route.destination-cidr-block": "routeSet/item/destinationCidrBlock",
    "route.destination-ipv6-cidr-block": "routeSet/item/destinationIpv6CidrBlock",
    "route.destination-prefix-list-id": "routeSet/item/destinationPrefixListId",
    "route.egress-only-internet-gateway-id": "routeSet/item/egressOnlyInternetGatewayId",
    "route.gateway-id": "routeSet/item/gatewayId",
    "route.instance-id": "routeSet/item/instanceId",
    "route.nat-gateway-id": "routeSet/item/natGatewayId",
    "route.origin": "routeSet/item/origin",
    "route.state": "routeSet/item/state",
    "route.transit-gateway-id": "routeSet/item/transitGatewayId",
    "route.vpc-peering-connection-id": "routeSet/item/vpcPeeringConnectionId",
    "vpc-id": "vpcId",
}


@before("route-filters", "1.5", "every documented filter of tables holds, route.state and route.origin too", "DescribeRouteTables")
def take_over(world, call):
    check(world, [name for name, _ in call.filters()], {*PATHS, "tag-key"})
    call.wanted = call.filters()
    call.without("Filter.")


@always_after
def apply(world, call, reply):
    """After the states are known, which one of the filters is about."""
    if call.action != "DescribeRouteTables" or reply.code is not None or not world.on("route-filters"):
        return
    found = reply.root.find("routeTableSet")
    for table in list(found):
        if not all(holds(table, name, values) for name, values in call.wanted):
            found.remove(table)


def holds(table, name, values):
    if name in PATHS:
        return admits(values, [node.text for node in table.iterfind(PATHS[name])])
    tags = {text(tag, "key"): text(tag, "value", "") for tag in table.iterfind("tagSet/item")}
    return tagged(name, values, tags) is not False
