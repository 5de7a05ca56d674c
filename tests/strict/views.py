"""A peering as a reply shows it to one side."""

import networks
import peering as life
from rules import declare
from wire import text

declare("cidr-block-set", "1.4", "a peering shows all blocks of both networks, not only the first one of IPv4")
declare("tags-per-side", "1.4, 3.2", "the tags of a peering stay in the account and region that made them")


def content(world, peering, tags):
    """The fields of a peering. `peering` may be how it was."""
    pending = peering.state in (life.INITIATING, life.PENDING)
    return {
        "accepterVpcInfo": side(world, peering, "accepter"),
        "expirationTime": instant(peering.expires) if pending and world.on("expiry") else None,
        "requesterVpcInfo": side(world, peering, "requester"),
        "status": {"code": peering.state, "message": peering.message},
        "tagSet": [{"key": key, "value": value} for key, value in sorted(tags.items())],
        "vpcPeeringConnectionId": peering.id,
        "multipathResilienceStatus": {0: "disabled", 1: "pending", 2: "enabled"}[sum(peering.multipath.values())],
    }


def side(world, peering, role):
    end = getattr(peering, role)
    blocks = networks.blocks(world, end)
    v4, v6 = networks.of_family(blocks, 4), networks.of_family(blocks, 6)
    shows_all = world.on("cidr-block-set")
    return {
        "cidrBlock": v4[0] if v4 else None,
        "cidrBlockSet": [{"cidrBlock": block} for block in v4] if shows_all and v4 else None,
        "ipv6CidrBlockSet": [{"ipv6CidrBlock": block} for block in v6] if shows_all and v6 else None,
        "ownerId": end.account,
        "peeringOptions": {
            "allowDnsResolutionFromRemoteVpc": peering.options[role],
            "allowEgressFromLocalClassicLinkToRemoteVpc": False,
            "allowEgressFromLocalVpcToRemoteClassicLink": False,
            "allowMultipathResilience": peering.multipath[role],
            "multipathResilienceMode": "always-on" if peering.multipath[role] else None,
        },
        "vpcId": end.vpc,
        "region": end.region,
    }


def instant(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def tags_seen(world, place, peerings):
    """The tags of these peerings as `place` sees them, by id. The emulator keeps them by account and region as AWS does."""
    found = {peering.id: dict(peering.tags.get(place, {})) for peering in peerings}
    if world.on("tags-per-side"):
        sources = {place}
    else:
        sources = {peering.requester.place for peering in peerings}
    for source in sources:
        filters = {"Filter.1.Name": "resource-type", "Filter.1.Value.1": "vpc-peering-connection"}
        for item in world.upstream.ask(source, "DescribeTags", **filters).iterfind("tagSet/item"):
            tags = found.get(text(item, "resourceId"))
            if tags is not None:
                tags[text(item, "key")] = text(item, "value", "")
    return found


def one(world, call, peering):
    """The fields of a peering for the answer to a write."""
    return content(world, peering, tags_seen(world, call.place, [peering])[peering.id])
