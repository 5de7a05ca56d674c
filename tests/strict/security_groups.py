"""Security groups: rules are taken all or none, in canonical form, and a group in use stays.

A permission is compared as EC2 compares it: protocol, ports and the other end. Descriptions and tags do not count.
"""

import re

import networks

# First, so that a group of another account is what it stands for when permissions are compared.
from groups_across import AUTHORIZE, REVOKE
from rules import after, before
from wire import Refusal, answer, text

CIDR = re.compile(r"(^|\.)(CidrIp|CidrIpv6|CidrIpv4)$")

# The other end of a permission, by the parameter that names it inside `IpPermissions.N.`.
ENDS = re.compile(
    r"^(IpRanges\.\d+\.CidrIp|Ipv6Ranges\.\d+\.CidrIpv6|PrefixListIds\.\d+\.PrefixListId|(Groups|UserIdGroupPairs)\.\d+\.GroupId)$"
)
# The same, in a rule as it is shown.
SHOWN_ENDS = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedGroupInfo/groupId")
FLAT_ENDS = ("CidrIp", "CidrIpv6", "SourceSecurityGroupId")


@before("group-canonical", "1.6", "the host bits of a rule's range are cut off", *AUTHORIZE, *REVOKE, "ModifySecurityGroupRules")
def canonical(world, call):
    call.change({name: networks.canonical(value) for name, value in call.params.items() if CIDR.search(name)})


@before("group-ports", "1.6", "a first port after the last one is refused", *AUTHORIZE)
def ports(world, call):
    for permission in parsed(call):
        protocol, first, last = permission.get("IpProtocol"), permission.get("FromPort"), permission.get("ToPort")
        if protocol in ("tcp", "udp", "6", "17") and None not in (first, last) and int(first) > int(last):
            raise Refusal("InvalidParameterValue", f"Invalid TCP/UDP port range ({first}:{last})")


@before("group-repeated", "1.6", "the same permission twice in one request is refused", *AUTHORIZE)
def repeated(world, call):
    wanted = asked(call)
    if len(wanted) != len(set(wanted)):
        raise Refusal("InvalidParameterValue", "The same permission must not appear multiple times")


@before("group-atomic", "1.6 [G]", "of a request with one rule that is there already, none is added", *AUTHORIZE)
def atomic(world, call):
    present = existing(world, call, egress=call.action.endswith("Egress"))
    for permission in asked(call):
        if permission in present:
            raise Refusal("InvalidPermission.Duplicate", f'the specified rule "peer: {permission[3]}" already exists')


@before("group-referenced", "1.6", "a group that a rule of another group refers to cannot be deleted", "DeleteSecurityGroup")
def referenced(world, call):
    name = call.get("GroupId")
    for item in world.upstream.ask(call.place, "DescribeSecurityGroupRules").iterfind("securityGroupRuleSet/item"):
        if text(item, "referencedGroupInfo/groupId") == name and text(item, "groupId") != name:
            raise Refusal("DependencyViolation", f"resource {name} has a dependent object")


@before("group-in-network", "1.4", "no group can be made in a network that does not exist", "CreateSecurityGroup")
def in_network(world, call):
    if call.get("VpcId"):
        # The emulator's own complaint, where it has one.
        world.upstream.ask(call.place, "DescribeVpcs", **{"VpcId.1": call.get("VpcId")})


@after("group-default-network", "1.6", "revoking what is not there succeeds in a default network, and is listed as unknown", *REVOKE)
def default_network(world, call, reply):
    if reply.code != "InvalidPermission.NotFound" or not in_default_network(world, call):
        return
    unknown = []
    for protocol, first, last, end in asked(call):
        ranges = "ipv6Ranges" if ":" in end else "ipRanges"
        cidr = "cidrIpv6" if ":" in end else "cidrIp"
        unknown.append({"ipProtocol": protocol, "fromPort": first, "toPort": last, ranges: [{cidr: end}]})
    reply.replace(answer(call, {"return": True, "unknownIpPermissionSet": unknown}))


def in_default_network(world, call):
    group = world.upstream.ask(call.place, "DescribeSecurityGroups", **{"GroupId.1": call.get("GroupId", "")})
    vpc = text(group, "securityGroupInfo/item/vpcId")
    network = world.upstream.ask(call.place, "DescribeVpcs", **{"VpcId.1": vpc})
    return text(network, "vpcSet/item/isDefault") == "true"


def parsed(call):
    """The permissions of a request: in the list, or the single one in the old flat form."""
    return call.structs("IpPermissions") or [call.params]


def asked(call):
    """Each permission of a request as protocol, ports and one other end, in canonical form."""
    found = []
    for permission in parsed(call):
        ends = [value for name, value in permission.items() if ENDS.match(name) or name in FLAT_ENDS]
        head = key(permission.get("IpProtocol"), permission.get("FromPort"), permission.get("ToPort"))
        found.extend((*head, networks.canonical(end)) for end in ends)
    return found


def existing(world, call, egress):
    """Every rule of the group that is there, in the same form."""
    filters = {"Filter.1.Name": "group-id", "Filter.1.Value.1": call.get("GroupId", "")}
    answer = world.upstream.ask(call.place, "DescribeSecurityGroupRules", **filters)
    found = set()
    for item in answer.iterfind("securityGroupRuleSet/item"):
        if (text(item, "isEgress") == "true") == egress:
            end = next((text(item, path) for path in SHOWN_ENDS if text(item, path)), "")
            found.add((*key(text(item, "ipProtocol"), text(item, "fromPort"), text(item, "toPort")), networks.canonical(end)))
    return found


def key(protocol, first, last):
    """All ports are said in several ways."""
    return (protocol or "-1", first or "-1", last or "-1") if protocol not in (None, "-1") else ("-1", "-1", "-1")
