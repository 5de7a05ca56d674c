"""Proofs about security groups."""

from lab import LEFT, RIGHT, accept, proves, refused, request, same, vpc


def group(lab, name="clients", network=None):
    network = network or vpc(lab.left, "10.10.0.0/16")
    return lab.left.create_security_group(GroupName=name, Description=name, VpcId=network)["GroupId"]


def tcp(first, last, *ranges, **more):
    return {"IpProtocol": "tcp", "FromPort": first, "ToPort": last, "IpRanges": [{"CidrIp": cidr} for cidr in ranges], **more}


def admit(lab, name, *permissions):
    return lab.left.authorize_security_group_ingress(GroupId=name, IpPermissions=list(permissions))


def admitted(lab, name):
    filters = [{"Name": "group-id", "Values": [name]}]
    rules = lab.left.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    return sorted((rule["FromPort"], rule["CidrIpv4"]) for rule in rules if not rule["IsEgress"])


@proves("group-atomic")
def with_one_rule_too_many_none_is_added(lab):
    name = group(lab)
    admit(lab, name, tcp(1, 1, "10.20.0.0/16"))
    wanted = [tcp(2, 2, "10.20.0.0/16"), tcp(1, 1, "10.20.0.0/16")]
    refused("InvalidPermission.Duplicate", lab.left.authorize_security_group_ingress, GroupId=name, IpPermissions=wanted)
    same(admitted(lab, name), [(1, "10.20.0.0/16")])


@proves("group-repeated")
def the_same_permission_twice_in_a_request_is_refused(lab):
    name = group(lab)
    wanted = [tcp(1, 1, "10.20.0.0/16"), tcp(1, 1, "10.30.0.0/16", "10.20.0.0/16")]
    refused("InvalidParameterValue", lab.left.authorize_security_group_ingress, GroupId=name, IpPermissions=wanted)
    same(admitted(lab, name), [])


@proves("group-canonical")
def host_bits_of_a_range_are_cut_off(lab):
    name = group(lab)
    answer = admit(lab, name, tcp(1, 1, "10.20.7.7/16"))
    same(answer["SecurityGroupRules"][0]["CidrIpv4"], "10.20.0.0/16")
    same(admitted(lab, name), [(1, "10.20.0.0/16")])
    wanted = [tcp(1, 1, "10.20.0.0/16")]
    refused("InvalidPermission.Duplicate", lab.left.authorize_security_group_ingress, GroupId=name, IpPermissions=wanted)
    lab.left.revoke_security_group_ingress(GroupId=name, IpPermissions=[tcp(1, 1, "10.20.9.0/16")])
    same(admitted(lab, name), [])


@proves("group-canonical")
def the_old_flat_form_is_no_way_around(lab):
    name = group(lab)
    flat = {"GroupId": name, "IpProtocol": "tcp", "FromPort": 5, "ToPort": 5, "CidrIp": "10.20.7.7/16"}
    lab.left.authorize_security_group_ingress(**flat)
    same(admitted(lab, name), [(5, "10.20.0.0/16")])
    refused("InvalidPermission.Duplicate", lab.left.authorize_security_group_ingress, **flat)


@proves("group-ports")
def ports_go_from_first_to_last(lab):
    name = group(lab)
    wanted = [tcp(90, 80, "10.20.0.0/16")]
    refused("InvalidParameterValue", lab.left.authorize_security_group_ingress, GroupId=name, IpPermissions=wanted)


@proves("group-referenced")
def a_group_in_use_stays(lab):
    network = vpc(lab.left, "10.10.0.0/16")
    used, user = group(lab, "used", network), group(lab, "user", network)
    admit(lab, user, tcp(1, 1, UserIdGroupPairs=[{"GroupId": used}]))
    admit(lab, used, tcp(1, 1, UserIdGroupPairs=[{"GroupId": used}]))
    refused("DependencyViolation", lab.left.delete_security_group, GroupId=used)
    lab.left.delete_security_group(GroupId=user)
    lab.left.delete_security_group(GroupId=used)


@proves("group-in-network")
def a_group_needs_a_network(lab):
    network = vpc(lab.left, "10.10.0.0/16")
    lab.left.delete_vpc(VpcId=network)
    arguments = {"GroupName": "late", "Description": "late", "VpcId": network}
    refused("InvalidVpcID.NotFound", lab.left.create_security_group, **arguments)


@proves("group-default-network")
def in_a_default_network_revoking_nothing_succeeds(lab):
    networks = lab.left.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    name = group(lab, network=networks[0]["VpcId"])
    answer = lab.left.revoke_security_group_ingress(GroupId=name, IpPermissions=[tcp(1, 1, "10.20.0.0/16")])
    same(answer["UnknownIpPermissions"], [tcp(1, 1, "10.20.0.0/16")])


@proves()
def in_any_other_network_revoking_nothing_is_refused(lab):
    name = group(lab)
    absent = [tcp(1, 1, "10.20.0.0/16")]
    refused("InvalidPermission.NotFound", lab.left.revoke_security_group_ingress, GroupId=name, IpPermissions=absent)


@proves()
def rules_of_both_ways_and_all_kinds_are_told_apart(lab):
    name = group(lab)
    admit(lab, name, tcp(1, 1, "10.20.0.0/16"), tcp(1, 2, "10.20.0.0/16"), tcp(1, 1, Ipv6Ranges=[{"CidrIpv6": "fd00::/8"}]))
    lab.left.authorize_security_group_egress(GroupId=name, IpPermissions=[tcp(1, 1, "10.20.0.0/16")])
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    refused("InvalidPermission.Duplicate", lab.left.authorize_security_group_egress, GroupId=name, IpPermissions=everything)


def joined(lab):
    """Two networks in one region with a peering that is active, and a group in each: ours, theirs."""
    lab.at_once()
    ours, theirs = vpc(lab.left, "10.10.0.0/16"), vpc(lab.right, "10.20.0.0/16")
    accept(lab.right, request(lab.left, ours, theirs))
    made = lab.right.create_security_group(GroupName="clients", Description="clients", VpcId=theirs)
    return group(lab, "servers", ours), made["GroupId"], theirs


def from_group(name, account):
    return tcp(2113, 2113, UserIdGroupPairs=[{"GroupId": name, "UserId": account}])


def shown_of(lab, name):
    filters = [{"Name": "group-id", "Values": [name]}]
    rules = lab.left.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    return [rule for rule in rules if not rule["IsEgress"]]


@proves("group-across", "group-across-shown")
def a_group_of_the_peers_is_a_source_and_is_shown_with_where_it_is(lab):
    ours, theirs, network = joined(lab)
    admit(lab, ours, from_group(theirs, RIGHT))
    wanted = [from_group(theirs, RIGHT)]
    refused("InvalidPermission.Duplicate", lab.left.authorize_security_group_ingress, GroupId=ours, IpPermissions=wanted)
    (rule,) = shown_of(lab, ours)
    info = rule["ReferencedGroupInfo"]
    same((info["GroupId"], info["UserId"], info["VpcId"], info["PeeringStatus"]), (theirs, RIGHT, network, "active"))
    same("CidrIpv4" in rule, False)
    listed = lab.left.describe_security_groups(GroupIds=[ours])["SecurityGroups"][0]["IpPermissions"]
    same([(pair["GroupId"], pair["UserId"]) for it in listed for pair in it["UserIdGroupPairs"]], [(theirs, RIGHT)])
    lab.left.revoke_security_group_ingress(GroupId=ours, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    same(shown_of(lab, ours), [])


@proves("group-across")
def a_group_of_ones_own_other_network_is_a_source_only_over_a_peering(lab):
    lab.at_once()
    here, there = vpc(lab.left, "10.10.0.0/16"), vpc(lab.left, "10.30.0.0/16")
    ours, other = group(lab, "servers", here), group(lab, "clients", there)
    wanted = [from_group(other, LEFT)]
    refused("InvalidGroup.NotFound", lab.left.authorize_security_group_ingress, GroupId=ours, IpPermissions=wanted)
    accept(lab.left, request(lab.left, here, there, account=LEFT))
    admit(lab, ours, from_group(other, LEFT))
    same([rule["ReferencedGroupInfo"]["VpcId"] for rule in shown_of(lab, ours)], [there])
