"""Quotas. How much is allowed is a setting; what counts, and when it is counted, is here."""

import peering as life
from rules import before, declare
from wire import Refusal, text

declare("quota-active", "1.4, 3.2, 3.4", "no more active peerings for one network than the quota (setting active_per_vpc)")
declare("quota-outstanding", "1.4, 3.2, 3.4", "no more requests waiting than the quota (setting outstanding_requests)")


def room_for_request(world, requester):
    room_for_active(world, requester)
    waiting = [p for p in current(world) if p.requester.place == requester.place and p.state in (life.INITIATING, life.PENDING)]
    if world.on("quota-outstanding") and len(waiting) >= world.settings["outstanding_requests"]:
        message = "You've reached the limit on the number of VPC peering connection requests that you can create"
        raise Refusal("OutstandingVpcPeeringConnectionLimitExceeded", message)


def room_for_active(world, *sides):
    for side in sides:
        own = [p for p in current(world) if side in (p.requester, p.accepter) and p.state in (life.ACTIVE, life.PROVISIONING)]
        if world.on("quota-active") and len(own) >= world.settings["active_per_vpc"]:
            message = f"You've reached the limit on the number of active VPC peering connections for the VPC {side.vpc}"
            raise Refusal("VpcPeeringConnectionsPerVpcLimitExceeded", message)


def current(world):
    for peering in world.peerings.values():
        life.advance(world, peering)
        yield peering


@before("quota-routes", "1.5, 3.2, 3.4", "no more routes of a family in a table than the quota (setting routes_per_table)", "CreateRoute")
def room_for_route(world, call):
    table = world.upstream.ask(call.place, "DescribeRouteTables", **{"RouteTableId.1": call.needed("RouteTableId")})
    kind = "destinationIpv6CidrBlock" if call.get("DestinationIpv6CidrBlock") else "destinationCidrBlock"
    routes = table.iterfind("routeTableSet/item/routeSet/item")
    routes = [route for route in routes if text(route, kind) and text(route, "gatewayId") != "local"]
    if len(routes) >= world.settings["routes_per_table"]:
        raise Refusal("RouteLimitExceeded", "You've reached the limit on the number of routes that you can add to a route table")
