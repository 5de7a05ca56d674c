"""Network interfaces: what security groups are attached to.

An interface that a service has made shows whose it is, and its groups are that service's business. The emulator has none of
those; here it is one with the description that a database's has.
"""

from rules import after, before
from wire import Refusal, element, text

MANAGED = {"RDSNetworkInterface": "amazon-rds"}


@before("group-attached", "1.6 [G]", "a group that is attached to an interface cannot be deleted", "DeleteSecurityGroup")
def attached(world, call):
    filters = {"Filter.1.Name": "group-id", "Filter.1.Value.1": call.get("GroupId", "")}
    found = world.upstream.ask(call.place, "DescribeNetworkInterfaces", **filters)
    if found.find("networkInterfaceSet/item") is not None:
        raise Refusal("DependencyViolation", f"resource {call.get('GroupId')} has a dependent object")


@before("interface-groups", "1.6 [G]", "no more groups on an interface than the quota (setting groups_per_interface)", "ModifyNetworkInterfaceAttribute")
def room(world, call):
    most = world.settings["groups_per_interface"]
    if sum(name.startswith("SecurityGroupId.") for name in call.params) > most:
        message = f"You have exceeded the maximum number of security groups allowed per network interface: {most}"
        raise Refusal("SecurityGroupsPerInterfaceLimitExceeded", message)


@before("interface-managed", "1.6 [G]", "the groups of an interface that a service manages are not changed", "ModifyNetworkInterfaceAttribute")
def managed(world, call):
    name = call.needed("NetworkInterfaceId")
    found = world.upstream.ask(call.place, "DescribeNetworkInterfaces", **{"NetworkInterfaceId.1": name})
    if text(found, "networkInterfaceSet/item/description") in MANAGED:
        raise Refusal("AuthFailure", "You do not have permission to access the specified resource.")


@after("interface-requester", "1.6 [G]", "an interface says which service manages it", "DescribeNetworkInterfaces")
def requester(world, call, reply):
    if reply.code is not None:
        return
    for item in reply.root.iterfind("networkInterfaceSet/item"):
        service = MANAGED.get(text(item, "description"))
        if service is not None:
            for name, value in (("requesterManaged", True), ("requesterId", service)):
                for old in item.findall(name):
                    item.remove(old)
                item.append(element(name, value))
