"""Listings page by page. The emulator gives everything at once, whatever was asked."""

import base64

from rules import after, always_before, before
from wire import Refusal, element

# For each listing: the set in its answer, and the largest MaxResults it takes.
LISTINGS = {
    "DescribeVpcPeeringConnections": ("vpcPeeringConnectionSet", 1000),
    "DescribeRouteTables": ("routeTableSet", 100),
    "DescribeSecurityGroups": ("securityGroupInfo", 1000),
    "DescribeSecurityGroupRules": ("securityGroupRuleSet", 1000),
    "DescribeVpcs": ("vpcSet", 1000),
    "DescribeSubnets": ("subnetSet", 1000),
    "DescribeNetworkInterfaces": ("networkInterfaceSet", 1000),
}
SMALLEST = 5


@before("page-bounds", "1.4 [G]", "MaxResults below five or above the listing's limit is InvalidParameterValue", *LISTINGS)
def bounds(world, call):
    asked, largest = call.get("MaxResults"), LISTINGS[call.action][1]
    if asked is not None and not (asked.isdigit() and SMALLEST <= int(asked) <= largest):
        raise Refusal("InvalidParameterValue", f"Value ( {asked} ) for parameter maxResults is invalid. Expecting {SMALLEST} to {largest}.")


@always_before
def take_over(world, call):
    """The emulator must not page as well."""
    if call.action in LISTINGS and world.on("paging"):
        call.change({"MaxResults": None, "NextToken": None})


@after("paging", "1.4", "MaxResults and NextToken hold; a page may have less than was asked for (setting page_size)", *LISTINGS)
def page(world, call, reply):
    if reply.code is not None:
        return
    size = min(int(call.said.get("MaxResults") or world.settings["page_size"]), world.settings["page_size"])
    start = offset(call, call.said.get("NextToken"))
    found = reply.root.find(LISTINGS[call.action][0])
    items = list(found)
    for item in items[:start] + items[start + size :]:
        found.remove(item)
    old = reply.root.find("nextToken")
    if old is not None:
        reply.root.remove(old)
    if start + size < len(items):
        reply.root.append(element("nextToken", token(call, start + size)))


def token(call, start):
    return base64.urlsafe_b64encode(f"{call.action}:{start}".encode()).decode()


def offset(call, given):
    """Where the page of a token begins."""
    if not given:
        return 0
    try:
        action, _, start = base64.urlsafe_b64decode(given).decode().partition(":")
        if action == call.action:
            return int(start)
    except ValueError:
        pass
    raise Refusal("InvalidParameterValue", "The NextToken is invalid")
