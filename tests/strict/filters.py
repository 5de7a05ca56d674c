"""Filters of listings, evaluated here in full: the emulator ignores some and breaks over others.

Values of one filter are alternatives, several filters must all hold; `*` and `?` stand for any text and any one character.
"""

import re

import networks
import views
from rules import declare
from wire import Refusal

declare("peering-filters", "0, 1.4", "the twelve documented filters of DescribeVpcPeeringConnections hold")
declare("unknown-filters", "0, 1.4, 1.5", "a filter that is not documented is InvalidParameterValue")


def check(world, names, known):
    for name in names:
        if name not in known and not name.startswith("tag:") and world.on("unknown-filters"):
            raise Refusal("InvalidParameterValue", f"The filter '{name}' is invalid")


def admits(wanted, present):
    """Whether any of the values that are there is one of those wanted."""
    return any(pattern(value).fullmatch(there) for value in wanted for there in present if there is not None)


def pattern(value):
    """A filter's value as a regular expression; a backslash takes its meaning from the next character."""
    pieces, escaped = [], False
    for character in value:
        if escaped or character not in "*?\\":
            pieces.append(re.escape(character))
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            pieces.append(".*" if character == "*" else ".")
    return re.compile("".join(pieces), re.DOTALL)


def tagged(name, wanted, tags):
    """The two filters about tags, which every listing has; `None` when it is another one."""
    if name.startswith("tag:"):
        return admits(wanted, [tags.get(name.removeprefix("tag:"))])
    return admits(wanted, list(tags)) if name == "tag-key" else None


PEERING = {
    "accepter-vpc-info.cidr-block": lambda world, p: networks.of_family(networks.blocks(world, p.accepter), 4),
    "accepter-vpc-info.owner-id": lambda _, p: [p.accepter.account],
    "accepter-vpc-info.vpc-id": lambda _, p: [p.accepter.vpc],
    "expiration-time": lambda _, p: [views.instant(p.expires)],
    "requester-vpc-info.cidr-block": lambda world, p: networks.of_family(networks.blocks(world, p.requester), 4),
    "requester-vpc-info.owner-id": lambda _, p: [p.requester.account],
    "requester-vpc-info.vpc-id": lambda _, p: [p.requester.vpc],
    "status-code": lambda _, p: [p.state],
    "status-message": lambda _, p: [p.message],
    "vpc-peering-connection-id": lambda _, p: [p.id],
}


def peerings(found, wanted, world):
    """Those of `found`, pairs of a peering and its tags, that every filter admits."""
    check(world, [name for name, _ in wanted], {*PEERING, "tag-key"})
    for name, values in wanted:
        if name in PEERING:
            found = [(peering, tags) for peering, tags in found if admits(values, PEERING[name](world, peering))]
        else:
            found = [(peering, tags) for peering, tags in found if tagged(name, values, tags) is not False]
    return found
