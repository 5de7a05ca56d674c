#!/bin/sh
# Writes export.jsonl.gz beside this file: a history with every kind of command, by a `peerage` of this release, on the simulated cloud.
#   PEERAGE=target/debug/peerage tests/histories/0.2/commands.sh
# A history is for ever: a later release makes a folder of its own.
set -eu
peerage=${PEERAGE:-peerage}
folder=$(cd "$(dirname "$0")" && pwd)
data=$(mktemp -d)
port=${PORT:-23999}
export PEERAGE_SERVER="http://127.0.0.1:$port" PEERAGE_ACTOR=ops@example.com
"$peerage" serve --data-dir "$data/data" --listen "127.0.0.1:$port" >"$data/serve.log" 2>&1 &
served=$!
trap 'kill "$served" 2>/dev/null || true' EXIT
until "$peerage" server info >/dev/null 2>&1; do sleep 0.2; done

by() { "$peerage" "$@" >/dev/null; }
in_place() { until "$peerage" peering show "$1" --output json | grep -q '"converged": true'; do sleep 0.2; done; }
aws="--provider aws --account 111122223333 --region eu-west-1 --vpc"

# A network at each provider, and what is said of one before anything is open.
by network register --name orders --project payments $aws vpc-0a1b2c3d --range 10.20.0.0/16 --reason "the first cluster" --ticket OPS-1
by network register --name search $aws vpc-0a1b2c3e --range 10.21.0.0/16
by network register --name index --provider gcp --account index-prod --region europe-west1 --cloud-network index --range 10.22.0.0/16
vnet=/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks
by network register --name mail --provider azure --account 22222222-2222-4222-8222-222222222222 --region westeurope \
    --cloud-network "$vnet/mail" --range 10.23.0.0/16
by network nodes payments/orders 10.20.1.0/24 --reason "the nodes' subnet"
by network policy payments/orders --drift report --longest-admission 90d --at-end report
by network policy payments/orders --require-reason
if by network policy payments/orders --drift repair; then exit 1; fi
by network policy payments/orders --no-require-reason --drift repair --reason "reasons are asked for elsewhere"
by network subnets add payments/orders subnet-0a1b2c3d
by network subnets all payments/orders

# A peering on record as people ask for one.
by peering request --network payments/orders --account 444455556666 --region us-east-1 --vpc vpc-0d4c3b2a --range 10.30.0.0/16 \
    --owner team-orders --expires 2100-01-01T00:00:00Z --local-route 10.30.0.0/16 --remote-route 10.20.0.0/16 \
    --admit 10.30.1.0/24 --admit-expires 30d --dns local --reason "nightly export" --ticket OPS-2
by peering request --network payments/orders --account 777788889999 --region eu-west-1 --vpc vpc-0d4c3b2b --range 10.31.0.0/16 \
    --consent owner --deadline 72h --renew --subnets all
peering=444455556666/vpc-0d4c3b2a
in_place $peering
if by peering request --network payments/orders --account 444455557777 --region us-east-1 --vpc vpc-0d4c3b2c --range 10.20.0.0/17; then exit 1; fi
by route accept $peering --side local --destination 10.30.7.7/32 --reason "one host"
by route replace $peering --side local --from 10.30.7.7/32 --to 10.30.7.8/32
by route withdraw $peering --side local --destination 10.30.7.8/32
by firewall restrict $peering --admit 10.30.1.0/24 --admit 10.30.2.0/24:2114 --owner team-orders --expires 30d
by firewall allow $peering --target 10.30.7.0/24 --port 5432 --reason "the warehouse" --expires 24h
if by firewall allow $peering --target 10.30.8.0/24 --port 5433 --reason "for ever" --no-expiry; then exit 1; fi
by network policy payments/orders --longest-admission none
by firewall allow $peering --target 10.30.8.0/24 --port 5433 --from 10.20.1.0/25 --reason "another one" --no-expiry --ticket OPS-3
by firewall revoke $peering 10.30.8.0/24:5433 --reason "not needed"
in_place $peering
by firewall attach $peering --to tag:app=kurrentdb --follow
by firewall detach $peering
by peering dns $peering --side remote on
by peering dns $peering --side remote off
by peering tenure $peering --owner team-search
by peering tenure $peering --admit 10.30.1.0/24 --no-owner --expires 7d
by peering ranges add $peering 10.40.0.0/16
by peering ranges drop $peering 10.40.0.0/16
by peering subnets add $peering subnet-0d4c3b2a
by peering subnets main $peering
by network check payments/orders
by audit review confirm $peering --reason "half-yearly review"
in_place $peering
by freeze --network payments/orders --reason "an incident"
by thaw --network payments/orders --reason "it is over"
by quarantine --network payments/orders --account 444455556666 --reason "an incident"
by quarantine lift --network payments/orders --account 444455556666 --reason "it is over"

# The other providers, and what their links have of options.
by peering request --network index --provider gcp --account billing-prod --region us-central1 --cloud-network billing --range 10.32.0.0/16 \
    --admit 10.32.0.0/16
in_place billing-prod/billing
by peering option billing-prod/billing --side local import-custom-routes on
by peering request --network mail --provider azure --account 33333333-3333-4333-8333-333333333333 --region northeurope \
    --cloud-network "$vnet/peer" --range 10.33.0.0/16 --option local:forwarded-traffic
in_place "$vnet/peer"
by peering option "$vnet/peer" --side local forwarded-traffic off
in_place "$vnet/peer"

# Ends.
by peering remove 777788889999/vpc-0d4c3b2b --reason "no longer needed"
by peering abandon $peering --yes --clean local --reason "the account is closed"
by network retire search --reason "moved"
by network register --name search --region eu-west-1 --account 111122223333 --vpc vpc-0a1b2c3e --range 10.21.0.0/16 --reason "back again"

kill "$served"
wait "$served" || true
trap - EXIT
peerage=$(command -v "$peerage")
case $peerage in /*) ;; *) peerage=$PWD/$peerage ;; esac
(cd "$data" && "$peerage" node export --data data/events --to export.jsonl >/dev/null)
gzip -9 -n <"$data/export.jsonl" >"$folder/export.jsonl.gz"
rm -r "$data"
