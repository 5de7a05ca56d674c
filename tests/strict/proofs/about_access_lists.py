"""Proofs about access lists."""

from lab import proves, same, vpc


def admitted(ec2, network):
    """The IPv6 ranges that the network's own list lets in."""
    lists = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [network]}])["NetworkAcls"]
    entries = [entry for it in lists for entry in it["Entries"] if not entry["Egress"] and entry["RuleAction"] == "allow"]
    return [entry["Ipv6CidrBlock"] for entry in entries if "Ipv6CidrBlock" in entry]


@proves("acl-ipv6")
def a_network_that_gets_a_block_of_ipv6_lets_it_in_by_default(lab):
    network, other = vpc(lab.left, "10.10.0.0/16"), vpc(lab.left, "10.11.0.0/16")
    same(admitted(lab.left, network), [], "before it has one")
    lab.left.associate_vpc_cidr_block(VpcId=network, AmazonProvidedIpv6CidrBlock=True)
    same(admitted(lab.left, network), ["::/0"])
    same(admitted(lab.left, other), [], "another network")
