"""Strangers read a delivery: `standardwebhooks` the v1 signatures, `cryptography` the v1a ones, `cloudevents` the events.

It answers each request with what they say, as JSON. The keys come as arguments.
"""

import base64
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError


def v1(secret, headers, body):
    try:
        Webhook(secret).verify(body, headers)
        return True
    except WebhookVerificationError:
        return False


def v1a(public, headers, body):
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for signature in headers["webhook-signature"].split(" "):
        version, encoded = signature.split(",")
        if version != "v1a":
            continue
        try:
            key.verify(base64.b64decode(encoded), content)
            return True
        except InvalidSignature:
            pass
    return False


def events(headers, body):
    kind = headers["content-type"]
    if kind == "application/cloudevents-batch+json":
        one = {"content-type": "application/cloudevents+json"}
        return [event(one, json.dumps(it).encode()) for it in json.loads(body)]
    if kind == "application/cloudevents+json" or "ce-id" in headers:
        return [event(headers, body)]
    return []


def event(headers, body):
    read = from_http_event(HTTPMessage(headers=headers, body=body))
    said = {name: str(value) for name, value in read.get_attributes().items()}
    return {"attributes": said, "data": read.get_data()}


class Judge(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        keys = sys.argv[1:]
        said = {
            "signed": [v1(key, headers, body) if key.startswith("whsec_") else v1a(key, headers, body) for key in keys],
            "events": events(headers, body),
        }
        answer = json.dumps(said, ensure_ascii=False).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Judge)
print(f"listening on {server.server_address[1]}", flush=True)
server.serve_forever()
