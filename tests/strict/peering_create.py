"""Asking for a peering. EC2 takes almost any request and finds out later that it cannot be."""

import networks
import peering as life
import quotas
import tags
import views
import visibility
from rules import declare, handles
from wire import Refusal, answer, text

declare("overlap", "1.4, 3.2", "a request between networks with any overlapping block, of IPv4 or of IPv6, becomes failed, later")
declare("wrong-peer", "1.4", "a request to a network that its owner does not have becomes failed, later")
declare("self-peering", "1.4 [G]", "a request of a network to itself becomes failed, later")
declare("unknown-region", "1.4", "a region that does not exist is refused at once")
declare("same-pair", "0, 1.4, 3.3", "asking again in the same direction answers the live peering, whatever the new tags")

# The facts know this text as [G]: nobody may parse it.
DOOM = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"


@handles("CreateVpcPeeringConnection")
def create(world, call):
    requester = life.Side(*call.place, call.needed("VpcId"))
    region = call.get("PeerRegion") or call.region
    accepter = life.Side(call.get("PeerOwnerId") or call.account, region, call.needed("PeerVpcId"))
    if world.on("unknown-region") and region not in networks.regions():
        raise Refusal("InvalidParameterValue", f"The region {region} does not exist")
    ours = networks.read_blocks(world, requester)
    if ours is None:
        raise Refusal("InvalidVpcID.NotFound", f"The vpc ID '{requester.vpc}' does not exist")
    standing = asked_before(world, requester, accepter)
    if standing is not None:
        return answer(call, {"vpcPeeringConnection": views.one(world, call, standing)})
    quotas.room_for_request(world, requester)
    made = request(world, call, requester, accepter, doom(world, ours, requester, accepter))
    world.peerings[made.id] = made
    for place in {requester.place, accepter.place}:
        visibility.hide(world, place, made.id, world.settings["unseen_reads"])
    reply = answer(call, {"vpcPeeringConnection": views.one(world, call, made)})
    # The answer shows the request as it was made, even where it does not stay so for a moment.
    life.advance(world, made)
    return reply


def asked_before(world, requester, accepter):
    """The live peering that the same request made before."""
    if not world.on("same-pair"):
        return None
    visibility.adopt(world, requester.place)
    for peering in world.peerings.values():
        life.advance(world, peering)
        if (peering.requester, peering.accepter) == (requester, accepter) and peering.state in life.LIVE and not peering.doomed:
            return peering
    return None


def doom(world, ours, requester, accepter):
    """What the request will fail of, if anything."""
    theirs = networks.read_blocks(world, accepter)
    if requester == accepter:
        return DOOM if world.on("self-peering") else None
    if theirs is None:
        return DOOM if world.on("wrong-peer") else None
    return DOOM if world.on("overlap") and networks.overlap(ours, theirs) else None


def request(world, call, requester, accepter, fails_of):
    """Makes the request: at the emulator as well, unless it is going to fail."""
    if fails_of:
        name, given = world.invent_id(), {requester.place: tags.specified(call, "vpc-peering-connection")}
    else:
        reply = world.upstream.forward(call)
        if reply.code:
            raise reply.refusal()
        name, given = text(reply.root, "vpcPeeringConnection/vpcPeeringConnectionId"), {}
    now, message = world.now(), f"Initiating Request to {accepter.account}"
    return life.Peering(name, requester, accepter, now, life.INITIATING, message, now, doomed=fails_of, tags=given)
