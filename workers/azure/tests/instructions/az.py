"""The commands of `az` that owners are told to run, carried out by Azure's own library at the Resource Manager of the test kit.

An option that a command does not have ends it with status 2, as it does there. Who calls and where says the environment: ENDPOINT, TOKEN,
and OTHER_TOKEN of the tenant that a peering leads to, which `az` shows by itself.
"""

import argparse
import os

from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import HTTPPolicy
from azure.mgmt.network import NetworkManagementClient


class Token:
    def get_token(self, *scopes, **options):
        return AccessToken(os.environ["TOKEN"], 2**31)


class Bearer(HTTPPolicy):
    def send(self, request):
        headers = request.http_request.headers
        headers["Authorization"] = f"Bearer {os.environ['TOKEN']}"
        headers["x-ms-authorization-auxiliary"] = f"Bearer {os.environ['OTHER_TOKEN']}"
        return self.next.send(request)


def client(given):
    return NetworkManagementClient(
        Token(),
        given.subscription,
        base_url=os.environ["ENDPOINT"],
        authentication_policy=Bearer(),
        polling_interval=0,
    )


def create_half(given):
    body = {"properties": {"remoteVirtualNetwork": {"id": given.remote_vnet}, "allowVirtualNetworkAccess": given.allow_vnet_access == "true"}}
    halves = client(given).virtual_network_peerings
    halves.begin_create_or_update(given.resource_group, given.vnet_name, given.name, body).result()


def update_half(given):
    halves = client(given).virtual_network_peerings
    half = halves.get(given.resource_group, given.vnet_name, given.name)
    for change in given.set:
        member, _, value = change.partition("=")
        if member not in half["properties"]:
            raise SystemExit(f"a peering has no {member}")
        half["properties"][member] = {"true": True, "false": False}[value]
    halves.begin_create_or_update(given.resource_group, given.vnet_name, given.name, half).result()


def delete_half(given):
    halves = client(given).virtual_network_peerings
    halves.begin_delete(given.resource_group, given.vnet_name, given.name).result()


def delete_vnet(given):
    client(given).virtual_networks.begin_delete(given.resource_group, given.name).result()


def create_rule(given):
    properties = {
        "priority": given.priority,
        "direction": given.direction,
        "access": given.access,
        "protocol": given.protocol,
        "sourceAddressPrefixes": given.source_address_prefixes,
        "sourcePortRange": given.source_port_ranges,
        "destinationAddressPrefix": given.destination_address_prefixes,
        "destinationPortRange": given.destination_port_ranges,
    }
    rules = client(given).security_rules
    rules.begin_create_or_update(given.resource_group, given.nsg_name, given.name, {"properties": properties}).result()


def main():
    words = argparse.ArgumentParser(allow_abbrev=False)
    commands = words.add_subparsers(required=True, dest="area")
    network = commands.add_parser("network").add_subparsers(required=True, dest="kind")
    vnet = network.add_parser("vnet").add_subparsers(required=True)
    peering = vnet.add_parser("peering").add_subparsers(required=True)
    rule = network.add_parser("nsg").add_subparsers(required=True).add_parser("rule").add_subparsers(required=True)

    def command(below, verb, does, *required):
        found = below.add_parser(verb, allow_abbrev=False)
        for name in ("--subscription", "--resource-group", "--name", *required):
            found.add_argument(name, required=True)
        found.set_defaults(does=does)
        return found

    made = command(peering, "create", create_half, "--vnet-name", "--remote-vnet")
    made.add_argument("--allow-vnet-access", nargs="?", choices=["true", "false"], const="true", default="false")
    changed = command(peering, "update", update_half, "--vnet-name")
    changed.add_argument("--set", nargs="+", required=True)
    command(peering, "delete", delete_half, "--vnet-name")
    command(vnet, "delete", delete_vnet)
    denied = command(rule, "create", create_rule, "--nsg-name", "--access", "--protocol", "--direction", "--source-port-ranges")
    denied.add_argument("--priority", type=int, required=True)
    denied.add_argument("--source-address-prefixes", nargs="+", required=True)
    denied.add_argument("--destination-address-prefixes", required=True)
    denied.add_argument("--destination-port-ranges", required=True)
    given = words.parse_args()
    given.does(given)


main()
