"""Groups of the network at the other end of a peering, as sources of rules.

EC2 takes one of another network while an active peering joins the two within a region, and shows whose it is and which peering
leads there. The emulator knows no group of another account: such a rule is kept there with an address in place of the group,
one that no network has, and is shown as what it stands for.
"""

import ipaddress
import re

import peering
from rules import always_after, before, declare
from wire import Refusal, element, text

AUTHORIZE = ("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress")
REVOKE = ("RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress")
PAIR = re.compile(r"^(?P<at>IpPermissions\.\d+)\.(?:Groups|UserIdGroupPairs)\.(?P<number>\d+)\.GroupId$")

declare("group-across-shown", "1.6 [G]", "a rule that names a group of another network shows its account, its network and the peering")

# Reserved for no use at all (RFC 1112): what stands for a group is nobody's address.
STAND_INS = ipaddress.ip_network("240.0.0.0/8")


@before("group-across", "1.6, 3.1", "a group of another network is a source only while an active peering leads there within the region", *AUTHORIZE, *REVOKE)
def across(world, call):
    """Judges each group that is named, and has the emulator keep those of other accounts."""
    for name, group in list(call.params.items()):
        found = PAIR.match(name)
        if not found:
            continue
        pair = f"{found['at']}.{name.split('.')[2]}.{found['number']}"
        account = call.get(f"{pair}.UserId", call.account)
        home, other = network(world, call.place, call.get("GroupId", "")), network(world, (account, call.region), group)
        link = joins(world, (*call.place, home), (account, call.region, other)) if home and other else None
        if other is None or (other != home and link is None and call.action in AUTHORIZE):
            raise Refusal("InvalidGroup.NotFound", f"The security group '{group}' does not exist")
        if account == call.account:
            continue
        stands = world.across.setdefault((account, call.region, group), f"{STAND_INS[len(world.across) + 1]}/32")
        number = 1 + sum(1 for it in call.params if re.match(re.escape(found["at"]) + r"\.IpRanges\.\d+\.CidrIp$", it))
        said = call.get(f"{pair}.Description")
        call.without(f"{pair}.")
        call.change({f"{found['at']}.IpRanges.{number}.CidrIp": stands, f"{found['at']}.IpRanges.{number}.Description": said})


def network(world, place, group):
    """Where the group is, or nothing if it is not there."""
    try:
        shown = world.upstream.ask(place, "DescribeSecurityGroups", **{"GroupId.1": group})
    except Refusal:
        return None
    return text(shown, "securityGroupInfo/item/vpcId")


def joins(world, one, other):
    """The active peering between two networks."""
    pair = frozenset([one, other])
    return next((it for it in world.peerings.values() if it.pair() == pair and it.state == peering.ACTIVE), None)


@always_after
def shown(world, call, reply):
    """Whatever shows rules shows the groups that stand-ins stand for, with whose they are."""
    if reply.code is not None or call.action not in (*AUTHORIZE, "DescribeSecurityGroupRules", "DescribeSecurityGroups"):
        return
    stood = {stands: of for of, stands in world.across.items()}
    for item in reply.root.iterfind("securityGroupRuleSet/item"):
        of = stood.get(text(item, "cidrIpv4"))
        if of:
            item.remove(item.find("cidrIpv4"))
            item.append(element("referencedGroupInfo", {"groupId": of[2], "userId": of[0]}))
        info = item.find("referencedGroupInfo")
        if info is not None and world.on("group-across-shown"):
            tell(world, call, item, info)
    for permission in reply.root.iterfind("securityGroupInfo/item/ipPermissions/item"):
        ranges = permission.find("ipRanges")
        for item in list(ranges.iterfind("item") if ranges is not None else []):
            of = stood.get(text(item, "cidrIp"))
            if of:
                ranges.remove(item)
                groups = permission.find("groups")
                if groups is None:
                    groups = element("groups", [])
                    permission.append(groups)
                groups.append(element("item", {"groupId": of[2], "userId": of[0]}))


def tell(world, call, rule, info):
    """The network of a group that is not in the rule's own, and how one gets there."""
    account, group = text(info, "userId", call.account), text(info, "groupId")
    home = network(world, call.place, text(rule, "groupId"))
    other = network(world, (account, call.region), group)
    if other is None or other == home:
        return
    link = joins(world, (*call.place, home), (account, call.region, other))
    for name, value in {"vpcId": other, "vpcPeeringConnectionId": link and link.id, "peeringStatus": link and link.state}.items():
        if value and info.find(name) is None:
            info.append(element(name, value))
