"""The options of a peering, set by each side for itself: the resolution of its DNS names, and multipath resilience."""

import networks
import peering as life
import visibility
from rules import declare, handles
from wire import Refusal, answer

declare("options-active", "1.4, 3.2", "options can be set on an active peering only")
declare("options-own-side", "1.4, 3.2", "each side sets its own options, in its own account and region")
declare("options-dns", "1.4, 3.2", "DNS resolution needs DNS support and DNS hostnames in both networks")
declare("options-multipath", "1.4 [G]", "multipath resilience is for peerings between regions, and a mode only where it is allowed")

ROLES = {"requester": "RequesterPeeringConnectionOptions", "accepter": "AccepterPeeringConnectionOptions"}


@handles("ModifyVpcPeeringConnectionOptions")
def modify(world, call):
    peering = visibility.find(world, call, call.needed("VpcPeeringConnectionId"))
    wanted = said(call, life.OPTION)
    multipath = said(call, life.MULTIPATH)
    if peering.state != life.ACTIVE and world.on("options-active"):
        message = f"Peering {peering.id} is not active. Peering options can be added only to active peerings."
        raise Refusal("OperationNotPermitted", message)
    for role in [*wanted, *multipath]:
        if role not in peering.roles(call.place) and world.on("options-own-side"):
            message = f"User {call.account} cannot modify the {role}'s options of peering {peering.id} from {call.region}"
            raise Refusal("OperationNotPermitted", message)
    if any(wanted.values()) and world.on("options-dns"):
        check_dns(world, peering)
    if world.on("options-multipath"):
        check_multipath(call, peering, multipath)
    life.remember(world, peering)
    peering.options.update(wanted)
    peering.multipath.update(multipath)
    shown = {
        role: {"allowDnsResolutionFromRemoteVpc": peering.options[role], "allowMultipathResilience": peering.multipath[role]}
        for role in peering.roles(call.place)
    }
    return answer(call, {f"{role}PeeringConnectionOptions": options for role, options in shown.items()})


def said(call, option):
    """What is said of an option, by role; nothing of a role leaves it as it is."""
    return {role: call.flag(f"{name}.{option}") for role, name in ROLES.items() if f"{name}.{option}" in call.params}


def check_multipath(call, peering, multipath):
    if any(multipath.values()) and not peering.inter_region:
        message = f"Multipath resilience is not supported for {peering.id}, which is within {call.region}"
        raise Refusal("InvalidParameterCombination", message)
    for role, name in ROLES.items():
        mode = call.get(f"{name}.MultipathResilienceMode")
        if mode is not None and (mode != "always-on" or not multipath.get(role)):
            message = "MultipathResilienceMode can be specified only if AllowMultipathResilience is true"
            raise Refusal("InvalidParameterCombination", message)


def check_dns(world, peering):
    for side in (peering.requester, peering.accepter):
        for attribute in ("enableDnsSupport", "enableDnsHostnames"):
            if not networks.attribute(world, side, attribute):
                message = f"{attribute} is not enabled for the VPC {side.vpc} of peering {peering.id}"
                raise Refusal("InvalidVpcPeeringConnectionState.DnsHostnamesDisabled", message)
