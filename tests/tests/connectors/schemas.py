"""Holds the published schemas against the golden events, with PyPI's jsonschema.

Called with the folder of the schemas and that of the golden events; prints how many events it looked at.
"""

import copy
import json
import pathlib
import sys

import jsonschema

schemas, golden = (pathlib.Path(it) for it in sys.argv[1:3])
read = lambda path: json.loads(path.read_text(encoding="utf-8"))
wrong = []
seen = 0

validators = {}
for path in sorted(schemas.glob("*.json")):
    schema = read(path)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    validators[path.name] = validator
    for example in schema["examples"]:
        wrong += [f"{path.name}: its example: {it.message}" for it in validator.iter_errors(example)]


def without_ciphertext(value):
    if isinstance(value, dict):
        if set(value) == {"sealed", "print"}:
            del value["sealed"]
        for inner in value.values():
            without_ciphertext(inner)
    elif isinstance(value, list):
        for inner in value:
            without_ciphertext(inner)


# Types that are stored no more, and are lifted before anybody gets them.
LIFTED = {"DnsResolutionSet", "DnsResolutionApplied"}

for path in sorted(golden.glob("*.v*.json")) + sorted((golden / "connector").glob("*.v*.json")):
    event_type, version = path.name.split(".")[:2]
    if event_type in LIFTED:
        continue
    validator = validators.get(f"{event_type}.{version}.json")
    if validator is None:
        wrong.append(f"{path.name}: there is no schema of its type")
        continue
    event = read(path)
    without_ciphertext(event)
    seen += 1
    wrong += [f"{path.name}: {it.message}" for it in validator.iter_errors(event)]
    # Later versions may add fields; what must be there must be there.
    more = {**event, "added_later": 1}
    wrong += [f"{path.name} with one more field: {it.message}" for it in validator.iter_errors(more)]
    for field in validator.schema.get("required", []):
        less = copy.deepcopy(event)
        del less[field]
        if validator.is_valid(less):
            wrong.append(f"{path.name}: it is taken without {field}")

if wrong:
    sys.exit("\n".join(wrong))
print(seen)
