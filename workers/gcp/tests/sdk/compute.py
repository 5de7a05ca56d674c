"""Google's newer library for Compute against the fake: a second judge, which is generated from another description of the API.

    compute.py ENDPOINT        drives each endpoint of the fake over REST, into messages of the library's own

It takes an answer with a member or a word that it does not know for broken, and fails. Prints one line `ok: ...` for each thing that is
as it should be, and ends with status 1 at the first that is not.
"""

import sys
import time
import uuid

from google.api_core.exceptions import BadRequest, Conflict, GoogleAPICallError, NotFound
from google.cloud import compute_v1
from google.oauth2.credentials import Credentials
from google.protobuf import json_format

LOCAL, REMOTE = "local-project", "remote-project"


def wrong(text):
    print(f"wrong: {text}")
    sys.exit(1)


def ok(text):
    print(f"ok: {text}", flush=True)


def strictly(client):
    """What is not known to the library is no message of its: it would pass over it in silence."""

    def parse(text, message, **options):
        options["ignore_unknown_fields"] = False
        return json_format.Parse(text, message, **options)

    module = sys.modules[type(client.transport).__module__]
    module.json_format = type("Strict", (), {"Parse": staticmethod(parse), "MessageToJson": staticmethod(json_format.MessageToJson)})
    return client


class Driver:
    def __init__(self, endpoint):
        self.endpoint = endpoint.removesuffix("/compute/v1")
        self.known = {}

    def client(self, kind):
        if kind not in self.known:
            options = {"api_endpoint": self.endpoint}
            made = getattr(compute_v1, kind)(credentials=Credentials("token"), transport="rest", client_options=options)
            self.known[kind] = strictly(made)
        return self.known[kind]

    def call(self, kind, method, **fields):
        answer = getattr(self.client(kind), method)(fields, retry=None, timeout=10)
        ok(f"{kind}.{method}")
        return answer

    def done(self, operation, project):
        for turn in range(50):
            if operation.status == compute_v1.Operation.Status.DONE:
                if operation.error.errors:
                    wrong(f"{operation.name} ended with {operation.error}")
                return
            if operation.region:
                place = operation.region.rsplit("/", 1)[1]
                asked = {"project": project, "region": place, "operation": operation.name}
                operation = self.call("RegionOperationsClient", "get", **asked)
            else:
                asked = {"project": project, "operation": operation.name}
                operation = self.call("GlobalOperationsClient", "wait" if turn % 2 else "get", **asked)
            time.sleep(0.01)
        wrong(f"{operation.name} does not end")

    def change(self, kind, method, project, **fields):
        self.done(self.call(kind, method, project=project, **fields), project)

    def refused(self, error, kind, method, **fields):
        try:
            getattr(self.client(kind), method)(fields, retry=None, timeout=10)
        except error as refusal:
            if not refusal.errors or "reason" not in refusal.errors[0]:
                wrong(f"{kind}.{method} says no reason: {refusal.errors}")
            return ok(f"{kind}.{method} is refused: {refusal.code} {refusal.errors[0]['reason']}")
        except GoogleAPICallError as other:
            wrong(f"{kind}.{method} was refused with {other!r}")
        wrong(f"{kind}.{method} was not refused")

    def drive(self):
        networks = "NetworksClient"
        self.refused(NotFound, networks, "get", project=LOCAL, network="nowhere")
        if self.call("ProjectsClient", "get", project=LOCAL).name != LOCAL:
            wrong("another project")
        for project, network, region, block in [
            (LOCAL, "one", "europe-west1", "10.50.0.0/16"),
            (REMOTE, "other", "us-central1", "10.60.0.0/16"),
        ]:
            body = {"name": network, "auto_create_subnetworks": False}
            self.change(networks, "insert_unary", project, network_resource=body)
            self.refused(Conflict, networks, "insert_unary", project=project, network_resource=body)
            subnet = {"name": "main", "network": f"projects/{project}/global/networks/{network}", "ip_cidr_range": block}
            self.change("SubnetworksClient", "insert_unary", project, region=region, subnetwork_resource=subnet)
        if [it.name for it in self.call(networks, "list", project=LOCAL)] != ["one"]:
            wrong("the networks are others")
        subnets = self.call("SubnetworksClient", "aggregated_list", project=LOCAL, max_results=1)
        found = [it.ip_cidr_range for _, scope in subnets for it in scope.subnetworks]
        if found != ["10.50.0.0/16"]:
            wrong(f"the subnets are {found}")
        list(self.call("RoutesClient", "list", project=LOCAL))
        self.peer(networks)
        self.rules(networks)
        self.change(networks, "delete_unary", LOCAL, network="one")

    def peer(self, networks):
        ends = ((LOCAL, "one"), (REMOTE, "other"))
        path = {end: f"projects/{end[0]}/global/networks/{end[1]}" for end in ends}
        for end, other in (ends, ends[::-1]):
            half = {
                "name": "theirs",
                "network": f"https://www.googleapis.com/compute/v1/{path[other]}",
                "exchange_subnet_routes": True,
                "export_custom_routes": True,
                "import_custom_routes": True,
                "stack_type": "IPV4_ONLY",
            }
            asked = {"network": end[1], "networks_add_peering_request_resource": {"network_peering": half}, "request_id": str(uuid.uuid4())}
            begun = self.call(networks, "add_peering_unary", project=end[0], **asked)
            again = self.call(networks, "add_peering_unary", project=end[0], **asked)
            if begun.name != again.name or begun.operation_type != "addPeering":
                wrong(f"the same request began another operation: {begun} {again}")
            self.done(again, end[0])
        peering = self.call(networks, "get", project=LOCAL, network="one").peerings[0]
        if peering.state != "ACTIVE" or peering.update_strategy != "INDEPENDENT":
            wrong(f"the peering is {peering}")
        asked = {"project": LOCAL, "network": "one", "peering_name": "theirs", "direction": "INCOMING", "region": "europe-west1"}
        routes = [(it.dest_range, it.type_) for it in self.call(networks, "list_peering_routes", **asked)]
        if routes != [("10.60.0.0/16", "SUBNET_PEERING_ROUTE")]:
            wrong(f"the routes are {routes}")
        body = {"network_peering": {"name": "theirs", "export_custom_routes": False}}
        self.change(networks, "update_peering_unary", LOCAL, network="one", networks_update_peering_request_resource=body)
        if self.call(networks, "get", project=LOCAL, network="one").peerings[0].export_custom_routes:
            wrong("the option is not set")
        gone = {"name": "theirs"}
        asked = {"project": LOCAL, "network": "one", "networks_request_remove_peering_request_resource": gone}
        self.refused(BadRequest, networks, "request_remove_peering_unary", **asked)
        for project, network in ends:
            self.change(networks, "remove_peering_unary", project, network=network, networks_remove_peering_request_resource=gone)
            if self.call(networks, "get", project=project, network=network).peerings:
                wrong("the half is still there")

    def rules(self, networks):
        firewalls = "FirewallsClient"
        body = {
            "name": "web",
            "network": f"projects/{LOCAL}/global/networks/one",
            "direction": "INGRESS",
            "source_ranges": ["10.0.0.0/8"],
            "allowed": [{"I_p_protocol": "tcp", "ports": ["443"]}],
        }
        self.change(firewalls, "insert_unary", LOCAL, firewall_resource=body)
        self.refused(Conflict, firewalls, "insert_unary", project=LOCAL, firewall_resource=body)
        rule = self.call(firewalls, "get", project=LOCAL, firewall="web")
        if (list(rule.allowed[0].ports), rule.priority) != (["443"], 1000):
            wrong(f"the rule is {rule}")
        if [it.name for it in self.call(firewalls, "list", project=LOCAL)] != ["web"]:
            wrong("the rules are others")
        effective = self.call(networks, "get_effective_firewalls", project=LOCAL, network="one")
        if [it.name for it in effective.firewalls] != ["web"]:
            wrong(f"in force is {effective}")
        of = {"project": LOCAL, "region": "europe-west1", "network": f"projects/{LOCAL}/global/networks/one"}
        self.call("RegionNetworkFirewallPoliciesClient", "get_effective_firewalls", **of)
        self.change(firewalls, "patch_unary", LOCAL, firewall="web", firewall_resource={"description": "theirs"})
        self.change(firewalls, "delete_unary", LOCAL, firewall="web")
        self.refused(NotFound, firewalls, "get", project=LOCAL, firewall="web")


Driver(sys.argv[1]).drive()
