"""Builds the tree of an export with PyPI's pymerkle, and holds roots and proofs against it.

Called with the export (JSON lines) and any number of .tlog-proof files, and files that prove growth; prints how many it judged.
"""

import base64
import hashlib
import json
import pathlib
import sys

from pymerkle import InmemoryTree, verify_consistency, verify_inclusion


def leaf(line):
    record = json.loads(line)
    content = lambda name: (
        base64.b64decode(record[f"{name}_base64"]) if f"{name}_base64" in record else record[name].encode("utf-8")
    )
    texts = [record["stream"], str(record["revision"]), record["id"], record["type"]]
    fields = [*(it.encode("utf-8") for it in texts), content("data"), content("metadata")]
    return b"peerage leaf v1\n" + b"".join(b"%d:%s," % (len(it), it) for it in fields)


def parts(text):
    head, note = text.split("\n\n", 1)
    _, size, root = note.split("\n")[:3]
    return head.split("\n"), int(size), base64.b64decode(root)


def grown(old_root, old, size, path):
    """The newer root that a proof of RFC 6962 leads to; pymerkle's own proofs have another form."""
    if old in (0, size):
        assert not path
        return tree.get_root(size)
    node = lambda left, right: hashlib.sha256(b"\1" + left + right).digest()
    path = [old_root, *path] if old & (old - 1) == 0 else path
    at, last = old - 1, size - 1
    while at % 2:
        at, last = at >> 1, last >> 1
    older = newer = path[0]
    for beside in path[1:]:
        if at % 2 or at == last:
            older, newer = node(beside, older), node(beside, newer)
            while at and at % 2 == 0:
                at, last = at >> 1, last >> 1
        else:
            newer = node(newer, beside)
        at, last = at >> 1, last >> 1
    assert last == 0 and older == old_root
    return newer


header, *lines = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
leaves = [leaf(it) for it in lines]
tree = InmemoryTree(algorithm="sha256")
for it in leaves:
    tree.append_entry(it)

_, size, root = parts("\n\n" + json.loads(header)["checkpoint"])
assert size == len(leaves) and tree.get_root(size) == root, "the export's root"
judged = 1

for path in sys.argv[2:]:
    head, size, root = parts(pathlib.Path(path).read_text(encoding="utf-8"))
    assert tree.get_root(size) == root, f"{path}: its root"
    if head[0].startswith("old "):
        old, ours = int(head[0].removeprefix("old ")), [base64.b64decode(it) for it in head[1:]]
        verify_consistency(tree.get_root(old), root, tree.prove_consistency(old, size))
        assert grown(tree.get_root(old), old, size, ours) == root, f"{path}: its hashes"
    else:
        index = int(head[2].removeprefix("index "))
        assert base64.b64decode(head[1].removeprefix("extra ")) == leaves[index], f"{path}: its event"
        proof = tree.prove_inclusion(index + 1, size)
        verify_inclusion(tree.get_leaf(index + 1), root, proof)
        ours = [base64.b64decode(it) for it in head[3:]]
        assert ours == list(proof.path)[1:], f"{path}: its hashes"
    judged += 1
print(judged)
