"""What the rules ask the emulator about networks. Nothing here is a rule."""

import functools
import ipaddress

import botocore.session
from wire import Refusal, text


def blocks(world, side):
    """Every block of a network, its first IPv4 block first; `None` when there is no such network."""
    return world.blocks.get((*side.place, side.vpc)) or read_blocks(world, side)


def read_blocks(world, side):
    """The same, looked up anew."""
    try:
        vpc = world.upstream.ask(side.place, "DescribeVpcs", **{"VpcId.1": side.vpc}).find("vpcSet/item")
    except Refusal:
        return None
    found = [text(vpc, "cidrBlock")]
    for kind in ("cidrBlock", "ipv6CidrBlock"):
        for association in vpc.iterfind(f"{kind}AssociationSet/item"):
            block = canonical(text(association, kind))
            if text(association, f"{kind}State/state") in ("associated", "associating") and block not in found:
                found.append(block)
    world.blocks[*side.place, side.vpc] = found
    return found


def of_family(blocks, version):
    """Those of IPv4, or of IPv6."""
    return [block for block in blocks or [] if ipaddress.ip_network(block).version == version]


def forget_blocks(world):
    """A network, or a block of one, has come or gone."""
    world.blocks.clear()


def overlap(ours, theirs):
    """Whether any block of one, of IPv4 or of IPv6, overlaps any of the other."""
    return any(ipaddress.ip_network(one).overlaps(ipaddress.ip_network(other)) for one in ours for other in theirs)


def attribute(world, side, name):
    """`enableDnsHostnames`, for instance."""
    answer = world.upstream.ask(side.place, "DescribeVpcAttribute", VpcId=side.vpc, Attribute=name)
    return text(answer, f"{name}/value") == "true"


def canonical(cidr):
    """The range with its host bits cut off, as EC2 stores it; what is no range is left for the emulator to refuse."""
    try:
        return str(ipaddress.ip_network(cidr, strict=False))
    except ValueError:
        return cidr


@functools.cache
def regions():
    """Every region that the SDK knows."""
    session = botocore.session.get_session()
    return frozenset(name for part in session.get_available_partitions() for name in session.get_available_regions("ec2", part))
