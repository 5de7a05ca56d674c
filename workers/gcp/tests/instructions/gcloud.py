"""The commands of `gcloud` that owners are told to run, carried out by Google's own library at the fake Compute.

An option that a command does not have ends it with status 2, as it does there. Where to says the environment: ENDPOINT.
"""

import argparse
import os
import time

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build

COMPUTE = build(
    "compute",
    "v1",
    credentials=Credentials("token"),
    client_options={"api_endpoint": os.environ["ENDPOINT"] + "/"},
    static_discovery=True,
)


def done(call, project):
    operation = call.execute()
    for _ in range(100):
        if operation["status"] == "DONE":
            if "error" in operation:
                raise SystemExit(f"{operation['error']}")
            return
        time.sleep(0.01)
        operation = COMPUTE.globalOperations().get(project=project, operation=operation["name"]).execute()
    raise SystemExit("it does not end")


def create_half(given):
    half = {
        "name": given.name,
        "network": f"projects/{given.peer_project}/global/networks/{given.peer_network}",
        "exchangeSubnetRoutes": True,
        "importCustomRoutes": given.import_custom_routes,
        "exportCustomRoutes": given.export_custom_routes,
    }
    networks = COMPUTE.networks()
    done(networks.addPeering(project=given.project, network=given.network, body={"networkPeering": half}), given.project)


def delete_half(given):
    networks = COMPUTE.networks()
    done(networks.removePeering(project=given.project, network=given.network, body={"name": given.name}), given.project)


def create_rule(given):
    if (given.action, given.rules) != ("DENY", "all"):
        raise SystemExit("only what owners are told is known here")
    body = {
        "name": given.name,
        "network": f"projects/{given.project}/global/networks/{given.network}",
        "direction": given.direction,
        "priority": given.priority,
        "sourceRanges": given.source_ranges.split(","),
        "denied": [{"IPProtocol": "all"}],
    }
    done(COMPUTE.firewalls().insert(project=given.project, body=body), given.project)


def main():
    words = argparse.ArgumentParser(allow_abbrev=False)
    compute = words.add_subparsers(required=True).add_parser("compute").add_subparsers(required=True)
    peerings = compute.add_parser("networks").add_subparsers(required=True).add_parser("peerings").add_subparsers(required=True)
    rules = compute.add_parser("firewall-rules").add_subparsers(required=True)

    def command(below, verb, does, *required):
        found = below.add_parser(verb, allow_abbrev=False)
        found.add_argument("name")
        for name in ("--project", "--network", *required):
            found.add_argument(name, required=True)
        found.set_defaults(does=does)
        return found

    made = command(peerings, "create", create_half, "--peer-project", "--peer-network")
    made.add_argument("--import-custom-routes", action="store_true")
    made.add_argument("--export-custom-routes", action="store_true")
    command(peerings, "delete", delete_half)
    denied = command(rules, "create", create_rule, "--direction", "--action", "--rules", "--source-ranges")
    denied.add_argument("--priority", type=int, required=True)
    given = words.parse_args()
    given.does(given)


main()
