"""Judges PromQL: one expression a line as a JSON text on standard input, those that are none on standard output with why."""

import json
import sys

import promql_parser

for line in sys.stdin:
    expression = json.loads(line)
    try:
        promql_parser.parse(expression)
    except ValueError as error:
        print(f"{expression}: {error}")
