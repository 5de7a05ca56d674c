"""Proofs about what can be seen: ids, and reads that lag behind writes; and about options, which need to be seen too."""

from lab import LEFT, HERE, accept, active, pair, proves, refused, request, same, see, state, states, vpc

GONE = "InvalidVpcPeeringConnectionID.NotFound"
UNKNOWN = "pcx-0123456789abcdef0"
OPTION = "AllowDnsResolutionFromRemoteVpc"


@proves("not-found")
def an_unknown_peering_is_not_found(lab):
    same(state(lab.left, UNKNOWN), GONE)
    refused(GONE, lab.left.accept_vpc_peering_connection, VpcPeeringConnectionId=UNKNOWN)


@proves("not-found")
def a_peering_of_strangers_is_not_found(lab):
    name, *_ = active(lab)
    same([state(lab.far, name), state(lab.client("333333333333", HERE), name)], [GONE, GONE])


@proves("malformed")
def an_id_that_cannot_be_one_is_malformed(lab):
    same(state(lab.left, "pcx-123"), "InvalidVpcPeeringConnectionId.Malformed")
    refused("InvalidVpcPeeringConnectionId.Malformed", lab.left.delete_vpc_peering_connection, VpcPeeringConnectionId="pcx-xyz")


@proves("spelling")
def the_emulators_own_not_found_is_spelt_as_aws_does(lab):
    # A call that no handler of the proxy carries out, but the emulator.
    arguments = {"VpcId": vpc(lab.left, "10.10.0.0/16")}
    table = lab.left.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [arguments["VpcId"]]}])["RouteTables"][0]
    lab.control("POST", "/_strict/rules", {"route-live-peering": False, "route-own-peering": False})
    route = {"RouteTableId": table["RouteTableId"], "DestinationCidrBlock": "10.20.0.0/16", "VpcPeeringConnectionId": UNKNOWN}
    refused(GONE, lab.left.create_route, **route)


@proves("eventual")
def a_new_peering_is_not_found_for_a_while(lab):
    lab.settings(unseen_reads=2, initiating_reads=0)
    name = request(lab.left, *pair(lab))
    same(lab.left.describe_vpc_peering_connections()["VpcPeeringConnections"], [])
    same(states(lab.left, name, 2), [GONE, "pending-acceptance"])
    refused(GONE, lab.right.accept_vpc_peering_connection, VpcPeeringConnectionId=name)
    same(states(lab.right, name, 2), [GONE, "pending-acceptance"])
    accept(lab.right, name)


@proves("eventual")
def passing_time_shows_a_new_peering_as_well(lab):
    lab.settings(unseen_reads=1000, initiating_reads=0)
    name = request(lab.left, *pair(lab))
    same(state(lab.left, name), GONE)
    lab.pass_time(minutes=6)
    same(state(lab.left, name), "pending-acceptance")


@proves("eventual")
def new_tables_groups_and_rules_are_not_found_for_a_while_if_wanted(lab):
    lab.settings(unseen_others_reads=1)
    network = vpc(lab.left, "10.10.0.0/16")
    table = lab.left.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
    refused("InvalidRouteTableID.NotFound", lab.left.describe_route_tables, RouteTableIds=[table])
    same(len(lab.left.describe_route_tables(RouteTableIds=[table])["RouteTables"]), 1)
    group = lab.left.create_security_group(GroupName="g", Description="g", VpcId=network)["GroupId"]
    refused("InvalidGroup.NotFound", lab.left.describe_security_groups, GroupIds=[group])
    same(len(lab.left.describe_security_groups(GroupIds=[group])["SecurityGroups"]), 1)
    permission = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "10.20.0.0/16"}]}
    lab.left.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    own = [{"Name": "group-id", "Values": [group]}]
    counts = [len(lab.left.describe_security_group_rules(Filters=own)["SecurityGroupRules"]) for _ in range(2)]
    same(counts, [1, 2])


@proves("stale-reads")
def a_late_read_shows_the_state_before(lab):
    lab.at_once()
    lab.settings(stale_reads=2)
    name = request(lab.left, *pair(lab))
    lab.pass_time(minutes=6)
    accept(lab.right, name)
    same(states(lab.left, name, 3), ["provisioning"] * 2 + ["active"])


@proves("stale-reads")
def a_late_read_shows_the_routes_and_rules_before(lab):
    name, ours, _ = active(lab)
    table = lab.left.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [ours]}])["RouteTables"][0]["RouteTableId"]
    lab.settings(stale_reads=1)
    lab.left.create_route(RouteTableId=table, DestinationCidrBlock="10.20.0.0/16", VpcPeeringConnectionId=name)
    counts = [len(lab.left.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]) for _ in range(2)]
    same(counts, [1, 2])
    group = lab.left.create_security_group(GroupName="g", Description="g", VpcId=ours)["GroupId"]
    own = [{"Name": "group-id", "Values": [group]}]
    rule = lab.left.describe_security_group_rules(Filters=own)["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    lab.left.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=[rule])
    counts = [len(lab.left.describe_security_group_rules(Filters=own)["SecurityGroupRules"]) for _ in range(2)]
    same(counts, [1, 0])


def set_option(ec2, name, role, on=True):
    return ec2.modify_vpc_peering_connection_options(VpcPeeringConnectionId=name, **{f"{role}PeeringConnectionOptions": {OPTION: on}})


def with_hostnames(lab, *networks):
    for ec2, network in networks:
        ec2.modify_vpc_attribute(VpcId=network, EnableDnsHostnames={"Value": True})


@proves("options-active")
def options_need_an_active_peering(lab):
    lab.at_once()
    ours, theirs = pair(lab)
    with_hostnames(lab, (lab.left, ours), (lab.right, theirs))
    name = request(lab.left, ours, theirs)
    arguments = {"VpcPeeringConnectionId": name, "RequesterPeeringConnectionOptions": {OPTION: True}}
    refused("OperationNotPermitted", lab.left.modify_vpc_peering_connection_options, **arguments)
    accept(lab.right, name)
    set_option(lab.left, name, "Requester")
    shown = see(lab.right, name)
    same([shown[f"{role}VpcInfo"]["PeeringOptions"][OPTION] for role in ("Requester", "Accepter")], [True, False])


@proves("options-own-side")
def each_side_sets_its_own_options(lab):
    name, ours, theirs = active(lab)
    with_hostnames(lab, (lab.left, ours), (lab.right, theirs))
    arguments = {"VpcPeeringConnectionId": name, "AccepterPeeringConnectionOptions": {OPTION: True}}
    refused("OperationNotPermitted", lab.left.modify_vpc_peering_connection_options, **arguments)
    set_option(lab.right, name, "Accepter")


@proves()
def within_one_account_and_region_both_options_are_set_at_once(lab):
    lab.at_once()
    ours, theirs = vpc(lab.left, "10.10.0.0/16"), vpc(lab.left, "10.20.0.0/16")
    with_hostnames(lab, (lab.left, ours), (lab.left, theirs))
    name = request(lab.left, ours, theirs, account=LEFT)
    accept(lab.left, name)
    both = {"AccepterPeeringConnectionOptions": {OPTION: True}, "RequesterPeeringConnectionOptions": {OPTION: True}}
    lab.left.modify_vpc_peering_connection_options(VpcPeeringConnectionId=name, **both)
    same(see(lab.left, name)["AccepterVpcInfo"]["PeeringOptions"][OPTION], True)


@proves("options-dns")
def the_option_needs_host_names_in_both_networks(lab):
    name, ours, theirs = active(lab)
    arguments = {"VpcPeeringConnectionId": name, "RequesterPeeringConnectionOptions": {OPTION: True}}
    code = "InvalidVpcPeeringConnectionState.DnsHostnamesDisabled"
    with_hostnames(lab, (lab.left, ours))
    refused(code, lab.left.modify_vpc_peering_connection_options, **arguments)
    with_hostnames(lab, (lab.right, theirs))
    set_option(lab.left, name, "Requester")
    set_option(lab.left, name, "Requester", on=False)


@proves("options-multipath")
def only_a_peering_between_regions_takes_several_paths(lab):
    name, *_ = active(lab)
    wanted = {"AllowMultipathResilience": True, "MultipathResilienceMode": "always-on"}
    arguments = {"VpcPeeringConnectionId": name, "RequesterPeeringConnectionOptions": wanted}
    refused("InvalidParameterCombination", lab.left.modify_vpc_peering_connection_options, **arguments)
    far, *_ = active(lab, far=True)
    for side, role, status in ((lab.left, "Requester", "pending"), (lab.far, "Accepter", "enabled")):
        side.modify_vpc_peering_connection_options(VpcPeeringConnectionId=far, **{f"{role}PeeringConnectionOptions": wanted})
        seen = see(side, far)
        same(seen[f"{role}VpcInfo"]["PeeringOptions"]["AllowMultipathResilience"], True)
        same(seen["MultipathResilienceStatus"], status)
    alone = {"VpcPeeringConnectionId": far, "RequesterPeeringConnectionOptions": {"MultipathResilienceMode": "always-on"}}
    refused("InvalidParameterCombination", lab.left.modify_vpc_peering_connection_options, **alone)
