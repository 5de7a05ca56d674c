"""Proofs about what comes after the end: how long it is shown, and networks that go away."""

from lab import LEFT, accept, active, delete, pair, proves, refused, request, same, state, vpc

GONE = "InvalidVpcPeeringConnectionID.NotFound"


def shown_for(lab, ec2, name, ended, hours):
    """It is shown as `ended` until the hours are over, counted from now, and not afterwards."""
    same(state(ec2, name), ended)
    lab.pass_time(hours=hours, seconds=-60)
    same(state(ec2, name), ended)
    lab.pass_time(seconds=120)
    same(state(ec2, name), GONE)


@proves("visible-windows")
def a_deleted_peering_is_shown_two_hours_to_who_deleted_it(lab):
    name, *_ = active(lab)
    delete(lab.right, name)
    shown_for(lab, lab.right, name, "deleted", 2)
    same(state(lab.left, name), "deleted")


@proves("visible-windows")
def a_deleted_peering_is_shown_two_days_to_the_other_side(lab):
    name, *_ = active(lab)
    delete(lab.right, name)
    shown_for(lab, lab.left, name, "deleted", 48)
    same(lab.left.describe_vpc_peering_connections()["VpcPeeringConnections"], [])


@proves("visible-windows")
def a_rejected_request_is_shown_two_days_to_who_asked_and_two_hours_to_who_refused(lab):
    lab.at_once()
    name = request(lab.left, *pair(lab))
    lab.right.reject_vpc_peering_connection(VpcPeeringConnectionId=name)
    shown_for(lab, lab.right, name, "rejected", 2)
    # Two hours and a minute are over by now.
    shown_for(lab, lab.left, name, "rejected", 48 - 2 - 1 / 60)


@proves("visible-windows")
def within_one_account_a_rejected_request_is_shown_two_hours(lab):
    lab.at_once()
    name = request(lab.left, vpc(lab.left, "10.10.0.0/16"), vpc(lab.left, "10.20.0.0/16"), account=LEFT)
    lab.left.reject_vpc_peering_connection(VpcPeeringConnectionId=name)
    shown_for(lab, lab.left, name, "rejected", 2)


@proves("visible-windows")
def an_expired_request_is_shown_two_days_to_both(lab):
    lab.at_once()
    name = request(lab.left, *pair(lab))
    lab.pass_time(hours=168)
    same(state(lab.right, name), "expired")
    shown_for(lab, lab.left, name, "expired", 48)
    same(state(lab.right, name), GONE)


@proves("visible-windows", "overlap")
def a_failed_request_is_shown_two_hours_to_who_asked_and_never_to_the_other(lab):
    lab.at_once()
    name = request(lab.left, *pair(lab, "10.10.0.0/16", "10.10.0.0/20"))
    same(state(lab.right, name), GONE)
    shown_for(lab, lab.left, name, "failed", 2)


@proves("delete-vpc")
def a_network_takes_its_peerings_with_it(lab):
    name, ours, _ = active(lab)
    lab.left.delete_vpc(VpcId=ours)
    same(state(lab.right, name), "deleted")


@proves("delete-vpc-pending")
def a_network_to_which_anothers_request_waits_stays(lab):
    lab.at_once()
    ours, theirs = pair(lab)
    name = request(lab.left, ours, theirs)
    refused("DependencyViolation", lab.right.delete_vpc, VpcId=theirs)
    accept(lab.right, name)
    lab.right.delete_vpc(VpcId=theirs)


@proves()
def a_network_of_who_asked_can_go_while_the_request_waits(lab):
    lab.at_once()
    ours, theirs = pair(lab)
    name = request(lab.left, ours, theirs)
    lab.left.delete_vpc(VpcId=ours)
    same(state(lab.left, name), "deleted")
