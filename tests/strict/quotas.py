"""Quotas. How much is allowed is a setting; what counts, and when it is counted, is here."""

import json

import peering as life
from rules import before, declare
from wire import Refusal, Reply, text

declare("quota-active", "1.4, 3.2, 3.4", "no more active peerings for one network than the quota (setting active_per_vpc)")
declare("tells-quotas", "3.2", "an account that may ask is told its quotas as they are (setting tells_quotas: whether the service is there)")
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


def told(world, call):
    """Service Quotas: JSON in, JSON out. Each page has one, so that a caller who reads one page only knows less."""
    if world.is_denied(call):
        refused = {"__type": "AccessDeniedException", "Message": "not authorized to perform: servicequotas:ListServiceQuotas"}
        return Reply(400, json.dumps(refused).encode(), "application/x-amz-json-1.1")
    asked = json.loads(call.body or b"{}")
    codes = {"L-7E9ECCDB": "active_per_vpc", "L-DC9F7029": "outstanding_requests", "L-93826ACB": "routes_per_table"}
    known = [{"ServiceCode": "vpc", "QuotaCode": code, "Value": float(world.settings[setting])} for code, setting in codes.items()]
    if asked.get("ServiceCode") != "vpc" or not world.on("tells-quotas"):
        known = []
    page = int(asked.get("NextToken", 0))
    answer = {"Quotas": known[page : page + 1]}
    if page + 1 < len(known):
        answer["NextToken"] = str(page + 1)
    return Reply(200, json.dumps(answer).encode(), "application/x-amz-json-1.1")


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
