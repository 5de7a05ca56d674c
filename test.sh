#!/bin/sh
# The one test command: everything that must hold before a change is merged, cheapest first.
#
#   ./test.sh            all of it
#   ./test.sh quick      formatting, lints, documents and .proto files only: no tests, no Python
#   ./test.sh months     the tests that live through a month of each trouble: a quarter of an hour
#   ./test.sh figures    what connectors and the audit cost, optimised, beside the bare equivalent where there is one: on a quiet machine;
#                        PEERAGE_FIGURES_SCALE="200 50 20000" makes the audit's log a small one
#   ./test.sh attacks    what callers with manners notice of those without, one attack after the other: the slowest of a hundred calls is judged too
#   ./test.sh fuzz SECONDS  bytes that nobody wrote, for everything that reads bytes from outside, for so long; `all of it` has a minute of it
#   ./test.sh advisories the live database of advisories, with cargo-deny or cargo-audit if one is installed
#   ./test.sh ARGS...    the tests only, with ARGS given to `cargo test` (for example: ./test.sh -p peerage-domain)
#
# Needs Rust with rustfmt and clippy, Python 3.11 or later with venv, Node with npm, openssl, and a C compiler. The Python packages (an EC2 emulator
# and its judge) go to .venv, pinned by hash. PEERAGE_TEST_STORE=kurrentdb://... points the store suites at a real KurrentDB.
set -eu
cd "$(dirname "$0")"

# Most tests wait for another process most of the time: more of them at once than there are processors.
RUST_TEST_THREADS="${RUST_TEST_THREADS:-$(($(getconf _NPROCESSORS_ONLN) * 3))}"
export RUST_TEST_THREADS

started=$(date +%s)
report=""

phase() {
    name=$1
    shift
    echo "==> $name"
    begin=$(date +%s)
    if "$@"; then outcome=ok; else outcome=FAILED; fi
    report="$report$(printf '%7s s  %-6s  %s' "$(($(date +%s) - begin))" "$outcome" "$name")
"
    [ "$outcome" = ok ] || finish 1
}

finish() {
    printf '\n%s%7s s  in all\n' "$report" "$(($(date +%s) - started))"
    exit "$1"
}

# The environment is made anew when the pinned packages change, and only then.
python_packages() {
    venv=${PEERAGE_TEST_VENV:-.venv}
    wanted=tests/requirements.txt
    if cmp -s "$wanted" "$venv/requirements.txt"; then
        echo "up to date: $venv"
        return
    fi
    rm -rf "$venv" &&
        python3 -c 'import sys; sys.exit("Python 3.11 or later is needed") if sys.version_info < (3, 11) else None' &&
        python3 -m venv "$venv" &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement "$wanted" &&
        cp "$wanted" "$venv/requirements.txt"
}

# The linter of the API's .proto files, made anew when its pinned packages change, and only then.
proto_packages() {
    wanted=tests/tools/buf/package-lock.json
    if cmp -s "$wanted" tests/tools/buf/node_modules/package-lock.json; then
        return
    fi
    npm ci --prefix tests/tools/buf --ignore-scripts --no-audit --no-fund --loglevel=error &&
        cp "$wanted" tests/tools/buf/node_modules/package-lock.json
}

protos() {
    proto_packages && tests/tools/buf/node_modules/.bin/buf lint peerage/proto
}

documents() {
    RUSTDOCFLAGS="${RUSTDOCFLAGS:-} -D warnings" cargo doc --workspace --no-deps
}

checks() {
    phase "formatting" cargo fmt --all --check
    phase "lints" cargo clippy --workspace --all-targets -- -D warnings
    phase "documents" documents
    phase "protos" protos
    phase "age of the advisories" advisories_age
}

# What failed is said once more at the end, in short: the suites that come after it push it out of sight.
cargo_test() {
    output=$(mktemp)
    { cargo test "$@" 2>&1 || echo failed >"$output.outcome"; } | tee "$output"
    outcome=$(cat "$output.outcome" 2>/dev/null || echo ok)
    [ "$outcome" = ok ] || awk '
        BEGIN { print "\n==> what failed" }
        /^stack backtrace:/ || /^note: run with/ { lines = 0 }
        / panicked at / { lines = 12 }
        /^test .* FAILED$/ || lines-- > 0
    ' "$output"
    rm -f "$output" "$output.outcome"
    [ "$outcome" = ok ]
}

# The program itself is built with the tests, because the room it lies in has tests that run it.
tests() {
    phase "Python packages" python_packages
    PEERAGE_TEST_BINARY="${CARGO_TARGET_DIR:-$PWD/target}/debug/peerage"
    export PEERAGE_TEST_BINARY
    phase "tests" cargo_test --workspace "$@"
}

# What was found since the list of advisories was last brought up to date is in no test. Said, and no failure: without a network nothing can be
# done about it, and a commit of today must pass as it did on its day.
advisories_age() {
    checked=$(sed -n 's/^checked = //p' tests/advisories.toml)
    days=$(python3 -c 'import datetime, sys; print((datetime.date.today() - datetime.date.fromisoformat(sys.argv[1])).days)' "$checked") || return 0
    if [ "$days" -gt 60 ]; then
        echo "warning: tests/advisories.toml is of $checked, $days days ago: bring it up to date (./test.sh advisories asks the live database)" >&2
    fi
}

# The committed list is held against the lock file by the tests; this asks whether the list is still all that is known.
advisories() {
    if command -v cargo-deny >/dev/null; then
        cargo deny --locked check advisories
    elif command -v cargo-audit >/dev/null; then
        # It has no file of exceptions of its own that says why: they are in deny.toml.
        set --
        for id in $(sed -n 's/.*{ id = "\(RUSTSEC-[0-9-]*\)".*/\1/p' deny.toml); do set -- "$@" --ignore "$id"; done
        cargo audit "$@"
    else
        echo "neither cargo-deny nor cargo-audit is installed (cargo install --locked cargo-deny)." >&2
        echo "What is known since $(sed -n 's/^checked = //p' tests/advisories.toml) is in tests/advisories.toml; the tests hold Cargo.lock against it." >&2
        return 1
    fi
}

case "${1:-}" in
"")
    checks
    tests --no-fail-fast
    ;;
quick) checks ;;
months) phase "months" cargo_test -p peerage-workers --lib -- --ignored a_month ;;
figures)
    phase "figures of connectors" cargo bench --workspace --bench webhooks
    phase "figures of the audit" cargo_test --release -p peerage-projections --lib the_proof_of_one -- --ignored --nocapture
    phase "figures of a long log" cargo bench --workspace --bench audit -- ${PEERAGE_FIGURES_SCALE:-}
    ;;
attacks)
    PEERAGE_TEST_BINARY="${CARGO_TARGET_DIR:-$PWD/target}/debug/peerage"
    RUST_TEST_THREADS=1
    export PEERAGE_TEST_BINARY
    phase "program" cargo test --workspace --no-run
    phase "attacks" cargo_test --workspace --test e2e -- doors::load doors::node_load doors::stop --nocapture
    ;;
fuzz)
    PEERAGE_FUZZ_SECONDS="${2:-60}"
    export PEERAGE_FUZZ_SECONDS
    PEERAGE_TEST_BINARY="${CARGO_TARGET_DIR:-$PWD/target}/debug/peerage"
    export PEERAGE_TEST_BINARY
    phase "program" cargo test --workspace --no-run
    phase "fuzz" cargo_test --workspace --test fuzz -- --nocapture
    ;;
advisories) phase "advisories, live" advisories ;;
*)
    phase "Python packages" python_packages
    phase "tests" cargo_test "$@"
    ;;
esac
finish 0
