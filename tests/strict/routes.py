"""Routes over a peering: what may be asked for, and the state that follows from the peering's own."""

import networks
import peering as life
import visibility
from rules import after, before
from wire import Refusal, text

DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock")
TARGETS = (
    "CarrierGatewayId",
    "CoreNetworkArn",
    "EgressOnlyInternetGatewayId",
    "GatewayId",
    "InstanceId",
    "LocalGatewayId",
    "LocalTarget",
    "NatGatewayId",
    "NetworkInterfaceId",
    "OdbNetworkArn",
    "TransitGatewayId",
    "VpcEndpointId",
    "VpcPeeringConnectionId",
)
WRITES = ("CreateRoute", "ReplaceRoute")


@before("route-canonical", "1.5", "the host bits of a destination are cut off", *WRITES, "DeleteRoute")
def canonical(world, call):
    call.change({name: networks.canonical(call.get(name)) for name in DESTINATIONS if call.get(name)})


@before("route-target", "1.5", "a route without a target is MissingParameter", *WRITES)
def needs_target(world, call):
    if not any(call.get(name) for name in TARGETS):
        raise Refusal("MissingParameter", "The request must contain exactly one target of the route")


@before("route-live-peering", "1.5 [G]", "no route can be made over a peering that has ended or is unknown", *WRITES)
def live_peering(world, call):
    name = call.get("VpcPeeringConnectionId")
    if name and visibility.find(world, call, name).state not in life.LIVE:
        raise visibility.unknown(name)


@before("route-own-peering", "1.5 [G]", "no route can be made over a peering of another network", *WRITES)
def own_peering(world, call):
    name, table = call.get("VpcPeeringConnectionId"), route_table(world, call)
    peering = world.peerings.get(name)
    if peering is None or table is None:
        return
    vpc = text(table, "vpcId")
    if vpc not in [getattr(peering, role).vpc for role in peering.roles(call.place)]:
        message = f"route table {call.get('RouteTableId')} and peering {name} belong to different networks"
        raise Refusal("InvalidParameterValue", message)


@before("route-local", "1.5 [G]", "a destination that is a block of the network itself is RouteAlreadyExists", "CreateRoute")
def local(world, call):
    destination = networks.canonical(call.get("DestinationCidrBlock", ""))
    if destination in local_blocks(world, call):
        raise Refusal("RouteAlreadyExists", f"The route identified by {destination} already exists.")


@before("route-repeated", "1.5", "a destination of IPv6 that the table has already is RouteAlreadyExists", "CreateRoute")
def repeated(world, call):
    destination, table = call.get("DestinationIpv6CidrBlock"), route_table(world, call)
    if destination is None or table is None:
        return
    there = [text(route, "destinationIpv6CidrBlock") for route in table.iterfind("routeSet/item")]
    if networks.canonical(destination) in [networks.canonical(it) for it in there if it]:
        raise Refusal("RouteAlreadyExists", f"The route identified by {destination} already exists.")


@before("route-local-stays", "1.5", "the route to the network itself cannot be deleted", "DeleteRoute")
def local_stays(world, call):
    destination = networks.canonical(call.get("DestinationCidrBlock", ""))
    if destination in local_blocks(world, call):
        message = f"cannot remove local route {destination} in route table {call.get('RouteTableId')}"
        raise Refusal("InvalidParameterValue", message)


def route_table(world, call):
    """The table that a write means; `None` when the emulator will say itself that there is none."""
    try:
        answer = world.upstream.ask(call.place, "DescribeRouteTables", **{"RouteTableId.1": call.get("RouteTableId", "")})
    except Refusal:
        return None
    return answer.find("routeTableSet/item")


def local_blocks(world, call):
    table = route_table(world, call)
    return [] if table is None else networks.blocks(world, life.Side(*call.place, text(table, "vpcId"))) or []


@after("blackhole", "1.5", "a route is active only while its peering is, and a blackhole before and after", "DescribeRouteTables")
def blackhole(world, call, reply):
    if reply.code is not None:
        return
    for route in reply.root.iterfind("routeTableSet/item/routeSet/item"):
        name = text(route, "vpcPeeringConnectionId")
        if name:
            route.find("state").text = "active" if is_active(world, call, name) else "blackhole"


def is_active(world, call, name):
    if name not in world.peerings:
        visibility.adopt(world, call.place, [name])
    peering = world.peerings.get(name)
    if peering is None:
        return False
    life.advance(world, peering)
    return peering.state == life.ACTIVE
