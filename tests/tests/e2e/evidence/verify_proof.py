"""Verifies a .tlog-proof as a stranger would: with SHA-256, base64 and an ed25519 library, and nothing of ours.

Called with the file and the log's public key; prints the event's stream, number, id and type.
"""

import base64, hashlib, pathlib, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

proof, vkey = pathlib.Path(sys.argv[1]).read_bytes().decode("utf-8"), sys.argv[2]
sha, b64 = lambda data: hashlib.sha256(data).digest(), base64.b64decode
head, note = proof.split("\n\n", 1)
first, extra, index, *path = head.split("\n")
assert first == "c2sp.org/tlog-proof@v1"
leaf, index = b64(extra.removeprefix("extra ")), int(index.removeprefix("index "))

text, signatures = note.rsplit("\n\n", 1)
text += "\n"
origin, size, root = text.splitlines()[:3]
size, root = int(size), b64(root)

name, key_id, key = vkey.split("+", 2)
assert origin == name or origin.startswith(name + "/epoch-"), "another log"
assert sha(name.encode() + b"\n" + b64(key))[:4].hex() == key_id and b64(key)[0] == 1
signed = [b64(it.split(" ")[2]) for it in signatures.splitlines() if it.startswith(f"— {name} ")]
signed = [it[4:] for it in signed if it[:4].hex() == key_id]
assert signed, "not signed by this key"
Ed25519PublicKey.from_public_bytes(b64(key)[1:]).verify(signed[0], text.encode())

at, last, digest = index, size - 1, sha(b"\0" + leaf)
assert index < size
for beside in map(b64, path):
    if at % 2 or at == last:
        digest = sha(b"\1" + beside + digest)
        while at and at % 2 == 0:
            at, last = at >> 1, last >> 1
    else:
        digest = sha(b"\1" + digest + beside)
    at, last = at >> 1, last >> 1
assert last == 0 and digest == root, "the event is not in the log"

rest, fields = leaf.removeprefix(b"peerage leaf v1\n"), []
while rest:
    length, rest = rest.split(b":", 1)
    fields.append(rest[: int(length)])
    rest = rest[int(length) + 1 :]
print(*(it.decode() for it in fields[:4]))
