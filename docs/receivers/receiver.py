"""A receiver of Peerage's webhooks: it verifies, keeps order in sight, and takes each event once.

    WEBHOOK_KEYS="whsec_..." PORT=8080 python receiver.py

Several keys, separated by spaces, are good at the same time: that is how a key is changed. A key that begins with whpk_ is a public one
(v1a) and takes the package `cryptography`. Everything else is Python's own.
"""

import base64
import hashlib
import hmac
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# How far the clocks of sender and receiver may be apart, in seconds. An older message could be a recorded one.
TOLERANCE = 300
# The largest body that is read.
LARGEST = 1024 * 1024


class Refused(Exception):
    """Not from the sender, or not from now."""


def verify(keys, headers, body):
    """Holds the signatures against every key. `body` is what came over the wire, byte by byte: never parse it before."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE:
        raise Refused("no id, or too old or too new")
    content = f"{message_id}.{timestamp}.".encode() + body
    for signature in headers.get("webhook-signature", "").split(" "):
        version, _, encoded = signature.partition(",")
        try:
            given = base64.b64decode(encoded, validate=True)
        except ValueError:
            continue
        if any(matches(key, version, given, content) for key in keys):
            return message_id
    raise Refused("no signature of a key that is known")


def matches(key, version, given, content):
    kind, _, encoded = key.partition("_")
    raw = base64.b64decode(encoded)
    if version == "v1" and kind == "whsec":
        return hmac.compare_digest(hmac.new(raw, content, hashlib.sha256).digest(), given)
    if version == "v1a" and kind == "whpk":
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(raw).verify(given, content)
            return True
        except InvalidSignature:
            return False
    return False


class Lanes:
    """What was taken. Keep it where your effects are, in the same transaction: then each event has its effect exactly once."""

    def __init__(self):
        self.lock, self.taken, self.last = threading.Lock(), set(), {}

    def take(self, message_id, headers, body):
        events = body if isinstance(body, list) else [body]
        lane, sequence = headers.get("peerage-lane", ""), int(headers.get("peerage-lane-sequence", "0"))
        with self.lock:
            new = [event for event in events if self.is_new(event, message_id)]
            said = "accepted" if new else "repeat"
            # A replay repeats what was there before, outside of the order. Of a batch the number is its last record's.
            if headers.get("peerage-replay") != "true" and new:
                expected = self.last.get(lane, sequence - len(events)) + 1
                if sequence - len(events) + 1 > expected:
                    said = f"accepted after a gap: expected {expected}"
                self.last[lane] = max(sequence, self.last.get(lane, 0))
        for event in new:
            print(json.dumps({"lane": lane, "sequence": sequence, "event": event}), flush=True)  # your effect goes here
        return said

    def is_new(self, event, message_id):
        event_id = event.get("id", message_id) if isinstance(event, dict) else message_id
        is_new = event_id not in self.taken
        self.taken.add(event_id)
        return is_new


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    keys, lanes = [], Lanes()

    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        if length > LARGEST:
            return self.answer(413, "too large", close=True)  # this record is parked
        body = self.rfile.read(length)
        try:
            message_id = verify(self.keys, self.headers, body)
        except Refused as refused:
            return self.answer(401, str(refused))  # the connector pauses: no record is to blame
        try:
            event = json.loads(body)
        except ValueError:
            return self.answer(400, "not JSON")  # this record is parked
        self.answer(200, self.lanes.take(message_id, self.headers, event))

    def answer(self, status, text, close=False):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        if close:
            self.send_header("connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    Receiver.keys = os.environ["WEBHOOK_KEYS"].split()
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Receiver)
    print(f"listening on {server.server_address[1]}", flush=True)
    server.serve_forever()
