"""Calls a running engine with nothing but Python's own HTTP client, and holds every answer against
the OpenAPI document that the engine serves.

    conform.py http://127.0.0.1:2114

Fails at the first answer that its schema does not allow.
"""

import json
import sys
import urllib.error
import urllib.request
import uuid

import openapi_schema_validator
import openapi_spec_validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

PATIENCE = 60


def fetch(server, path, body=None):
    """The status, content type and lines of an answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {} if body is None else {"Content-Type": "application/json"}
    request = urllib.request.Request(server + path, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers["Content-Type"], answer.read()


class Api:
    """An engine and what it says of itself."""

    def __init__(self, server):
        self.server = server
        status, content_type, text = fetch(server, "/openapi.json")
        assert (status, content_type) == (200, "application/json"), (status, content_type)
        self.document = json.loads(text)
        openapi_spec_validator.validate(self.document)
        resource = Resource.from_contents(self.document, default_specification=DRAFT202012)
        self.registry = Registry().with_resource("urn:api", resource)

    def schema(self, path, *pointer):
        """Where in the document the schema of a method's request or answer is."""
        steps = ["paths", path, "post", *pointer, "schema"]
        escaped = (step.replace("~", "~0").replace("/", "~1") for step in steps)
        return {"$ref": "urn:api#/" + "/".join(escaped)}

    def check(self, value, schema):
        validator = openapi_schema_validator.OAS31Validator(schema, registry=self.registry)
        validator.validate(value)

    def call(self, path, body):
        """Calls a method; its request and its answer are what the document says."""
        self.check(body, self.schema(path, "requestBody", "content", "application/json"))
        status, content_type, text = fetch(self.server, path, body)
        assert content_type == "application/json", (path, content_type)
        answer = json.loads(text)
        if status == 200:
            self.check(answer, self.schema(path, "responses", "200", "content", content_type))
        else:
            self.check(answer, {"$ref": "urn:api#/components/schemas/google.rpc.Status"})
        known = set(self.properties(path)) if status == 200 else {"code", "message", "details"}
        assert set(answer) <= known, (path, set(answer) - known)
        return status, answer

    def visit(self, template, values):
        """Reads what is at a path of its own; its parameters and its answer are what the document says."""
        operation = self.document["paths"][template]["get"]
        path = template
        for parameter in operation["parameters"]:
            if parameter.get("in") == "path":
                path = path.replace("{" + parameter["name"] + "}", values[parameter["name"]])
        assert "{" not in path, path
        status, content_type, text = fetch(self.server, path)
        content = operation["responses"]["200"]["content"]
        if status != 200:
            schema = {"$ref": "urn:api#/components/schemas/google.rpc.Status"}
            self.check(json.loads(text), schema)
            return
        assert list(content) == [content_type], (path, content_type)
        if content_type == "application/json":
            steps = ["paths", template, "get", "responses", "200", "content", content_type, "schema"]
            escaped = (step.replace("~", "~0").replace("/", "~1") for step in steps)
            self.check(json.loads(text), {"$ref": "urn:api#/" + "/".join(escaped)})

    def watch(self, path, body, until):
        """Follows a stream up to the first line that is wanted; each line is what the document says."""
        self.check(body, self.schema(path, "requestBody", "content", "application/json"))
        headers = {"Content-Type": "application/json"}
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.server + path, data=data, headers=headers)
        kinds = set()
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            content_type = answer.headers["Content-Type"]
            content = self.document["paths"][path]["post"]["responses"]["200"]["content"]
            assert list(content) == [content_type], (path, content_type)
            schema = self.schema(path, "responses", "200", "content", content_type)
            for line in answer:
                value = json.loads(line)
                self.check(value, schema)
                assert len(value) == 1 and set(value) <= self.told(path), (path, value)
                kinds |= set(value)
                if until <= kinds:
                    return kinds
        raise AssertionError((path, "ended", kinds))

    def told(self, path):
        """What a line of a stream may tell, an error apart."""
        content = self.document["paths"][path]["post"]["responses"]["200"]["content"]
        reference = content["application/x-ndjson"]["schema"]["anyOf"][0]["$ref"]
        return set(self.document["components"]["schemas"][reference.rsplit("/", 1)[1]]["properties"])

    def properties(self, path):
        content = self.document["paths"][path]["post"]["responses"]["200"]["content"]
        reference = content["application/json"]["schema"]["$ref"]
        return self.document["components"]["schemas"][reference.rsplit("/", 1)[1]]["properties"]


def context():
    return {"commandId": str(uuid.uuid4()), "actor": "conform.py", "reason": "a test"}


def conform(api):
    registration = {
        "context": context(),
        "project": "payments",
        "name": "orders",
        "provider": "PROVIDER_AWS",
        "region": "eu-west-1",
        "account": "111122223333",
        "cloudNetwork": "vpc-0a1b2c3d",
        "range": "10.20.0.0/16",
    }
    networks, peerings = "/peerage.v1.NetworkService/", "/peerage.v1.PeeringService/"
    status, registered = api.call(networks + "RegisterNetwork", registration)
    assert status == 200, registered
    request = {
        "context": context(),
        "networkId": registered["networkId"],
        "peering": {
            "peer": {
                "provider": "PROVIDER_AWS",
                "account": "444455556666",
                "region": "us-east-1",
                "cloudNetwork": "vpc-0d4c3b2a",
                "ranges": ["10.30.0.0/16"],
            },
            "routes": [
                {"side": "SIDE_LOCAL", "destination": "10.30.0.0/16"},
                {"side": "SIDE_REMOTE", "destination": "10.20.0.0/16"},
            ],
            "admit": [{"source": "10.30.0.0/16", "port": 2113}],
        },
    }
    status, requested = api.call(peerings + "RequestPeering", request)
    assert status == 200, requested
    for method, body in (
        (networks + "GetNetwork", {"networkId": registered["networkId"]}),
        (peerings + "GetPeering", {"peeringId": requested["peeringId"]}),
        (peerings + "PlanPeering", {"peeringId": requested["peeringId"]}),
    ):
        status, answer = api.call(method, body | {"minPosition": requested["position"]})
        assert status == 200, (method, answer)
    everything = {"events": "WATCH_EVENTS_ALL", "bookmarkInterval": "1s"}
    for path, noun in ((networks + "WatchNetworks", "network"), (peerings + "WatchPeerings", "peering")):
        kinds = api.watch(path, everything, {noun, "event", "bookmark"})
        print(f"ok: {path} {sorted(kinds)}")
    # Every other method that answers once, asked for nothing in particular.
    for path, operations in api.document["paths"].items():
        is_method = path.startswith("/peerage.v1.")
        if is_method and "application/json" in operations["post"]["responses"]["200"]["content"]:
            status, answer = api.call(path, {})
            assert status in (200, 400, 404), (path, status, answer)
            print(f"ok: {path} {status}")
    # The paths and verbs beside those: each that is read, with what it is asked about.
    asked = {"connector_id": "read-models", "event_type": "NetworkRegistered"}
    read = 0
    for template, operations in api.document["paths"].items():
        answers = operations.get("get", {"responses": {"200": {"content": {}}}})["responses"]["200"]["content"]
        if "application/x-ndjson" not in answers and answers:
            api.visit(template, asked)
            print(f"ok: GET {template}")
            read += 1
    assert read >= 6, read



if __name__ == "__main__":
    conform(Api(sys.argv[1]))
