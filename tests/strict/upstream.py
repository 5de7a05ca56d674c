"""The emulator behind the proxy: passing a client's call on, and asking it something of our own.

Our own questions go in as the account concerned, which the emulator lets anybody name in a header. They are not calls of a
client and appear in no count.
"""

import http.client
import re
import threading
import urllib.parse

from wire import Call, Refusal, Reply

# These belong to one connection, not to the request.
HOP_BY_HOP = {"connection", "keep-alive", "host", "content-length", "transfer-encoding", "expect"}


class Silence(Exception):
    """The emulator did not answer. Whether it did what it was asked is not known."""


class Upstream:
    def __init__(self, url, timeout=60):
        parts = urllib.parse.urlsplit(url)
        self.url, self.host, self.port, self.timeout = url, parts.hostname, parts.port or 80, timeout
        self._accounts, self._lock = {}, threading.Lock()

    def send(self, method, path, headers, body):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            kept = {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}
            connection.request(method, path, body=body or None, headers=kept)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read(), answer.headers.get("Content-Type", "text/xml"))
        except (OSError, http.client.HTTPException) as error:
            raise Silence(f"{self.url}: {error}") from error
        finally:
            connection.close()

    def forward(self, call):
        return self.send(call.method, call.path, call.headers, call.body)

    def ask(self, place, action, **params):
        """One EC2 call as the account of `place`. The parsed answer, or the emulator's refusal."""
        account, region = place
        headers = {
            "Authorization": scope(region, "ec2", "strict"),
            "x-moto-account-id": account,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        form = {"Action": action, "Version": "2016-11-15", **params}
        call = Call("POST", "/", headers, urllib.parse.urlencode(form).encode())
        reply = self.forward(call)
        if reply.code:
            raise reply.refusal()
        return reply.root

    def account(self, call):
        """Whose keys these are. Asked once for each key: the emulator's STS knows, for assumed roles too."""
        key = (call.access_key, call.headers.get("X-Moto-Account-Id"))
        with self._lock:
            known = self._accounts.get(key)
        if known:
            return known
        headers = {name: value for name, value in call.headers.items() if name.lower() not in ("x-amz-target", "content-type")}
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        headers["Authorization"] = scope(call.region, "sts", call.access_key)
        reply = self.send("POST", "/", headers, b"Action=GetCallerIdentity&Version=2011-06-15")
        match = re.search(rb"<Account>(\d+)</Account>", reply.body)
        if not match:
            raise Refusal("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
        with self._lock:
            self._accounts[key] = match[1].decode()
        return self._accounts[key]

    def forget(self):
        """After the emulator was reset it maps old keys to another account."""
        with self._lock:
            self._accounts.clear()


def scope(region, service, key):
    return f"AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
