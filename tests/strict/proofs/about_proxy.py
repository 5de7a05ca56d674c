"""Proofs about the proxy itself: dry runs, denials, the log, who the caller is, and what passes through untouched."""

import boto3
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError
from lab import CONFIG, HERE, LEFT, RIGHT, accept, active, pair, proves, refused, request, same, state, vpc


@proves("dry-run")
def a_dry_run_changes_nothing(lab):
    lab.at_once()
    ours, theirs = pair(lab)
    arguments = {"VpcId": ours, "PeerVpcId": theirs, "PeerOwnerId": RIGHT, "DryRun": True}
    same(refused("DryRunOperation", lab.left.create_vpc_peering_connection, **arguments), 412)
    same(lab.left.describe_vpc_peering_connections()["VpcPeeringConnections"], [])
    name = request(lab.left, ours, theirs)
    refused("DryRunOperation", lab.right.accept_vpc_peering_connection, VpcPeeringConnectionId=name, DryRun=True)
    same(state(lab.left, name), "pending-acceptance")
    accept(lab.right, name)
    table = lab.left.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [ours]}])["RouteTables"][0]["RouteTableId"]
    route = {"RouteTableId": table, "DestinationCidrBlock": "10.20.0.0/16", "VpcPeeringConnectionId": name}
    refused("DryRunOperation", lab.left.create_route, **route, DryRun=True)
    lab.left.create_route(**route)
    refused("DryRunOperation", lab.left.delete_route, RouteTableId=table, DestinationCidrBlock="10.20.0.0/16", DryRun=True)
    refused("DryRunOperation", lab.left.delete_vpc_peering_connection, VpcPeeringConnectionId=name, DryRun=True)
    same(state(lab.left, name), "active")


@proves()
def a_denied_call_is_refused_dry_or_not(lab):
    ours, theirs = pair(lab)
    lab.control("POST", "/_strict/deny", {"account": LEFT, "action": "CreateVpcPeeringConnection"})
    arguments = {"VpcId": ours, "PeerVpcId": theirs, "PeerOwnerId": RIGHT}
    for dry in (True, False):
        same(refused("UnauthorizedOperation", lab.left.create_vpc_peering_connection, **arguments, DryRun=dry), 403)
    request(lab.right, theirs, ours, account=LEFT)
    lab.control("POST", "/_strict/deny", {"account": LEFT, "action": "CreateVpcPeeringConnection", "lift": True})
    request(lab.left, ours, theirs)


@proves()
def a_prepared_failure_happens_once(lab):
    ours, theirs = pair(lab)

    def prepare(how):
        lab.control("POST", "/_strict/fail", {"account": LEFT, "action": "CreateVpcPeeringConnection", "how": how})

    arguments = {"VpcId": ours, "PeerVpcId": theirs, "PeerOwnerId": RIGHT}
    prepare("throttled")
    refused("RequestLimitExceeded", lab.left.create_vpc_peering_connection, **arguments)
    same(lab.control("GET", "/_strict/peerings"), [])
    prepare("answer-lost")
    try:
        lab.left.create_vpc_peering_connection(**arguments)
    except (ConnectionClosedError, EndpointConnectionError):
        pass
    else:
        raise AssertionError("an answer that was to be lost came")
    same(len(lab.control("GET", "/_strict/peerings")), 1)
    same(lab.control("GET", "/_strict/calls")["calls"][-1]["outcome"], "no answer")
    lab.left.create_vpc_peering_connection(**arguments)


@proves()
def every_call_is_logged_with_its_outcome(lab):
    ours = vpc(lab.left, "10.10.0.0/16")
    lab.control("DELETE", "/_strict/calls")
    refused("InvalidVpcID.NotFound", lab.far.describe_vpcs, VpcIds=[ours])
    lab.left.describe_vpcs()
    log = lab.control("GET", "/_strict/calls")
    same([log["total"], log["counts"]], [2, {"DescribeVpcs": 2}])
    told = [(call["account"], call["region"], call["outcome"], call["status"]) for call in log["calls"]]
    same([call["issued"] for call in log["calls"]], [None, None])
    same(told, [(RIGHT, "us-east-1", "InvalidVpcID.NotFound", 400), (LEFT, HERE, "ok", 200)])
    same(log["calls"][0]["parameters"], {"VpcId.1": ours})


@proves()
def an_assumed_role_is_the_account_it_is_in(lab):
    ours, theirs = pair(lab)

    def client(service, **keys):
        return boto3.client(service, endpoint_url=lab.endpoint, region_name=HERE, config=CONFIG, **keys)

    sts = client("sts", aws_access_key_id="any", aws_secret_access_key="any")
    keys = sts.assume_role(RoleArn=f"arn:aws:iam::{RIGHT}:role/peerage", RoleSessionName="proof")["Credentials"]
    session = {"aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"]}
    as_right = client("ec2", **session, aws_session_token=keys["SessionToken"])
    lab.at_once()
    name = request(lab.left, ours, theirs)
    accept(as_right, name)
    same(state(as_right, name), "active")
    same([call["account"] for call in lab.control("GET", "/_strict/calls")["calls"]][-2:], [RIGHT, RIGHT])


@proves("same-pair")
def of_many_equal_requests_at_once_one_peering_comes(lab):
    lab.at_once()
    ours, theirs = pair(lab)
    with ThreadPoolExecutor(8) as pool:
        same(len(set(pool.map(lambda _: request(lab.left, ours, theirs), range(16)))), 1)


@proves()
def of_many_acceptances_at_once_one_succeeds(lab):
    lab.at_once()
    name = request(lab.left, *pair(lab))

    def attempt(_):
        try:
            return bool(accept(lab.right, name))
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(16)))
    same([outcomes.count(True), outcomes.count("InvalidStateTransition")], [1, 15])


@proves()
def what_no_rule_speaks_of_passes_through(lab):
    network = vpc(lab.left, "10.10.0.0/16")
    subnet = lab.left.create_subnet(VpcId=network, CidrBlock="10.10.1.0/24")["Subnet"]["SubnetId"]
    acl = lab.left.create_network_acl(VpcId=network)["NetworkAcl"]["NetworkAclId"]
    same(bool(subnet and acl), True)
    lists = lab.left.create_managed_prefix_list(PrefixListName="p", MaxEntries=2, AddressFamily="IPv4")
    same(lists["PrefixList"]["State"], "create-complete")


@proves()
def with_all_rules_off_it_is_the_emulator(lab):
    """The switches reach everything: nothing strict is left."""
    lab.control("POST", "/_strict/rules", {"*": False})
    ours, theirs = pair(lab, "10.10.0.0/16", "10.10.0.0/16")
    names = [request(lab.left, ours, theirs, tags={"job": "1"}) for _ in range(2)]
    same(len(set(names)), 2)
    for name in names:
        same(accept(lab.right, name)["Status"]["Code"], "active")
    same(state(lab.left, "pcx-none"), None)
    lab.left.delete_vpc_peering_connection(VpcPeeringConnectionId=names[0])
    lab.left.delete_vpc_peering_connection(VpcPeeringConnectionId=names[0])


@proves()
def a_control_call_that_means_nothing_is_refused(lab):
    rules = {rule["name"]: rule["facts"] for rule in lab.control("GET", "/_strict/rules")}
    same(all(rules.values()), True)
    for path, body in [("rules", {"no-such-rule": False}), ("settings", {"no_such_setting": 1}), ("clock", {"advance_seconds": -1})]:
        try:
            lab.control("POST", f"/_strict/{path}", body)
        except OSError as error:
            same(error.code, 400)
        else:
            raise AssertionError(f"{path} took {body}")


@proves()
def an_active_peering_stays_active_however_long(lab):
    name, *_ = active(lab)
    lab.pass_time(hours=1000)
    same(state(lab.left, name), "active")
