"""Proofs about listings: filters and pages."""

from lab import LEFT, RIGHT, active, delete, pair, proves, refused, request, same, see, vpc


def listed(ec2, **filters):
    """The ids that these filters admit; `_` in a name stands for `-`, `__` for a dot."""
    wanted = [{"Name": name.replace("__", ".").replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    return {found["VpcPeeringConnectionId"] for found in ec2.describe_vpc_peering_connections(Filters=wanted)["VpcPeeringConnections"]}


@proves("peering-filters")
def each_documented_filter_holds(lab):
    name, ours, theirs = active(lab, tags={"job": "1"})
    third = vpc(lab.right, "10.30.0.0/16")
    other = request(lab.right, third, ours, account=LEFT)
    lab.right.associate_vpc_cidr_block(VpcId=theirs, CidrBlock="10.21.0.0/16")
    for filters in [
        {"accepter_vpc_info__cidr_block": "10.21.0.0/16"},
        {"accepter_vpc_info__owner_id": RIGHT},
        {"accepter_vpc_info__vpc_id": theirs},
        {"requester_vpc_info__cidr_block": "10.10.0.0/16"},
        {"requester_vpc_info__owner_id": LEFT},
        {"requester_vpc_info__vpc_id": ours},
        {"status_code": "active"},
        {"status_message": "Act?ve"},
        {"tag:job": "1"},
        {"tag_key": "j*"},
        {"vpc_peering_connection_id": name},
        {"status_code": "a*", "requester_vpc_info__vpc_id": ours},
    ]:
        same(listed(lab.left, **filters), {name}, str(filters))
    expires = see(lab.left, other)["ExpirationTime"].strftime("%Y-%m-%dT%H:%M:%S.000Z")
    same(listed(lab.left, expiration_time=expires, status_code="pending*"), {other})
    same(listed(lab.left, status_code="active", requester_vpc_info__vpc_id=third), set())
    same(listed(lab.left, status_code="activ"), set())
    same(listed(lab.left), {name, other})


@proves("unknown-filters", "peering-filters")
def an_unknown_filter_is_refused(lab):
    filters = [{"Name": "status", "Values": ["active"]}]
    refused("InvalidParameterValue", lab.left.describe_vpc_peering_connections, Filters=filters)


@proves("paging")
def listings_come_in_pages(lab):
    lab.at_once()
    ours, first = pair(lab)
    others = [vpc(lab.right, f"10.{number}.0.0/16") for number in range(30, 36)]
    wanted = {request(lab.left, ours, theirs) for theirs in [first, *others]}
    pages, token = [], {}
    while True:
        answer = lab.left.describe_vpc_peering_connections(MaxResults=5, **token)
        pages.append([found["VpcPeeringConnectionId"] for found in answer["VpcPeeringConnections"]])
        if not answer.get("NextToken"):
            break
        token = {"NextToken": answer["NextToken"]}
    same([len(page) for page in pages], [5, 2])
    same(set(sum(pages, [])), wanted)


@proves("paging")
def a_page_may_be_smaller_than_asked_for(lab):
    network = vpc(lab.left, "10.10.0.0/16")
    for _ in range(3):
        lab.left.create_route_table(VpcId=network)
    group = lab.left.create_security_group(GroupName="g", Description="g", VpcId=network)["GroupId"]
    lab.settings(page_size=2)
    own = [{"Name": "vpc-id", "Values": [network]}]
    rules = [{"Name": "group-id", "Values": [group]}]
    for listing, key, filters, count in [
        (lab.left.describe_route_tables, "RouteTables", own, 2),
        (lab.left.describe_security_groups, "SecurityGroups", own, 2),
        (lab.left.describe_vpcs, "Vpcs", [], 2),
        (lab.left.describe_security_group_rules, "SecurityGroupRules", rules, 1),
    ]:
        same(len(listing(MaxResults=100, Filters=filters)[key]), count, key)
    answer = lab.left.describe_route_tables(MaxResults=100, Filters=own)
    rest = lab.left.describe_route_tables(MaxResults=100, Filters=own, NextToken=answer["NextToken"])
    same([len(rest["RouteTables"]), rest.get("NextToken")], [2, None])


@proves("paging")
def a_token_of_another_listing_is_refused(lab):
    refused("InvalidParameterValue", lab.left.describe_vpc_peering_connections, NextToken="bm9uc2Vuc2U6MQ==")


@proves("page-bounds")
def the_size_of_a_page_has_bounds(lab):
    refused("InvalidParameterValue", lab.left.describe_vpc_peering_connections, MaxResults=1001)
    refused("InvalidParameterValue", lab.left.describe_route_tables, MaxResults=101)


@proves()
def an_ended_peering_is_listed_while_it_is_shown(lab):
    name, *_ = active(lab)
    delete(lab.left, name)
    same(listed(lab.left, status_code="deleted"), {name})
