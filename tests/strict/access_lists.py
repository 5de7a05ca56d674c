"""Access lists: the one that comes with a network lets IPv6 through as soon as the network has a block of it.

The emulator keeps to the rule for IPv4 alone.
"""

from rules import after
from wire import element, text

NUMBER = 101


@after("acl-ipv6", "1.7 [G]", "the default list of a network with an IPv6 block allows all of IPv6", "DescribeNetworkAcls")
def all_of_ipv6(world, call, reply):
    if reply.code is not None:
        return
    for item in reply.root.iterfind("networkAclSet/item"):
        if text(item, "default") != "true" or not has_ipv6(world, call, text(item, "vpcId")):
            continue
        for egress in (False, True):
            allowed = {"ruleNumber": NUMBER, "protocol": "-1", "ruleAction": "allow", "egress": egress, "ipv6CidrBlock": "::/0"}
            item.find("entrySet").append(element("item", allowed))


def has_ipv6(world, call, vpc):
    found = world.upstream.ask(call.place, "DescribeVpcs", **{"VpcId.1": vpc})
    return found.find("vpcSet/item/ipv6CidrBlockAssociationSet/item") is not None
