"""Proofs about asking for a peering, its quotas and its tags."""

from lab import (
    HERE,
    LEFT,
    RIGHT,
    THERE,
    THIRD,
    accept,
    active,
    block_of_ipv6,
    comes_to,
    delete,
    pair,
    proves,
    refused,
    request,
    same,
    see,
    state,
    tags_of,
    vpc,
)


@proves("overlap")
def networks_that_overlap_are_not_peered(lab):
    lab.settings(unseen_reads=0)
    name = request(lab.left, *pair(lab, "10.10.0.0/16", "10.10.64.0/18"), tags={"job": "1"})
    same(state(lab.left, name), "initiating-request")
    seen = see(lab.left, name)
    same(seen["Status"]["Code"], "failed")
    same(bool(seen["Status"]["Message"]), True)
    same(tags_of(seen), {"job": "1"})


@proves("overlap")
def a_secondary_block_overlaps_as_well(lab):
    lab.at_once()
    ours, theirs = pair(lab)
    lab.right.associate_vpc_cidr_block(VpcId=theirs, CidrBlock="10.10.4.0/24")
    same(state(lab.left, request(lab.left, ours, theirs)), "failed")


@proves("overlap")
def blocks_of_ipv6_overlap_as_well(lab):
    lab.at_once()
    ours, theirs = pair(lab)
    same(block_of_ipv6(lab, lab.left, ours, 1), block_of_ipv6(lab, lab.right, theirs, 1))
    same(state(lab.left, request(lab.left, ours, theirs)), "failed")


@proves()
def networks_whose_blocks_of_ipv6_do_not_overlap_are_peered(lab):
    lab.at_once()
    ours, theirs = pair(lab)
    same(block_of_ipv6(lab, lab.left, ours, 1) != block_of_ipv6(lab, lab.right, theirs, 2), True)
    same(state(lab.left, request(lab.left, ours, theirs)), "pending-acceptance")


@proves("wrong-peer")
def a_network_that_its_owner_does_not_have_fails_later(lab):
    ours, theirs = pair(lab)
    wrong = [(THIRD, HERE, theirs), (RIGHT, THERE, theirs), (LEFT, HERE, theirs), (RIGHT, HERE, "vpc-0123456789abcdef0")]
    for account, region, peer in wrong:
        name = request(lab.left, ours, peer, account=account, region=region)
        comes_to(lab.left, name, "failed")
        refused("InvalidStateTransition", lab.left.delete_vpc_peering_connection, VpcPeeringConnectionId=name)


@proves()
def a_network_that_the_asker_does_not_have_is_refused_at_once(lab):
    _, theirs = pair(lab)
    arguments = {"VpcId": "vpc-0123456789abcdef0", "PeerVpcId": theirs, "PeerOwnerId": RIGHT}
    refused("InvalidVpcID.NotFound", lab.left.create_vpc_peering_connection, **arguments)


@proves("self-peering")
def a_network_is_not_peered_with_itself(lab):
    lab.settings(unseen_reads=0)
    ours = vpc(lab.left, "10.10.0.0/16")
    comes_to(lab.left, request(lab.left, ours, ours, account=LEFT), "failed")


@proves("unknown-region")
def a_region_that_does_not_exist_is_refused(lab):
    ours, theirs = pair(lab)
    arguments = {"VpcId": ours, "PeerVpcId": theirs, "PeerOwnerId": RIGHT, "PeerRegion": "eu-nowhere-7"}
    refused("InvalidParameterValue", lab.left.create_vpc_peering_connection, **arguments)


@proves("same-pair")
def the_same_request_again_is_the_same_peering(lab):
    lab.at_once()
    ours, theirs = pair(lab)
    first = request(lab.left, ours, theirs, tags={"job": "1"})
    same(request(lab.left, ours, theirs, tags={"job": "2"}), first)
    same(tags_of(see(lab.left, first)), {"job": "1"})
    accept(lab.right, first)
    same(request(lab.left, ours, theirs), first)
    same(len(lab.left.describe_vpc_peering_connections()["VpcPeeringConnections"]), 1)


@proves()
def after_the_end_the_same_request_is_a_new_one(lab):
    name, ours, theirs = active(lab)
    delete(lab.left, name)
    again = request(lab.left, ours, theirs)
    same(again != name, True)
    same(state(lab.left, again), "pending-acceptance")


@proves("reversed-pair")
def of_two_opposite_requests_one_can_be_accepted(lab):
    name, ours, theirs = active(lab)
    other = request(lab.right, theirs, ours, account=LEFT)
    same(other != name, True)
    same(state(lab.left, other), "pending-acceptance")
    refused("VpcPeeringConnectionAlreadyExists", lab.left.accept_vpc_peering_connection, VpcPeeringConnectionId=other)
    delete(lab.left, name)
    accept(lab.left, other)


@proves("quota-active")
def a_network_has_a_bounded_number_of_active_peerings(lab):
    name, ours, theirs = active(lab)
    lab.settings(active_per_vpc=1)
    third = vpc(lab.right, "10.30.0.0/16")
    arguments = {"VpcId": ours, "PeerVpcId": third, "PeerOwnerId": RIGHT}
    refused("VpcPeeringConnectionsPerVpcLimitExceeded", lab.left.create_vpc_peering_connection, **arguments)
    asked = request(lab.right, third, ours, account=LEFT)
    refused("VpcPeeringConnectionsPerVpcLimitExceeded", lab.left.accept_vpc_peering_connection, VpcPeeringConnectionId=asked)
    delete(lab.left, name)
    accept(lab.left, asked)


@proves("quota-outstanding")
def an_account_has_a_bounded_number_of_requests_waiting(lab):
    lab.at_once()
    lab.settings(outstanding_requests=1)
    ours, theirs = pair(lab)
    third = vpc(lab.right, "10.30.0.0/16")
    name = request(lab.left, ours, theirs)
    arguments = {"VpcId": ours, "PeerVpcId": third, "PeerOwnerId": RIGHT}
    refused("OutstandingVpcPeeringConnectionLimitExceeded", lab.left.create_vpc_peering_connection, **arguments)
    accept(lab.right, name)
    request(lab.left, ours, third)


@proves("tells-quotas")
def an_account_is_told_its_quotas_as_they_are_to_the_last_page(lab):
    lab.settings(tells_quotas=1, active_per_vpc=51)
    asked = lab.client(LEFT, HERE, service="service-quotas")
    pages = asked.get_paginator("list_service_quotas").paginate(ServiceCode="vpc")
    told = {it["QuotaCode"]: it["Value"] for page in pages for it in page["Quotas"]}
    same(told, {"L-7E9ECCDB": 51.0, "L-DC9F7029": 25.0, "L-93826ACB": 500.0})
    lab.control("POST", "/_strict/deny", {"account": LEFT, "action": "ListServiceQuotas"})
    refused("AccessDeniedException", asked.list_service_quotas, ServiceCode="vpc")


@proves("tags-per-side")
def each_side_sees_its_own_tags(lab):
    name, *_ = active(lab, tags={"owner": "left"})
    same([tags_of(see(side, name)) for side in (lab.left, lab.right)], [{"owner": "left"}, {}])
    lab.right.create_tags(Resources=[name], Tags=[{"Key": "owner", "Value": "right"}, {"Key": "more", "Value": "yes"}])
    same([tags_of(see(side, name)) for side in (lab.left, lab.right)], [{"owner": "left"}, {"owner": "right", "more": "yes"}])
    lab.right.delete_tags(Resources=[name], Tags=[{"Key": "more"}])
    same(tags_of(see(lab.right, name)), {"owner": "right"})
    found = lab.left.describe_vpc_peering_connections(Filters=[{"Name": "tag:owner", "Values": ["right"]}])
    same(found["VpcPeeringConnections"], [])


@proves("tags-reserved")
def nobody_sets_a_tag_of_aws(lab):
    name, ours, theirs = active(lab)
    mine = [{"Key": "aws:mine", "Value": "1"}]
    refused("InvalidTagKey.Malformed", lab.left.create_tags, Resources=[name], Tags=mine)
    given = [{"ResourceType": "vpc", "Tags": mine}]
    refused("InvalidTagKey.Malformed", lab.left.create_vpc, CidrBlock="10.40.0.0/16", TagSpecifications=given)


@proves()
def tags_of_a_failed_request_can_be_changed(lab):
    lab.at_once()
    ours, theirs = pair(lab, "10.10.0.0/16", "10.10.0.0/16")
    name = request(lab.left, ours, theirs, tags={"job": "1"})
    lab.left.create_tags(Resources=[name, ours], Tags=[{"Key": "seen", "Value": "yes"}])
    lab.left.delete_tags(Resources=[name], Tags=[{"Key": "job"}])
    same(tags_of(see(lab.left, name)), {"seen": "yes"})
    network = lab.left.describe_vpcs(VpcIds=[ours])["Vpcs"][0]
    same(tags_of(network), {"seen": "yes"})


@proves("cidr-block-set")
def all_blocks_of_a_network_are_shown(lab):
    name, _, theirs = active(lab)
    lab.right.associate_vpc_cidr_block(VpcId=theirs, CidrBlock="10.21.0.0/16")
    info = see(lab.left, name)["AccepterVpcInfo"]
    same([info["CidrBlock"], [block["CidrBlock"] for block in info["CidrBlockSet"]]], ["10.20.0.0/16", ["10.20.0.0/16", "10.21.0.0/16"]])


@proves("cidr-block-set")
def blocks_of_ipv6_are_shown_beside_those_of_ipv4(lab):
    name, _, theirs = active(lab)
    block = block_of_ipv6(lab, lab.right, theirs, 1)
    seen = see(lab.left, name)
    info = seen["AccepterVpcInfo"]
    shown = [[block["CidrBlock"] for block in info["CidrBlockSet"]], [block["Ipv6CidrBlock"] for block in info.get("Ipv6CidrBlockSet", [])]]
    same(shown, [["10.20.0.0/16"], [block]])
    same("Ipv6CidrBlockSet" in seen["RequesterVpcInfo"], False)
    of_block = [{"Name": "accepter-vpc-info.cidr-block", "Values": [block]}]
    same(lab.left.describe_vpc_peering_connections(Filters=of_block)["VpcPeeringConnections"], [], "a filter for blocks of IPv4")
