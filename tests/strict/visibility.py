"""What a caller can see of what exists: ids, and reads that lag behind writes.

AWS is eventually consistent: an id that a call has just returned may be NotFound to the next, and a read may show what was
before a change. A `Lag` says how often, and for how long, one place's reads still see the past of one thing.
"""

import copy
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element

import peering as life
from rules import after, always_after, always_before, declare
from wire import Refusal, failure, text

declare("not-found", "1.4, 3.1", "an unknown or no longer visible peering is NotFound, not an empty list")
declare("malformed", "1.4", "an id that cannot be one is Malformed")
declare("eventual", "3.1, 3.5", "what was just made is NotFound for a while (settings unseen_reads, unseen_others_reads)")

PEERING_ID = re.compile(r"^pcx-([0-9a-f]{8}|[0-9a-f]{17})$")

# For each listing: its set, its items' id, the parameter that asks by id, and what is said when one is not there.
KINDS = {
    "DescribeRouteTables": ("routeTableSet", "routeTableId", "RouteTableId", "InvalidRouteTableID.NotFound"),
    "DescribeSecurityGroups": ("securityGroupInfo", "groupId", "GroupId", "InvalidGroup.NotFound"),
    "DescribeSecurityGroupRules": (
        "securityGroupRuleSet",
        "securityGroupRuleId",
        "SecurityGroupRuleId",
        "InvalidSecurityGroupRuleId.NotFound",
    ),
}

# For each write: the listing that shows what it changes, and the parameter that names it.
CHANGES = {
    "CreateRoute": ("DescribeRouteTables", "RouteTableId"),
    "ReplaceRoute": ("DescribeRouteTables", "RouteTableId"),
    "DeleteRoute": ("DescribeRouteTables", "RouteTableId"),
    "DeleteSecurityGroup": ("DescribeSecurityGroups", "GroupId"),
    "RevokeSecurityGroupIngress": ("DescribeSecurityGroupRules", "SecurityGroupRuleId.1"),
    "RevokeSecurityGroupEgress": ("DescribeSecurityGroupRules", "SecurityGroupRuleId.1"),
}

CREATIONS = {
    "CreateRouteTable": ".//routeTableId",
    "CreateSecurityGroup": ".//groupId",
    "AuthorizeSecurityGroupIngress": ".//securityGroupRuleId",
    "AuthorizeSecurityGroupEgress": ".//securityGroupRuleId",
}


@dataclass
class Lag:
    """`before` is what reads still see; `None` stands for nothing."""

    before: Element | None
    reads: int
    until: datetime


def hide(world, place, name, reads):
    """`name` has just been made; `place` will not see it for a while."""
    if world.on("eventual") and reads > 0:
        world.lags[place, name] = Lag(None, reads, world.now() + timedelta(seconds=world.settings["unseen_seconds"]))


def lagging(world, place, name):
    """The lag of one read of `name`, which it uses up; `None` when the read sees what is."""
    lag = world.lags.get((place, name))
    rule = "eventual" if lag and lag.before is None else "stale-reads"
    if lag is None or not world.on(rule):
        return None
    if lag.reads <= 0 or world.now() >= lag.until:
        del world.lags[place, name]
        return None
    lag.reads -= 1
    return lag


def unknown(name):
    return Refusal("InvalidVpcPeeringConnectionID.NotFound", f"The vpcPeeringConnection ID '{name}' does not exist")


def check_id(world, name):
    if world.on("malformed") and not PEERING_ID.match(name):
        raise Refusal("InvalidVpcPeeringConnectionId.Malformed", f'Invalid id: "{name}"')


def find(world, call, name):
    """The peering that a write of `call` means. It is as late as any read."""
    check_id(world, name)
    peering = world.peerings.get(name)
    if peering is None:
        adopt(world, call.place, [name])
        peering = world.peerings.get(name)
    if peering is None or lagging(world, call.place, name):
        raise unknown(name)
    life.advance(world, peering)
    if not life.visible(world, peering, call.place):
        raise unknown(name)
    # Who only tries, and never reads, gets there too.
    peering.reads += 1
    return peering


def adopt(world, place, names=()):
    """Takes over what happened at the emulator without us: peerings made, accepted, rejected or deleted by hand."""
    asked = {f"VpcPeeringConnectionId.{number}": name for number, name in enumerate(names, 1)}
    for item in world.upstream.ask(place, "DescribeVpcPeeringConnections", **asked).iterfind("vpcPeeringConnectionSet/item"):
        name, state = text(item, "vpcPeeringConnectionId"), text(item, "status/code")
        message = text(item, "status/message", "")
        known = world.peerings.get(name)
        if known is None:
            known = stranger(world, name, item, state, message)
        elif state == life.DELETED and known.state not in life.ENDED | {life.DELETING}:
            sides = (known.requester, known.accepter)
            known.ended_by = next((side.place for side in sides if side.account in message), None)
            life.enter(world, known, life.DELETED, message)
        elif state == life.REJECTED and known.state == life.PENDING:
            life.enter(world, known, life.REJECTED, message)
        elif state == life.ACTIVE and known.state in (life.INITIATING, life.PENDING):
            life.enter(world, known, life.PROVISIONING, "Provisioning")


def stranger(world, name, item, state, message):
    def side(tag):
        info = item.find(tag)
        return life.Side(text(info, "ownerId"), text(info, "region"), text(info, "vpcId"))

    now = world.now()
    made = life.Peering(name, side("requesterVpcInfo"), side("accepterVpcInfo"), now, state, message, now)
    world.peerings[name] = made
    return made


@after("spelling", "0, 1.4", "a peering's NotFound is spelt ID, as AWS does, not Id")
def spelling(world, call, reply):
    if reply.code == "InvalidVpcPeeringConnectionId.NotFound":
        error = reply.refusal()
        corrected = failure(Refusal("InvalidVpcPeeringConnectionID.NotFound", error.message, error.status))
        reply.replace(corrected)


@always_after
def hides_what_was_made(world, call, reply):
    path = CREATIONS.get(call.action)
    if path and reply.code is None:
        for node in reply.root.iterfind(path):
            hide(world, call.place, node.text, world.settings["unseen_others_reads"])


@always_before
def remembers_what_was(world, call):
    """Before a write, where late reads are wanted: what they will still show."""
    reads = world.settings["stale_reads"]
    if call.action not in CHANGES or reads <= 0 or not world.on("stale-reads"):
        return
    listing, parameter = CHANGES[call.action]
    tag, key, asks, _ = KINDS[listing]
    name = call.get(parameter)
    if name is None:
        return
    until = world.now() + timedelta(seconds=world.settings["stale_seconds"])
    for item in world.upstream.ask(call.place, listing, **{f"{asks}.1": name}).iterfind(f"{tag}/item"):
        call.remembered = ((call.place, text(item, key)), Lag(item, reads, until))


@always_after
def keeps_what_was(world, call, reply):
    if call.remembered and reply.code is None:
        name, lag = call.remembered
        if name not in world.lags or world.lags[name].reads <= 0:
            world.lags[name] = lag


@always_after
def shows_late(world, call, reply):
    """A listing as a late read sees it."""
    if call.action not in KINDS or reply.code is not None or not world.lags:
        return
    tag, key, asks, code = KINDS[call.action]
    found, asked = reply.root.find(tag), call.values(asks)
    there = {text(item, key): item for item in found}
    for place, name in list(world.lags):
        if place != call.place or not (name in there or name in asked or wanted(call, world.lags[place, name])):
            continue
        lag = lagging(world, place, name)
        if lag is None:
            continue
        if name in there:
            found.remove(there[name])
        if lag.before is not None:
            found.append(copy.deepcopy(lag.before))
        elif name in asked:
            raise Refusal(code, f"The ID '{name}' does not exist")


def wanted(call, lag):
    """Whether a listing that does not hold the thing any more would have held it."""
    groups = [value for name, values in call.filters() if name == "group-id" for value in values]
    return lag.before is not None and text(lag.before, "groupId") in groups
