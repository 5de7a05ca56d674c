"""Proofs about network interfaces."""

from lab import proves, refused, same, vpc
from about_groups import group


def interface(lab, network, groups, description="a machine"):
    subnet = lab.left.create_subnet(VpcId=network, CidrBlock="10.10.1.0/24")["Subnet"]["SubnetId"]
    made = lab.left.create_network_interface(SubnetId=subnet, Groups=groups, Description=description)
    return made["NetworkInterface"]["NetworkInterfaceId"]


def shown(lab, name):
    return lab.left.describe_network_interfaces(NetworkInterfaceIds=[name])["NetworkInterfaces"][0]


@proves("group-attached")
def a_group_that_is_attached_stays(lab):
    network = vpc(lab.left, "10.10.0.0/16")
    used, other = group(lab, "used", network), group(lab, "other", network)
    name = interface(lab, network, [used])
    refused("DependencyViolation", lab.left.delete_security_group, GroupId=used)
    lab.left.modify_network_interface_attribute(NetworkInterfaceId=name, Groups=[other])
    lab.left.delete_security_group(GroupId=used)


@proves("interface-groups")
def an_interface_takes_five_groups(lab):
    network = vpc(lab.left, "10.10.0.0/16")
    groups = [group(lab, f"group-{number}", network) for number in range(6)]
    name = interface(lab, network, groups[:1])
    lab.left.modify_network_interface_attribute(NetworkInterfaceId=name, Groups=groups[:5])
    change = lab.left.modify_network_interface_attribute
    refused("SecurityGroupsPerInterfaceLimitExceeded", change, NetworkInterfaceId=name, Groups=groups)
    same(len(shown(lab, name)["Groups"]), 5)


@proves("interface-managed")
def the_groups_of_a_databases_interface_are_not_changed(lab):
    network = vpc(lab.left, "10.10.0.0/16")
    one, other = group(lab, "one", network), group(lab, "other", network)
    name = interface(lab, network, [one], "RDSNetworkInterface")
    refused("AuthFailure", lab.left.modify_network_interface_attribute, NetworkInterfaceId=name, Groups=[other])


@proves("interface-requester")
def a_databases_interface_says_whose_it_is(lab):
    network = vpc(lab.left, "10.10.0.0/16")
    name = interface(lab, network, [group(lab, "one", network)], "RDSNetworkInterface")
    same((shown(lab, name)["RequesterManaged"], shown(lab, name)["RequesterId"]), (True, "amazon-rds"))
