"""Proofs about routes over a peering."""

from lab import accept, active, delete, pair, proves, refused, request, same, vpc

THEIRS = "10.20.0.0/16"


def main_table(ec2, network):
    return ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [network]}])["RouteTables"][0]["RouteTableId"]


def routes(ec2, table):
    """Destination and state of each route that is not the network's own."""
    found = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return [(route["DestinationCidrBlock"], route["State"]) for route in found if route.get("GatewayId") != "local"]


def route(table, name, destination=THEIRS):
    return {"RouteTableId": table, "DestinationCidrBlock": destination, "VpcPeeringConnectionId": name}


def route_of_ipv6(table, name, destination):
    return {"RouteTableId": table, "DestinationIpv6CidrBlock": destination, "VpcPeeringConnectionId": name}


@proves("blackhole")
def a_route_lives_and_dies_with_its_peering(lab):
    lab.at_once()
    lab.settings(provisioning_reads=1)
    ours, theirs = pair(lab)
    name, table = request(lab.left, ours, theirs), main_table(lab.left, ours)
    lab.left.create_route(**route(table, name))
    same(routes(lab.left, table), [(THEIRS, "blackhole")])
    accept(lab.right, name)
    same(routes(lab.left, table), [(THEIRS, "blackhole")])
    lab.pass_time(minutes=6)
    same(routes(lab.left, table), [(THEIRS, "active")])
    delete(lab.right, name)
    same(routes(lab.left, table), [(THEIRS, "blackhole")])
    lab.pass_time(hours=100)
    same(routes(lab.left, table), [(THEIRS, "blackhole")])
    lab.left.delete_route(RouteTableId=table, DestinationCidrBlock=THEIRS)
    same(routes(lab.left, table), [])


@proves("route-live-peering")
def no_route_leads_over_a_deleted_peering(lab):
    name, ours, _ = active(lab)
    table = main_table(lab.left, ours)
    delete(lab.left, name)
    refused("InvalidVpcPeeringConnectionID.NotFound", lab.left.create_route, **route(table, name))
    same(routes(lab.left, table), [])


@proves("route-own-peering")
def no_route_leads_over_the_peering_of_another_network(lab):
    name, *_ = active(lab)
    table = main_table(lab.left, vpc(lab.left, "10.50.0.0/16"))
    refused("InvalidParameterValue", lab.left.create_route, **route(table, name))


@proves("route-local")
def a_networks_own_block_is_no_destination(lab):
    name, ours, _ = active(lab)
    table = main_table(lab.left, ours)
    refused("RouteAlreadyExists", lab.left.create_route, **route(table, name, "10.10.0.0/16"))
    lab.left.associate_vpc_cidr_block(VpcId=ours, CidrBlock="10.11.0.0/16")
    refused("RouteAlreadyExists", lab.left.create_route, **route(table, name, "10.11.0.0/16"))


@proves("route-local-stays")
def the_route_to_the_network_itself_stays(lab):
    table = main_table(lab.left, vpc(lab.left, "10.10.0.0/16"))
    refused("InvalidParameterValue", lab.left.delete_route, RouteTableId=table, DestinationCidrBlock="10.10.0.0/16")


@proves("route-target")
def a_route_needs_a_target(lab):
    table = main_table(lab.left, vpc(lab.left, "10.10.0.0/16"))
    refused("MissingParameter", lab.left.create_route, RouteTableId=table, DestinationCidrBlock=THEIRS)


@proves("route-canonical")
def host_bits_of_a_destination_are_cut_off(lab):
    name, ours, _ = active(lab)
    table = main_table(lab.left, ours)
    lab.left.create_route(**route(table, name, "10.20.3.4/16"))
    same(routes(lab.left, table), [(THEIRS, "active")])
    refused("RouteAlreadyExists", lab.left.create_route, **route(table, name, "10.20.0.0/16"))
    lab.left.delete_route(RouteTableId=table, DestinationCidrBlock="10.20.99.0/16")
    same(routes(lab.left, table), [])


@proves("quota-routes")
def a_table_has_a_bounded_number_of_routes(lab):
    name, ours, _ = active(lab)
    lab.settings(routes_per_table=1)
    table = main_table(lab.left, ours)
    lab.left.create_route(**route(table, name, "10.20.0.0/17"))
    refused("RouteLimitExceeded", lab.left.create_route, **route(table, name, "10.20.128.0/17"))
    lab.left.create_route(**route_of_ipv6(table, name, "fd00:20::/56"))
    refused("RouteLimitExceeded", lab.left.create_route, **route_of_ipv6(table, name, "fd00:21::/56"))


@proves("route-repeated")
def a_route_of_ipv6_is_made_once(lab):
    name, ours, _ = active(lab)
    table = main_table(lab.left, ours)
    lab.left.create_route(**route_of_ipv6(table, name, "fd00:20::/56"))
    refused("RouteAlreadyExists", lab.left.create_route, **route_of_ipv6(table, name, "fd00:0020::/56"))


@proves("route-filters")
def tables_are_found_by_the_state_of_their_routes(lab):
    name, ours, _ = active(lab)
    table = main_table(lab.left, ours)
    lab.left.create_route(**route(table, name))

    def found(**filters):
        wanted = [{"Name": filter.replace("__", "."), "Values": [value]} for filter, value in filters.items()]
        wanted = [{**filter, "Name": filter["Name"].replace("_", "-")} for filter in wanted]
        return [found["RouteTableId"] for found in lab.left.describe_route_tables(Filters=wanted)["RouteTables"]]

    same(found(route__state="blackhole"), [])
    same(found(route__state="active", vpc_id=ours), [table])
    same(found(route__origin="CreateRoute*", route__vpc_peering_connection_id=name), [table])
    same(found(vpc_id=ours, association__main="false"), [])
    delete(lab.right, name)
    same(found(route__state="blackhole"), [table])


@proves("unknown-filters")
def an_unknown_filter_of_tables_is_refused(lab):
    refused("InvalidParameterValue", lab.left.describe_route_tables, Filters=[{"Name": "bogus", "Values": ["x"]}])


@proves()
def a_route_that_is_there_is_not_made_again(lab):
    name, ours, _ = active(lab)
    table = main_table(lab.left, ours)
    lab.left.create_route(**route(table, name))
    refused("RouteAlreadyExists", lab.left.create_route, **route(table, name))
    lab.left.replace_route(**route(table, name))
    refused("InvalidRoute.NotFound", lab.left.delete_route, RouteTableId=table, DestinationCidrBlock="10.99.0.0/16")
    refused("InvalidRouteTableID.NotFound", lab.right.create_route, **route(table, name))
