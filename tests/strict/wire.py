"""EC2's query protocol: a form goes in, XML comes out.

Requests are kept flat, as they came, so that what no rule touches is passed on byte for byte. Replies of the emulator are
parsed only when a rule wants to change them.
"""

import re
import urllib.parse
import uuid
import xml.etree.ElementTree as ET
from datetime import datetime, timezone

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


class Refusal(Exception):
    """An error as EC2 words it. Clients go by the code; no message is ever to be parsed."""

    def __init__(self, code, message, status=400):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


class Call:
    """One request of a client: who asks, where, what."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.service, self.region, self.access_key = credential_scope(headers.get("Authorization", ""))
        self.account = None
        # By the clock of the machine, as every other process has it.
        self.began = datetime.now(timezone.utc)
        # What reads will still show after this call, kept until it has succeeded; see `visibility.py`.
        self.remembered = None
        # Filters that are evaluated here, not by the emulator.
        self.wanted = []
        form = body.decode("utf-8", "replace") or path.partition("?")[2]
        pairs = urllib.parse.parse_qsl(form, keep_blank_values=True)
        self.params = dict(pairs)
        # As the client said it, whatever a rule rewrites.
        self.said = dict(self.params)
        # Service Quotas speaks JSON, and says in a header what is asked.
        self.action = self.params.get("Action") or headers.get("X-Amz-Target", "").rpartition(".")[2] or None

    @property
    def place(self):
        return (self.account, self.region)

    def get(self, name, default=None):
        return self.params.get(name, default)

    def needed(self, name):
        value = self.params.get(name)
        if not value:
            raise Refusal("MissingParameter", f"The request must contain the parameter {name}")
        return value

    def flag(self, name):
        return self.params.get(name, "").lower() == "true"

    def values(self, prefix):
        """`VpcId.1`, `VpcId.2` … as a list, in order."""
        return [value for _, value in sorted(self.numbered(prefix).items())]

    def numbered(self, prefix):
        found = {}
        for name, value in self.params.items():
            head, _, rest = name.rpartition(".")
            if head == prefix and rest.isdigit():
                found[int(rest)] = value
        return found

    def structs(self, prefix):
        """`Filter.1.Name`, `Filter.1.Value.1` … as a list of calls' flat parameters, one dictionary for each number."""
        found = {}
        for name, value in self.params.items():
            match = re.match(re.escape(prefix) + r"\.(\d+)\.(.+)$", name)
            if match:
                found.setdefault(int(match[1]), {})[match[2]] = value
        return [found[number] for number in sorted(found)]

    def filters(self):
        """The filters of a Describe call, as pairs of name and values."""
        return [
            (struct.get("Name", ""), [value for name, value in struct.items() if name.startswith("Value.")])
            for struct in self.structs("Filter")
        ]

    def change(self, changes):
        """Rewrites parameters; `None` removes one. The emulator does not check signatures, so none has to be made anew."""
        for name, value in changes.items():
            if value is None:
                self.params.pop(name, None)
            else:
                self.params[name] = value
        self.body = urllib.parse.urlencode(self.params).encode()

    def without(self, *prefixes):
        """Removes every parameter that starts with one of these."""
        self.change({name: None for name in list(self.params) if name.startswith(prefixes)})


def credential_scope(header):
    """Service, region and access key out of a SigV4 header; the emulator, too, knows them from there alone."""
    match = re.search(r"Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/aws4_request", header)
    return (match[3], match[2], match[1]) if match else (None, None, None)


class Reply:
    """An answer on its way to the client."""

    def __init__(self, status, body, content_type="text/xml"):
        self.status, self._body, self.content_type, self._root = status, body, content_type, None

    @property
    def issued(self):
        """The access key in an answer that gives one."""
        match = re.search(rb"<AccessKeyId>([^<]+)</AccessKeyId>", self._body)
        return match[1].decode() if match else None

    @property
    def root(self):
        """The parsed answer. Whoever asks for it may change it."""
        if self._root is None:
            text = re.sub(rb'\sxmlns="[^"]*"', b"", self._body, count=1)
            self._root = ET.fromstring(text)
        return self._root

    @property
    def body(self):
        if self._root is None:
            return self._body
        self._root.set("xmlns", NAMESPACE)
        return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(self._root)

    @property
    def code(self):
        """The error's code, or `None` when the call succeeded."""
        if 0 < self.status < 300:
            return None
        if self.status == 0:
            return "no answer"
        if "xml" not in self.content_type:
            return f"HTTP {self.status}"
        match = re.search(rb"<Code>([^<]*)</Code>", self.body)
        return match[1].decode() if match else f"HTTP {self.status}"

    def replace(self, other):
        """Becomes another answer."""
        self.status, self._body, self.content_type, self._root = other.status, other.body, other.content_type, None

    def refusal(self):
        """This failed answer as the error it carries."""
        match = re.search(rb"<Message>([^<]*)</Message>", self.body)
        return Refusal(self.code, match[1].decode() if match else "", self.status)


def element(tag, value):
    """A value as XML: a mapping becomes children, a list becomes `item`s, nothing at all is left out."""
    node = value if isinstance(value, ET.Element) else ET.Element(tag)
    if isinstance(value, ET.Element):
        node.tag = tag
    elif isinstance(value, dict):
        node.extend(element(name, child) for name, child in value.items() if child is not None)
    elif isinstance(value, (list, tuple)):
        node.extend(element("item", child) for child in value)
    elif isinstance(value, bool):
        node.text = "true" if value else "false"
    else:
        node.text = str(value)
    return node


def answer(call, content):
    """A successful answer to `call`."""
    reply = Reply(200, b"")
    reply._root = element(f"{call.action}Response", {"requestId": str(uuid.uuid4()), **content})
    return reply


def failure(refusal, service="ec2"):
    """An error in the form of its service: EC2 has its own, every other query service the common one."""
    error = {"Code": refusal.code, "Message": refusal.message}
    if service == "ec2":
        root = element("Response", {"Errors": {"Error": error}, "RequestID": str(uuid.uuid4())})
    else:
        root = element("ErrorResponse", {"Error": {"Type": "Sender", **error}, "RequestId": str(uuid.uuid4())})
    return Reply(refusal.status, b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root))


def text(node, path, default=None):
    found = node.find(path)
    return default if found is None or found.text is None else found.text
