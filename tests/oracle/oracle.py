"""The independent judge of what exists in an EC2-compatible cloud.

It shares no code with the engine and asks the cloud itself, in every account and region it is told to look at, as that
account (AssumeRole). A request comes as JSON on standard input, the answer goes to standard output.

    oracle.py prepare   make networks for a test: VPC, two subnets, the main route table and one associated with the second
    oracle.py act       make EC2 calls as an account in a region, to build or to damage a world by hand
    oracle.py dump      show what exists
    oracle.py check     compare what exists with what should; exit 1 and one line per difference if it is not the same
    oracle.py judge     the same of worlds that come with the request, in the form of a dump
    oracle.py serve     any of these, many times: a request with its "mode" per line, an answer per line

Everything that is neither expected nor made by `prepare` is a difference: a peering in any state but deleted, a route over
a peering in any table, a security group beside the default ones, an inbound entry of a network ACL that denies.
"""

import ipaddress
import json
import sys

import boto3
from botocore.config import Config

CONFIG = Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=60)
ROLE = "arn:aws:iam::{account}:role/any"
PROTOCOLS = {"6": "tcp", "17": "udp"}
# The last entry of every network ACL, which nobody can change.
LAST_ENTRY = 32766
EVERY_ADDRESS = [{"protocol": "-1", "from": -1, "to": -1, "source": "0.0.0.0/0"}]
# What the cloud adds to that by itself, in a network that has a block of IPv6.
EVERY_IPV6 = ("-1", -1, -1, "::/0")


class Cloud:
    """Clients per account and region, each with its own assumed identity."""

    def __init__(self, endpoint):
        # Nothing is kept from one request to the next: an emulator that was restarted has forgotten every identity.
        self.endpoint = endpoint
        self.clients = {}

    def ec2(self, place):
        key = (place["account"], place["region"])
        if key not in self.clients:
            self.clients[key] = self._assume(*key)
        return self.clients[key]

    def _assume(self, account, region):
        def client(service, **identity):
            return boto3.client(service, endpoint_url=self.endpoint, region_name=region, config=CONFIG, **identity)

        sts = client("sts", aws_access_key_id="oracle", aws_secret_access_key="oracle")
        given = sts.assume_role(RoleArn=ROLE.format(account=account), RoleSessionName="oracle")["Credentials"]
        identity = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
        # An emulator that was reset maps old keys to another account without a word.
        seen = client("sts", **identity).get_caller_identity()["Account"]
        if seen != account:
            raise SystemExit(f"asked to act as account {account}, the endpoint says {seen}")
        return client("ec2", **identity)


def pages(call, key, **arguments):
    """Every item of a listing, page after page."""
    while True:
        answer = call(**arguments)
        yield from answer[key]
        if not answer.get("NextToken"):
            return
        arguments["NextToken"] = answer["NextToken"]


def tags(item):
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags") or []}


def side(info):
    return {"account": info.get("OwnerId"), "region": info.get("Region"), "vpc": info.get("VpcId")}


def rule(item):
    source = item.get("CidrIpv4") or item.get("CidrIpv6") or item.get("PrefixListId")
    source = source or (item.get("ReferencedGroupInfo") or {}).get("GroupId")
    found = {
        "id": item["SecurityGroupRuleId"],
        "protocol": item["IpProtocol"],
        "from": item.get("FromPort", -1),
        "to": item.get("ToPort", -1),
        "source": source,
        "tags": tags(item),
    }
    if item.get("Description"):
        found["description"] = item["Description"]
    return found


def entry(item):
    ports = item.get("PortRange") or {}
    return {
        "number": item["RuleNumber"],
        "allow": item["RuleAction"] == "allow",
        "protocol": PROTOCOLS.get(item["Protocol"], item["Protocol"]),
        "from": ports.get("From", -1),
        "to": ports.get("To", -1),
        "source": item.get("CidrBlock") or item.get("Ipv6CidrBlock"),
    }


def observe(cloud, place):
    """What one account sees in one region."""
    ec2 = cloud.ec2(place)
    world = {**place, "vpcs": [], "peerings": [], "route_tables": [], "security_groups": [], "access_lists": []}
    for vpc in pages(ec2.describe_vpcs, "Vpcs"):
        world["vpcs"].append({"id": vpc["VpcId"], "cidr": vpc["CidrBlock"], "default": vpc["IsDefault"], "tags": tags(vpc)})
    for link in pages(ec2.describe_vpc_peering_connections, "VpcPeeringConnections"):
        world["peerings"].append(
            {
                "id": link["VpcPeeringConnectionId"],
                "state": link["Status"]["Code"],
                "requester": side(link["RequesterVpcInfo"]),
                "accepter": side(link["AccepterVpcInfo"]),
                "tags": tags(link),
            }
        )
    for table in pages(ec2.describe_route_tables, "RouteTables"):
        routes = [
            {
                "destination": route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock"),
                "link": route.get("VpcPeeringConnectionId"),
                "target": route.get("VpcPeeringConnectionId") or route.get("GatewayId") or route.get("NatGatewayId"),
                "state": route.get("State"),
            }
            for route in table["Routes"]
        ]
        main = any(association.get("Main") for association in table["Associations"])
        world["route_tables"].append(
            {"id": table["RouteTableId"], "vpc": table["VpcId"], "main": main, "routes": routes, "tags": tags(table)}
        )
    for group in pages(ec2.describe_security_groups, "SecurityGroups"):
        rules = list(
            pages(
                ec2.describe_security_group_rules,
                "SecurityGroupRules",
                Filters=[{"Name": "group-id", "Values": [group["GroupId"]]}],
            )
        )
        world["security_groups"].append(
            {
                "id": group["GroupId"],
                "name": group["GroupName"],
                "vpc": group.get("VpcId"),
                "tags": tags(group),
                "ingress": [rule(item) for item in rules if not item["IsEgress"]],
                "egress": [rule(item) for item in rules if item["IsEgress"]],
            }
        )
    for acl in pages(ec2.describe_network_acls, "NetworkAcls"):
        inbound = [item for item in acl["Entries"] if not item["Egress"] and item["RuleNumber"] <= LAST_ENTRY]
        world["access_lists"].append(
            {
                "id": acl["NetworkAclId"],
                "vpc": acl["VpcId"],
                "subnets": [association["SubnetId"] for association in acl["Associations"]],
                "ingress": [entry(item) for item in inbound],
            }
        )
    return world


def prepare(request):
    """Networks for a test. Answers, by the name of each, the ids of everything made."""
    cloud, made = Cloud(request["endpoint"]), {}
    for network in request["networks"]:
        ec2 = cloud.ec2(network)
        vpc = ec2.create_vpc(CidrBlock=network["cidr"])["Vpc"]["VpcId"]
        halves = list(ipaddress.ip_network(network["cidr"]).subnets(prefixlen_diff=1))
        subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=str(half))["Subnet"]["SubnetId"] for half in halves]
        of_vpc = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
        main = next(t["RouteTableId"] for t in of_vpc if any(a.get("Main") for a in t["Associations"]))
        extra = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=extra, SubnetId=subnets[1])
        made[network["name"]] = {
            "account": network["account"],
            "region": network["region"],
            "cidr": network["cidr"],
            "vpc": vpc,
            "subnets": subnets,
            "main_route_table": main,
            "extra_route_table": extra,
        }
    return made


def act(request):
    """EC2 calls by hand, one after the other. Answers what each returned, or its error code."""
    cloud, answers = Cloud(request["endpoint"]), []
    for step in request["calls"]:
        ec2 = cloud.ec2(step)
        answer = getattr(ec2, step["call"])(**step.get("arguments", {}))
        answer.pop("ResponseMetadata", None)
        answers.append(answer)
    return answers


def dump(request):
    cloud = Cloud(request["endpoint"])
    return [observe(cloud, place) for place in request["places"]]


class Judge:
    """Compares worlds with an expectation and collects every difference as one line."""

    def __init__(self, expected, worlds):
        self.expected = expected
        self.worlds = worlds
        self.tag = expected.get("tag", "peerage:peering")
        self.wrong = []
        self.links = {}

    def say(self, line):
        self.wrong.append(line)

    def peerings(self):
        seen = {}
        for world in self.worlds:
            for link in world["peerings"]:
                if link["state"] != "deleted":
                    seen.setdefault(link["id"], []).append((world, link))
        for wanted in self.expected["peerings"]:
            self._one_peering(wanted, seen)
        for views in seen.values():
            self.say(f"extra peering: {show(views[0][1])}")

    def _one_peering(self, wanted, seen):
        def same(link):
            ends = link["requester"] == wanted["requester"] and link["accepter"] == wanted["accepter"]
            return ends and wanted["peering"] in (link["tags"].get(self.tag), link["id"])

        found = [key for key, views in seen.items() if any(same(link) for _, link in views)]
        if len(found) != 1:
            self.say(f"peering {wanted['peering']}: wanted exactly one, found {len(found)}: {show(wanted)}")
        if not found:
            return
        # The first by id is taken for the wanted one, any other stays and is reported as extra.
        key = sorted(found)[0]
        self.links[wanted["peering"]] = key
        for world, link in seen.pop(key):
            where = f"{world['account']}/{world['region']}"
            if link["state"] != wanted.get("state", "active"):
                self.say(f"peering {key} is {link['state']} seen from {where}, wanted {wanted.get('state', 'active')}")
            owner = link["requester"]["account"] == world["account"]
            if "tags" in wanted and owner:
                self.same_tags(f"peering {key}", wanted["tags"], link["tags"])

    def routes(self):
        wanted = {}
        for table in self.expected["route_tables"]:
            wanted[table["id"]] = {(r["destination"], self.links.get(r["peering"], r["peering"])) for r in table["routes"]}
        for world in self.worlds:
            for table in world["route_tables"]:
                over = [route for route in table["routes"] if route["link"]]
                found = {(route["destination"], route["link"]) for route in over}
                expected = wanted.pop(table["id"], set())
                where = f"route table {table['id']} of {table['vpc']} in {world['account']}/{world['region']}"
                for destination, link in sorted(expected - found):
                    self.say(f"{where}: missing route {destination} over {link}")
                for destination, link in sorted(found - expected):
                    self.say(f"{where}: extra route {destination} over {link}")
                for route in over:
                    if route["state"] != "active":
                        self.say(f"{where}: route {route['destination']} is {route['state']}")
        for table in wanted:
            self.say(f"route table {table} does not exist")

    def security_groups(self):
        expected = list(self.expected["security_groups"])
        given = set(self.expected.get("given_security_groups", []))
        for world in self.worlds:
            for group in world["security_groups"]:
                if group["name"] == "default" or group["id"] in given:
                    continue
                wanted = next((w for w in expected if self._is_group(w, world, group)), None)
                if wanted is None:
                    self.say(f"extra security group in {world['account']}/{world['region']}: {show(group)}")
                    continue
                expected.remove(wanted)
                self._rules(f"security group {group['id']} ({group['name']})", wanted, group)
        for wanted in expected:
            self.say(f"missing security group: {show(wanted)}")

    def denials(self):
        """Entries that let something through are somebody else's, and nobody asks for them."""
        expected = list(self.expected.get("denials", []))
        for world in self.worlds:
            for acl in world["access_lists"]:
                for item in acl["ingress"]:
                    if item["allow"]:
                        continue
                    found = {**item, "list": acl["id"]}
                    found.pop("allow")
                    if found in expected:
                        expected.remove(found)
                    else:
                        self.say(f"extra denial in {world['account']}/{world['region']}: {show(found)}")
        for missing in expected:
            self.say(f"missing denial: {show(missing)}")

    def _is_group(self, wanted, world, group):
        place = wanted["account"] == world["account"] and wanted["region"] == world["region"]
        return place and wanted["vpc"] == group["vpc"] and group["tags"].get(self.tag) == wanted["peering"]

    def _rules(self, where, wanted, group):
        if "tags" in wanted:
            self.same_tags(where, wanted["tags"], group["tags"])
        for way, default in (("ingress", []), ("egress", EVERY_ADDRESS)):
            expected = sorted(map(bare, wanted.get(way, default)))
            found = sorted(map(bare, group[way]))
            if way == "egress" and way not in wanted:
                found = [it for it in found if it != EVERY_IPV6]
            for missing in without(expected, found):
                self.say(f"{where}: missing {way} rule {missing}")
            for extra in without(found, expected):
                self.say(f"{where}: extra {way} rule {extra}")
            for rule_wanted in wanted.get(way, []):
                for rule_found in group[way]:
                    if "tags" in rule_wanted and bare(rule_wanted) == bare(rule_found):
                        self.same_tags(f"{where}: {way} rule {bare(rule_found)}", rule_wanted["tags"], rule_found["tags"])

    def same_tags(self, where, wanted, found):
        """`*` stands for any value."""
        for key in sorted(wanted.keys() | found.keys()):
            if key not in found:
                self.say(f"{where}: missing tag {key}")
            elif key not in wanted:
                self.say(f"{where}: extra tag {key}={found[key]}")
            elif wanted[key] not in ("*", found[key]):
                self.say(f"{where}: tag {key} is {found[key]}, wanted {wanted[key]}")


def bare(item):
    """A rule without its id, tags and description: protocol, ports and the other end."""
    return (item["protocol"], item["from"], item["to"], item["source"])


def without(these, those):
    rest = list(those)
    for item in these:
        if item in rest:
            rest.remove(item)
        else:
            yield item


def show(value):
    return json.dumps(value, sort_keys=True)


def judge(request):
    told = Judge(request["expected"], request["worlds"])
    told.peerings()
    told.routes()
    told.security_groups()
    told.denials()
    return {"differences": told.wrong}


def check(request):
    return judge({"expected": request["expected"], "worlds": dump(request)})


MODES = {"prepare": prepare, "act": act, "dump": dump, "check": check, "judge": judge}


def serve():
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = {"answer": MODES[request["mode"]](request)}
        except (Exception, SystemExit) as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer, default=str), flush=True)


def main():
    mode = sys.argv[1] if len(sys.argv) == 2 else None
    if mode == "serve":
        return serve()
    if mode not in MODES:
        raise SystemExit(__doc__)
    answer = MODES[mode](json.load(sys.stdin))
    if mode in ("check", "judge"):
        print("\n".join(answer["differences"]))
        raise SystemExit(1 if answer["differences"] else 0)
    print(json.dumps(answer, indent=1, default=str))


if __name__ == "__main__":
    main()
