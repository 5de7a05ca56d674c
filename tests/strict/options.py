"""The options of a peering: the resolution of each other's DNS names, set by each side for itself."""

import networks
import peering as life
import visibility
from rules import declare, handles
from wire import Refusal, answer

declare("options-active", "1.4, 3.2", "options can be set on an active peering only")
declare("options-own-side", "1.4, 3.2", "each side sets its own options, in its own account and region")
declare("options-dns", "1.4, 3.2", "DNS resolution needs DNS support and DNS hostnames in both networks")

ROLES = {"requester": "RequesterPeeringConnectionOptions", "accepter": "AccepterPeeringConnectionOptions"}


@handles("ModifyVpcPeeringConnectionOptions")
def modify(world, call):
    peering = visibility.find(world, call, call.needed("VpcPeeringConnectionId"))
    wanted = {role: call.flag(f"{name}.{life.OPTION}") for role, name in ROLES.items() if f"{name}.{life.OPTION}" in call.params}
    if peering.state != life.ACTIVE and world.on("options-active"):
        message = f"Peering {peering.id} is not active. Peering options can be added only to active peerings."
        raise Refusal("OperationNotPermitted", message)
    for role in wanted:
        if role not in peering.roles(call.place) and world.on("options-own-side"):
            message = f"User {call.account} cannot modify the {role}'s options of peering {peering.id} from {call.region}"
            raise Refusal("OperationNotPermitted", message)
    if any(wanted.values()) and world.on("options-dns"):
        check_dns(world, peering)
    life.remember(world, peering)
    peering.options.update(wanted)
    shown = {role: {"allowDnsResolutionFromRemoteVpc": peering.options[role]} for role in peering.roles(call.place)}
    return answer(call, {f"{role}PeeringConnectionOptions": options for role, options in shown.items()})


def check_dns(world, peering):
    for side in (peering.requester, peering.accepter):
        for attribute in ("enableDnsSupport", "enableDnsHostnames"):
            if not networks.attribute(world, side, attribute):
                message = f"{attribute} is not enabled for the VPC {side.vpc} of peering {peering.id}"
                raise Refusal("InvalidVpcPeeringConnectionState.DnsHostnamesDisabled", message)
