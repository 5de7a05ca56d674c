"""An issuer that does what it is told: good tokens and bad ones, made by a library that is not ours.

usage: issuer.py PORT

POST /control takes one JSON object:
  {"op": "token", "claims": {…}, "how": HOW}  answers with a token; claims override the usual ones
  {"op": "rotate"}                            another key in place of the one that is published
  {"op": "mode", "mode": MODE}                how discovery and keys are answered from now on
  {"op": "asked"}                             how often the keys were asked for

HOW: good · none · hmac (HS256 with the public key) · foreign (a key of somebody else under the published id) ·
     unknown (a key that is not published) · old (the key before the last rotation) · crit
MODE: good · down · huge · slow · redirect
"""

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

warnings.simplefilter("ignore")
from authlib.jose import JsonWebKey, JsonWebToken  # noqa: E402


def new_key(name):
    return JsonWebKey.generate_key("RSA", 2048, {"kid": name, "use": "sig"}, is_private=True)


class State:
    number = 1
    key = new_key("key-1")
    old = None
    other = JsonWebKey.generate_key("RSA", 2048, {"use": "sig"}, is_private=True)
    mode = "good"
    asked = 0


def part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def token(port, claims, how):
    now = int(time.time())
    usual = {"iss": f"http://127.0.0.1:{port}", "aud": "peerage", "sub": "ada", "iat": now, "exp": now + 600}
    claims = {name: it for name, it in {**usual, **claims}.items() if it is not None}
    kid = State.key.as_dict()["kid"]
    if how == "none":
        return part({"alg": "none", "kid": kid}) + b"." + part(claims) + b"."
    if how == "hmac":
        signed = part({"alg": "HS256", "kid": kid}) + b"." + part(claims)
        secret = State.key.as_pem(is_private=False)
        return signed + b"." + part(hmac.new(secret, signed, hashlib.sha256).digest())
    header, key = {"alg": "RS256", "kid": kid}, State.key
    if how == "foreign":
        key = State.other
    elif how == "unknown":
        key, header["kid"] = State.other, claims.get("jti", "key-unknown")
    elif how == "old":
        key, header["kid"] = State.old, State.old.as_dict()["kid"]
    elif how == "crit":
        header.update({"crit": ["exotic"], "exotic": True})
        signed = part(header) + b"." + part(claims)
        private = key.get_private_key()
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding
        return signed + b"." + part(private.sign(signed, padding.PKCS1v15(), hashes.SHA256()))
    return JsonWebToken(["RS256"]).encode(header, claims, key)


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, value, status=200):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        own = f"http://127.0.0.1:{self.server.server_port}"
        if State.mode == "down":
            return self.answer({}, 503)
        if State.mode == "slow":
            time.sleep(30)
        if self.path == "/.well-known/openid-configuration":
            return self.answer({"issuer": own, "jwks_uri": f"{own}/keys"})
        if self.path == "/keys":
            State.asked += 1
            if State.mode == "huge":
                return self.answer(b'{"keys": [' + b" " * 10_000_000 + b"]}")
            if State.mode == "redirect":
                self.send_response(302)
                self.send_header("Location", f"{own}/elsewhere")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            return self.answer({"keys": [State.key.as_dict(is_private=False)]})
        if self.path == "/elsewhere":
            return self.answer({"keys": [State.key.as_dict(is_private=False)]})
        self.answer({}, 404)

    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if told["op"] == "token":
            made = token(self.server.server_port, told.get("claims", {}), told.get("how", "good"))
            return self.answer({"token": made.decode()})
        if told["op"] == "rotate":
            State.number += 1
            State.old, State.key = State.key, new_key(f"key-{State.number}")
        elif told["op"] == "mode":
            State.mode = told["mode"]
        self.answer({"asked": State.asked})


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
threading.current_thread().name = "issuer"
server.serve_forever()
