"""Google's own client against the fake, and the API's own description against what the engine sends.

    sdk.py drive ENDPOINT        drives each endpoint of the fake, and holds each answer against its schema
    sdk.py check < requests      holds requests, one JSON object a line, against the methods and their schemas

Prints one line `ok: ...` for each thing that is as it should be, and ends with status 1 at the first that is not.
"""

import json
import re
import sys
import time
import uuid
from pathlib import Path

import googleapiclient
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

DOCUMENT = json.loads(
    (Path(googleapiclient.__file__).parent / "discovery_cache/documents/compute.v1.json").read_text()
)
LOCAL, REMOTE = "local-project", "remote-project"


def wrong(text):
    print(f"wrong: {text}")
    sys.exit(1)


def ok(text):
    print(f"ok: {text}", flush=True)


def conforms(value, schema, where):
    """Holds a value against a schema: no member that it does not have, each of its type, each word one of its own."""
    if "$ref" in schema:
        return conforms(value, DOCUMENT["schemas"][schema["$ref"]], where)
    kind = schema.get("type")
    if kind == "object":
        if not isinstance(value, dict):
            wrong(f"{where} is no object: {value!r}")
        known = schema.get("properties", {})
        more = schema.get("additionalProperties")
        for name, member in value.items():
            if name in known:
                conforms(member, known[name], f"{where}.{name}")
            elif more is not None:
                conforms(member, more, f"{where}[{name}]")
            else:
                wrong(f"{where} has no member {name}")
    elif kind == "array":
        if not isinstance(value, list):
            wrong(f"{where} is no list: {value!r}")
        for number, item in enumerate(value):
            conforms(item, schema["items"], f"{where}[{number}]")
    elif kind == "string":
        if not isinstance(value, str):
            wrong(f"{where} is no text: {value!r}")
        if "enum" in schema and value not in schema["enum"]:
            wrong(f"{where} is {value!r}, none of {schema['enum']}")
        if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
            wrong(f"{where} is {value!r}, not of the form {schema['pattern']}")
    elif kind == "boolean" and not isinstance(value, bool):
        wrong(f"{where} is no boolean: {value!r}")
    elif kind == "integer" and (isinstance(value, bool) or not isinstance(value, int)):
        wrong(f"{where} is no number: {value!r}")
    elif kind == "number" and (isinstance(value, bool) or not isinstance(value, (int, float))):
        wrong(f"{where} is no number: {value!r}")


def methods(resources):
    for resource in resources.values():
        yield from resource.get("methods", {}).values()
        yield from methods(resource.get("resources", {}))


def check(lines):
    """Each request is one of a method that there is, with parameters that it has and a body of its schema."""
    known = []
    for method in methods(DOCUMENT["resources"]):
        template = re.escape(method["path"])
        form = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", template)
        known.append((method, re.compile(form)))
    for line in lines:
        request = json.loads(line)
        path = request["path"].removeprefix("/compute/v1/")
        found = [
            (method, match)
            for method, form in known
            if method["httpMethod"] == request["http"] and (match := form.fullmatch(path))
        ]
        # The longest template without a parameter in its place is meant.
        found.sort(key=lambda it: it[0]["path"].count("{"))
        if not found:
            wrong(f"there is no {request['http']} {path}")
        method, match = found[0]
        for name, value in match.groupdict().items():
            conforms(value, method["parameters"][name], f"{method['id']} {name}")
        for name, value in request["query"].items():
            declared = method["parameters"].get(name)
            if declared is None:
                wrong(f"{method['id']} has no parameter {name}")
            if declared["type"] == "integer":
                value = int(value)
            conforms(value, declared, f"{method['id']} {name}")
        body = request["body"]
        if ("request" in method) != (body is not None):
            wrong(f"{method['id']} and its body: {body!r}")
        if body is not None:
            conforms(body, method["request"], method["id"])
        ok(method["id"])


class Driver:
    def __init__(self, endpoint):
        self.compute = build(
            "compute",
            "v1",
            credentials=Credentials("token"),
            client_options={"api_endpoint": endpoint + "/"},
            static_discovery=True,
        )

    def call(self, collection, method, **parameters):
        """One call of Google's client, whose answer is of the method's schema."""
        answer = getattr(getattr(self.compute, collection)(), method)(**parameters).execute()
        described = DOCUMENT["resources"][collection]["methods"][method]
        conforms(answer, described["response"], described["id"])
        ok(described["id"])
        return answer

    def done(self, operation, project):
        """Waits for an operation as people do: by wait, and by get where that comes back early."""
        name, region = operation["name"], operation.get("region")
        for turn in range(50):
            if operation["status"] == "DONE":
                return operation
            if region:
                place = region.rsplit("/", 1)[1]
                operation = self.call("regionOperations", "get", project=project, region=place, operation=name)
            else:
                method = "wait" if turn % 2 else "get"
                operation = self.call("globalOperations", method, project=project, operation=name)
            time.sleep(0.01)
        wrong(f"{name} does not end")

    def change(self, collection, method, project, **parameters):
        begun = self.call(collection, method, project=project, **parameters)
        return self.done(begun, project)

    def refused(self, status, reason, collection, method, **parameters):
        try:
            getattr(getattr(self.compute, collection)(), method)(**parameters).execute()
        except HttpError as error:
            told = error.error_details[0].get("reason") if error.error_details else None
            if (error.status_code, told) != (status, reason):
                wrong(f"{collection}.{method} was refused with {error.status_code} {told}")
            return ok(f"{collection}.{method} is refused: {status} {reason}")
        wrong(f"{collection}.{method} was not refused")

    def half(self, project, network, other):
        body = {
            "networkPeering": {
                "name": "theirs",
                "network": f"https://www.googleapis.com/compute/v1/{other}",
                "exchangeSubnetRoutes": True,
                "exportCustomRoutes": True,
                "importCustomRoutes": True,
            }
        }
        return {"network": network, "body": body, "requestId": str(uuid.uuid4())}

    def shown(self, project, network):
        return self.call("networks", "get", project=project, network=network)

    def drive(self):
        self.refused(404, "notFound", "networks", "get", project=LOCAL, network="nowhere")
        self.call("projects", "get", project=LOCAL)
        for project, network, region, block in [
            (LOCAL, "one", "europe-west1", "10.50.0.0/16"),
            (REMOTE, "other", "us-central1", "10.60.0.0/16"),
        ]:
            body = {"name": network, "autoCreateSubnetworks": False}
            self.change("networks", "insert", project, body=body)
            self.refused(409, "alreadyExists", "networks", "insert", project=project, body=body)
            subnet = {
                "name": "main",
                "network": f"projects/{project}/global/networks/{network}",
                "ipCidrRange": block,
            }
            self.change("subnetworks", "insert", project, region=region, body=subnet)
        self.call("networks", "list", project=LOCAL)
        self.call("subnetworks", "aggregatedList", project=LOCAL, maxResults=1)
        self.call("routes", "list", project=LOCAL)
        self.peer()
        self.rules()
        self.change("networks", "delete", LOCAL, network="one")

    def peer(self):
        ends = ((LOCAL, "one"), (REMOTE, "other"))
        path = {end: f"projects/{end[0]}/global/networks/{end[1]}" for end in ends}
        for end, other in (ends, ends[::-1]):
            half = self.half(end[0], end[1], path[other])
            begun = self.call("networks", "addPeering", project=end[0], **half)
            again = self.call("networks", "addPeering", project=end[0], **half)
            if begun["name"] != again["name"]:
                wrong("the same request began another operation")
            if end is ends[0]:
                early = self.half(*ends[1], path[ends[0]])
                self.refused(400, "badRequest", "networks", "addPeering", project=REMOTE, **early)
            self.done(again, end[0])
        peering = self.shown(LOCAL, "one")["peerings"][0]
        if peering["state"] != "ACTIVE":
            wrong(f"the peering is {peering['state']}")
        exchanged = self.call(
            "networks",
            "listPeeringRoutes",
            project=LOCAL,
            network="one",
            peeringName="theirs",
            direction="INCOMING",
            region="europe-west1",
        )
        if [it["destRange"] for it in exchanged["items"]] != ["10.60.0.0/16"]:
            wrong(f"the routes are {exchanged}")
        body = {"networkPeering": {"name": "theirs", "exportCustomRoutes": False}}
        self.change("networks", "updatePeering", LOCAL, network="one", body=body)
        if self.shown(LOCAL, "one")["peerings"][0]["exportCustomRoutes"]:
            wrong("the option is not set")
        body = {"name": "theirs"}
        self.refused(400, "badRequest", "networks", "requestRemovePeering", project=LOCAL, network="one", body=body)
        for project, network in ends:
            self.change("networks", "removePeering", project, network=network, body=body)
            if "peerings" in self.shown(project, network):
                wrong("the half is still there")

    def rules(self):
        body = {
            "name": "web",
            "network": f"projects/{LOCAL}/global/networks/one",
            "direction": "INGRESS",
            "sourceRanges": ["10.0.0.0/8"],
            "allowed": [{"IPProtocol": "tcp", "ports": ["443"]}],
        }
        self.change("firewalls", "insert", LOCAL, body=body)
        self.refused(409, "alreadyExists", "firewalls", "insert", project=LOCAL, body=body)
        self.call("firewalls", "get", project=LOCAL, firewall="web")
        self.call("firewalls", "list", project=LOCAL)
        self.call("networks", "getEffectiveFirewalls", project=LOCAL, network="one")
        self.call(
            "regionNetworkFirewallPolicies",
            "getEffectiveFirewalls",
            project=LOCAL,
            region="europe-west1",
            network=f"projects/{LOCAL}/global/networks/one",
        )
        self.change("firewalls", "patch", LOCAL, firewall="web", body={"description": "theirs"})
        self.change("firewalls", "delete", LOCAL, firewall="web")
        self.refused(404, "notFound", "firewalls", "get", project=LOCAL, firewall="web")


if __name__ == "__main__":
    if sys.argv[1] == "check":
        check(sys.stdin)
    else:
        Driver(sys.argv[2]).drive()
