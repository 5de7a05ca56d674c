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


def of_iam(name):
    endpoint = os.environ["ENDPOINT"].removesuffix("/compute/v1")
    return build(name, "v1", credentials=Credentials("token"), client_options={"api_endpoint": endpoint + "/"}, static_discovery=True)


def create_role(given):
    body = {"roleId": given.name, "role": {"includedPermissions": given.permissions.split(",")}}
    of_iam("iam").projects().roles().create(parent=f"projects/{given.project}", body=body).execute()


def bind_role(given):
    projects = of_iam("cloudresourcemanager").projects()
    policy = projects.getIamPolicy(resource=given.name, body={}).execute()
    policy.setdefault("bindings", []).append({"role": given.role, "members": [given.member]})
    projects.setIamPolicy(resource=given.name, body={"policy": policy}).execute()


def main():
    words = argparse.ArgumentParser(allow_abbrev=False)
    areas = words.add_subparsers(required=True)
    compute = areas.add_parser("compute").add_subparsers(required=True)
    roles = areas.add_parser("iam").add_subparsers(required=True).add_parser("roles").add_subparsers(required=True)
    projects = areas.add_parser("projects").add_subparsers(required=True)
    role = roles.add_parser("create", allow_abbrev=False)
    bound = projects.add_parser("add-iam-policy-binding", allow_abbrev=False)
    for found, does, required in ((role, create_role, ("--project", "--permissions")), (bound, bind_role, ("--member", "--role"))):
        found.add_argument("name")
        for name in required:
            found.add_argument(name, required=True)
        found.set_defaults(does=does)
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
