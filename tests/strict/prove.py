"""Every rule on trial, against a running proxy:

    python prove.py --endpoint http://127.0.0.1:5001 [--why] [NAME …]

A proof must pass as things are, and must fail with its rule turned off: a rule that could be taken out without anybody noticing
is none. A rule without a proof fails as well. One line for each proof; the exit status says whether all went well.
"""

import argparse
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "proofs"))

import lab as laboratory  # noqa: E402

import about_access_lists  # noqa: E402, F401
import about_ends  # noqa: E402, F401
import about_groups  # noqa: E402, F401
import about_interfaces  # noqa: E402, F401
import about_life  # noqa: E402, F401
import about_listings  # noqa: E402, F401
import about_proxy  # noqa: E402, F401
import about_requests  # noqa: E402, F401
import about_routes  # noqa: E402, F401
import about_sharing  # noqa: E402, F401
import about_sight  # noqa: E402, F401


def attempt(lab, proof, off=()):
    """What went wrong, or `None`."""
    lab.fresh(off)
    try:
        proof(lab)
    except Exception:
        return traceback.format_exc()
    return None


def judge(lab, rules, proof, why):
    """Complaints about one proof: that it fails, or that it passes without a rule."""
    wrong = attempt(lab, proof)
    if wrong:
        yield wrong
        return
    for rule in rules:
        unproven = attempt(lab, proof, [rule])
        if unproven is None:
            yield f"passes without the rule {rule} as well"
        elif why:
            print(f"       without {rule}: {unproven.strip().splitlines()[-1]}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--endpoint", required=True)
    options.add_argument("names", nargs="*", help="only proofs, or rules, of these names")
    options.add_argument("--why", action="store_true", help="say also how each proof fails without its rule")
    given = options.parse_args()
    lab, failures = laboratory.Lab(given.endpoint), 0
    chosen = [(rules, proof) for rules, proof in laboratory.PROOFS if not given.names or {*rules, proof.__name__} & set(given.names)]
    for rules, proof in chosen:
        begin = time.monotonic()
        complaints = list(judge(lab, rules, proof, given.why))
        failures += bool(complaints)
        title = f"{', '.join(rules) or '-'}: {proof.__name__.replace('_', ' ')}"
        print(f"{'FAILED' if complaints else 'ok':6} {time.monotonic() - begin:5.2f} s  {title}", flush=True)
        for complaint in complaints:
            print("       " + complaint.strip().replace("\n", "\n       "), flush=True)
    if not given.names:
        proven = {rule for rules, _ in laboratory.PROOFS for rule in rules}
        for rule in lab.control("GET", "/_strict/rules"):
            if rule["name"] not in proven:
                failures += 1
                print(f"FAILED  no proof of the rule {rule['name']}")
    if faults := lab.control("GET", "/_strict/health")["faults"]:
        failures += 1
        print(f"FAILED  the proxy could not cope with {faults} requests, its output says why")
    print(f"{len(chosen)} proofs, {failures} failed")
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
