"""Whether each line of a file is an event of OCSF's class API Activity, by the published schema.

The version is the one that the events name; all of a file name the same.
"""

import json
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
versions = {event["metadata"]["version"] for event in lines}
assert len(versions) == 1, versions
version = versions.pop()
schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version)).get_class_schema("api_activity")
validator = jsonschema.validators.validator_for(schema)(schema)
for number, event in enumerate(lines, 1):
    for error in validator.iter_errors(event):
        sys.exit(f"line {number}: {'/'.join(map(str, error.path))}: {error.message}")
print(f"{len(lines)} events of OCSF {version}")
