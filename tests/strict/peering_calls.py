"""What can be done with a peering: list, accept, reject, delete; and what a network's deletion does to it."""

import filters
import peering as life
import networks
import quotas
import views
import visibility
from rules import after, always_after, before, declare, handles
from wire import Refusal, answer

declare("transitions", "1.4, 3.1", "accept, reject and delete are refused in a state that does not allow them")
declare("reversed-pair", "1.4, 3.2", "of two requests in opposite directions only one can be accepted")
declare("pending-delete", "1.4, 3.1", "a request that waits can be deleted by who asked, and by nobody else")


@handles("DescribeVpcPeeringConnections")
def describe(world, call):
    asked = list(dict.fromkeys(call.values("VpcPeeringConnectionId")))
    for name in asked:
        visibility.check_id(world, name)
    visibility.adopt(world, call.place)
    seen = [view for name in (asked or list(world.peerings)) if (view := look(world, call, name, bool(asked)))]
    tags = views.tags_seen(world, call.place, seen)
    contents = [(view, tags[view.id]) for view in seen]
    if world.on("peering-filters"):
        contents = filters.peerings(contents, call.filters(), world)
    return answer(call, {"vpcPeeringConnectionSet": [views.content(world, view, tags) for view, tags in contents]})


def look(world, call, name, by_id):
    """One peering as this read sees it, or `None`; asked for by its id, a missing one is an error."""
    peering = world.peerings.get(name)
    if peering is not None:
        life.advance(world, peering)
    if peering is not None and life.visible(world, peering, call.place):
        if not visibility.lagging(world, call.place, name):
            return life.shown(world, peering, call.place)
    if by_id and world.on("not-found"):
        raise visibility.unknown(name)
    return None


@handles("AcceptVpcPeeringConnection")
def accept(world, call):
    peering = visibility.find(world, call, call.needed("VpcPeeringConnectionId"))
    as_accepter(call, peering, "accept")
    may_become(world, peering, "active", life.PENDING)
    twins = [p for p in quotas.current(world) if p.pair() == peering.pair() and p.state in (life.ACTIVE, life.PROVISIONING)]
    if twins and world.on("reversed-pair"):
        raise Refusal("VpcPeeringConnectionAlreadyExists", f"A VPC peering connection already exists: {twins[0].id}")
    quotas.room_for_active(world, peering.requester, peering.accepter)
    mirror(world, peering, call.place, "AcceptVpcPeeringConnection")
    life.enter(world, peering, life.PROVISIONING, "Provisioning")
    life.advance(world, peering)
    return answer(call, {"vpcPeeringConnection": views.one(world, call, peering)})


@handles("RejectVpcPeeringConnection")
def reject(world, call):
    peering = visibility.find(world, call, call.needed("VpcPeeringConnectionId"))
    as_accepter(call, peering, "reject")
    may_become(world, peering, "rejected", life.PENDING)
    mirror(world, peering, call.place, "RejectVpcPeeringConnection")
    life.enter(world, peering, life.REJECTED, f"Rejected by {call.account}")
    return answer(call, {"return": True})


@handles("DeleteVpcPeeringConnection")
def delete(world, call):
    peering = visibility.find(world, call, call.needed("VpcPeeringConnectionId"))
    may_become(world, peering, "deleting", life.PENDING, life.ACTIVE)
    if peering.state == life.PENDING and "requester" not in peering.roles(call.place) and world.on("pending-delete"):
        message = f"User {call.account} cannot delete the pending peering {peering.id}: only its requester can"
        raise Refusal("OperationNotPermitted", message)
    end(world, peering, call.place)
    return answer(call, {"return": True})


def end(world, peering, place):
    """Deletes a peering for `place`."""
    if peering.state in life.ENDED | {life.DELETING}:
        return
    mirror(world, peering, place, "DeleteVpcPeeringConnection")
    peering.ended_by = place
    if peering.inter_region and peering.state == life.ACTIVE:
        life.enter(world, peering, life.DELETING, f"Deleting by {place[0]}")
        life.advance(world, peering)
    else:
        life.enter(world, peering, life.DELETED, f"Deleted by {place[0]}")


def mirror(world, peering, place, action):
    if peering.mirrored:
        world.upstream.ask(place, action, VpcPeeringConnectionId=peering.id)


def may_become(world, peering, target, *from_states):
    if peering.state not in from_states and world.on("transitions"):
        message = f"Invalid state transition for {peering.id}, attempted to transition from {peering.state} to {target}"
        raise Refusal("InvalidStateTransition", message)


def as_accepter(call, peering, deed):
    """The emulator has this one right, and it comes before everything that only we know."""
    if call.account != peering.accepter.account:
        raise Refusal("OperationNotPermitted", f"User {call.account} cannot {deed} peering {peering.id}")
    if call.region != peering.accepter.region:
        message = f"Incorrect region ({call.region}) specified for this request. {peering.id} must be {deed}ed in {peering.accepter.region}"
        raise Refusal("OperationNotPermitted", message)


@before("delete-vpc-pending", "1.4", "a network to which another account's request is waiting cannot be deleted", "DeleteVpc")
def delete_vpc_pending(world, call):
    side = life.Side(*call.place, call.get("VpcId"))
    for peering in quotas.current(world):
        if peering.accepter == side and peering.state == life.PENDING and not peering.same_account:
            message = f"The vpc '{side.vpc}' has dependencies and cannot be deleted."
            raise Refusal("DependencyViolation", message)


@after("delete-vpc", "1.4", "deleting a network deletes its peerings", "DeleteVpc")
def delete_vpc(world, call, reply):
    if reply.code is None:
        side = life.Side(*call.place, call.get("VpcId"))
        for peering in quotas.current(world):
            if side in (peering.requester, peering.accepter) and not peering.doomed:
                end(world, peering, call.place)


@always_after
def forget_blocks(world, call, reply):
    """A network, or a block of one, may have come or gone."""
    if call.action in ("AssociateVpcCidrBlock", "DisassociateVpcCidrBlock", "DeleteVpc"):
        networks.forget_blocks(world)
