"""Registers a network, requests a peering and follows it until it is active, with nothing but
Python's standard library.

    peerage serve                                  # in another terminal
    python3 client.py http://127.0.0.1:2114
"""

import json
import sys
import urllib.error
import urllib.request
import uuid


class PeerageError(Exception):
    """What an engine answered instead of a result: a google.rpc.Status."""

    def __init__(self, status):
        super().__init__(status["message"])
        self.code = status["code"]
        self.details = status["details"]

    @property
    def reason(self):
        """The reason that programs go by: it never changes."""
        infos = (it for it in self.details if it["@type"].endswith("google.rpc.ErrorInfo"))
        return next((it["reason"] for it in infos), None)


class Peerage:
    def __init__(self, server):
        self.server = server

    def call(self, method, **request):
        """Calls a method that answers once."""
        with self._open(method, request) as answer:
            return json.load(answer)

    def watch(self, method, **request):
        """Calls a method that streams, and yields each message as it comes."""
        with self._open(method, request) as answer:
            for line in answer:
                message = json.loads(line)
                if "error" in message:
                    raise PeerageError(message["error"])
                yield message

    def _open(self, method, request):
        url = f"{self.server}/peerage.v1.{method}"
        headers = {"Content-Type": "application/json"}
        call = urllib.request.Request(url, json.dumps(request).encode(), headers)
        try:
            return urllib.request.urlopen(call)
        except urllib.error.HTTPError as error:
            raise PeerageError(json.load(error)) from None


def context():
    """Who asks, and an id: keep it, and send a command again under it when its answer was lost."""
    return {"commandId": str(uuid.uuid4()), "actor": "client.py", "reason": "an example"}


def main(server):
    peerage = Peerage(server)
    network = peerage.call(
        "NetworkService/RegisterNetwork",
        context=context(),
        project="payments",
        name="orders",
        provider="PROVIDER_AWS",
        region="eu-west-1",
        account="111122223333",
        cloudNetwork="vpc-0a1b2c3d",
        range="10.20.0.0/16",
    )["networkId"]
    peer = {
        "provider": "PROVIDER_AWS",
        "account": "444455556666",
        "region": "us-east-1",
        "cloudNetwork": "vpc-0d4c3b2a",
        "ranges": ["10.30.0.0/16"],
    }
    peering = peerage.call(
        "PeeringService/RequestPeering",
        context=context(),
        networkId=network,
        peering={"peer": peer},
    )["peeringId"]
    watch = peerage.watch(
        "PeeringService/WatchPeerings", peeringId=peering, events="WATCH_EVENTS_ALL"
    )
    for update in watch:
        if "event" in update:
            print(update["event"]["type"])
            if update["event"]["type"] == "PeeringActivated":
                break
    try:
        peerage.call("PeeringService/GetPeering", peeringId=str(uuid.uuid4()))
    except PeerageError as error:
        print(f"refused as it should be: {error.reason}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:2114")
