"""Proofs about a peering's life: the states it passes by itself."""

from datetime import timedelta

from lab import HERE, LEFT, RIGHT, THERE, accept, active, comes_to, delete, pair, proves, refused, request, same, see, state, states


@proves("initiating")
def a_new_request_is_initiating_before_it_waits_for_acceptance(lab):
    lab.settings(unseen_reads=0, initiating_reads=2)
    name = request(lab.left, *pair(lab))
    same(states(lab.left, name, 4), ["initiating-request"] * 2 + ["pending-acceptance"] * 2)


@proves("initiating")
def passing_time_ends_a_phase_as_well(lab):
    lab.settings(unseen_reads=0, initiating_reads=1000)
    name = request(lab.left, *pair(lab))
    same(state(lab.left, name), "initiating-request")
    lab.pass_time(minutes=6)
    same(state(lab.left, name), "pending-acceptance")


@proves("initiating", "transitions")
def a_request_that_does_not_wait_yet_cannot_be_accepted(lab):
    lab.settings(unseen_reads=0)
    name = request(lab.left, *pair(lab))
    refused("InvalidStateTransition", lab.right.accept_vpc_peering_connection, VpcPeeringConnectionId=name)
    comes_to(lab.right, name, "pending-acceptance")
    accept(lab.right, name)


@proves("provisioning")
def an_accepted_request_is_provisioning_before_it_is_active(lab):
    lab.at_once()
    lab.settings(provisioning_reads=3)
    name = request(lab.left, *pair(lab))
    same(accept(lab.right, name)["Status"]["Code"], "provisioning")
    same(states(lab.left, name, 5), ["provisioning"] * 3 + ["active"] * 2)


@proves("deleting")
def a_peering_between_regions_is_deleting_before_it_is_deleted(lab):
    name, *_ = active(lab, far=True)
    lab.settings(deleting_reads=2)
    delete(lab.left, name)
    same(states(lab.far, name, 4), ["deleting"] * 2 + ["deleted"] * 2)


@proves()
def a_peering_in_one_region_is_deleted_at_once(lab):
    name, *_ = active(lab)
    lab.settings(deleting_reads=5)
    delete(lab.left, name)
    same(state(lab.left, name), "deleted")


@proves("expiry")
def a_request_says_when_it_expires_and_does(lab):
    lab.at_once()
    name = request(lab.left, *pair(lab))
    seen = see(lab.left, name)
    now = lab.control("GET", "/_strict/clock")["now"]
    left = seen["ExpirationTime"] - type(seen["ExpirationTime"]).fromisoformat(now)
    same(timedelta(hours=167, minutes=59) < left <= timedelta(hours=168), True, str(left))
    lab.pass_time(hours=167)
    same(state(lab.right, name), "pending-acceptance")
    lab.pass_time(hours=2)
    same(state(lab.right, name), "expired")
    refused("InvalidStateTransition", lab.right.accept_vpc_peering_connection, VpcPeeringConnectionId=name)


@proves()
def a_peering_that_does_not_wait_shows_no_expiration(lab):
    name, *_ = active(lab)
    same(see(lab.left, name).get("ExpirationTime"), None)


@proves("transitions")
def a_peering_can_be_accepted_once(lab):
    name, *_ = active(lab)
    refused("InvalidStateTransition", lab.right.accept_vpc_peering_connection, VpcPeeringConnectionId=name)
    refused("InvalidStateTransition", lab.right.reject_vpc_peering_connection, VpcPeeringConnectionId=name)
    same(state(lab.left, name), "active")
    delete(lab.left, name)
    refused("InvalidStateTransition", lab.left.delete_vpc_peering_connection, VpcPeeringConnectionId=name)


@proves("transitions")
def a_rejected_request_cannot_be_deleted(lab):
    lab.at_once()
    name = request(lab.left, *pair(lab))
    lab.right.reject_vpc_peering_connection(VpcPeeringConnectionId=name)
    same([state(lab.left, name), state(lab.right, name)], ["rejected"] * 2)
    refused("InvalidStateTransition", lab.left.delete_vpc_peering_connection, VpcPeeringConnectionId=name)


@proves("transitions", "overlap")
def a_failed_request_can_be_neither_deleted_nor_accepted(lab):
    lab.at_once()
    name = request(lab.left, *pair(lab, "10.10.0.0/16", "10.10.128.0/17"))
    same(state(lab.left, name), "failed")
    refused("InvalidStateTransition", lab.left.delete_vpc_peering_connection, VpcPeeringConnectionId=name)
    refused("InvalidVpcPeeringConnectionID.NotFound", lab.right.accept_vpc_peering_connection, VpcPeeringConnectionId=name)


@proves("transitions")
def a_peering_that_is_provisioning_cannot_be_deleted_yet(lab):
    lab.at_once()
    lab.settings(provisioning_reads=2)
    name = request(lab.left, *pair(lab))
    accept(lab.right, name)
    refused("InvalidStateTransition", lab.left.delete_vpc_peering_connection, VpcPeeringConnectionId=name)


@proves()
def only_the_accepter_accepts_and_only_in_its_region(lab):
    lab.at_once()
    ours, theirs = pair(lab, far=True)
    name = request(lab.left, ours, theirs, region=THERE)
    refused("OperationNotPermitted", lab.left.accept_vpc_peering_connection, VpcPeeringConnectionId=name)
    refused("OperationNotPermitted", lab.left.reject_vpc_peering_connection, VpcPeeringConnectionId=name)
    refused("InvalidVpcPeeringConnectionID.NotFound", lab.right.accept_vpc_peering_connection, VpcPeeringConnectionId=name)
    accept(lab.far, name)


@proves("pending-delete")
def a_request_that_waits_is_deleted_by_who_asked_only(lab):
    lab.at_once()
    name = request(lab.left, *pair(lab))
    refused("OperationNotPermitted", lab.right.delete_vpc_peering_connection, VpcPeeringConnectionId=name)
    delete(lab.left, name)
    same(state(lab.left, name), "deleted")


@proves()
def an_active_peering_is_deleted_by_either_side(lab):
    for side in (lab.left, lab.right):
        lab.fresh()
        name, *_ = active(lab)
        delete(side, name)
        same([state(lab.left, name), state(lab.right, name)], ["deleted"] * 2)


@proves()
def what_is_done_at_the_emulator_itself_is_noticed(lab):
    """Hands that bypass the proxy leave no peering in a state of its own."""
    lab.at_once()
    ours, theirs = pair(lab)
    left, right = lab.client(LEFT, HERE, lab.upstream), lab.client(RIGHT, HERE, lab.upstream)
    name = request(left, ours, theirs)
    same(state(lab.right, name), "pending-acceptance")
    accept(right, name)
    same(state(lab.left, name), "active")
    delete(right, name)
    same(state(lab.left, name), "deleted")
    lab.pass_time(hours=3)
    same([state(lab.left, name), state(lab.right, name)], ["deleted", "InvalidVpcPeeringConnectionID.NotFound"])
    name = request(lab.left, ours, theirs)
    right.reject_vpc_peering_connection(VpcPeeringConnectionId=name)
    same(state(lab.left, name), "rejected")
