"""Proofs about networks that their owner shares."""

from lab import HERE, LEFT, RIGHT, proves, same, vpc


def seen(ec2, name):
    """Whose the account is told that the network is, if it is shown at all."""
    found = ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [name]}])["Vpcs"]
    return [it["OwnerId"] for it in found]


@proves("network-shared")
def a_shared_network_is_shown_as_its_owners(lab):
    name, other = vpc(lab.left, "10.10.0.0/16"), vpc(lab.left, "10.11.0.0/16")
    same(seen(lab.client(RIGHT, HERE), name), [], "before it is shared")
    lab.control("POST", "/_strict/share", {"owner": LEFT, "network": name, "account": RIGHT})
    same(seen(lab.client(RIGHT, HERE), name), [LEFT])
    same(seen(lab.client(RIGHT, HERE), other), [], "another one")
    same(seen(lab.left, name), [LEFT], "its owner sees it once")
