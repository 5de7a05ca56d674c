"""What a proof works with: two accounts, boto3, the proxy's control side, and sentences to say what must be so."""

import functools
import ipaddress
import json
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

LEFT, RIGHT, THIRD = "111111111111", "222222222222", "333333333333"
HERE, THERE = "eu-west-1", "us-east-1"

# More looks than any phase lasts: whoever is not there by then never comes.
LOOKS = 12

PROOFS = []

CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60)


def proves(*rules):
    """A proof passes while its rules are on, and fails as soon as any one of them is off."""

    def register(function):
        PROOFS.append((rules, function))
        return function

    return register


class Lab:
    def __init__(self, endpoint):
        self.endpoint = endpoint

    @functools.cache
    def client(self, account, region, endpoint=None, service="ec2"):
        """EC2, or another service, as `account`, who is named in a header: the emulator forgets assumed roles when it is emptied between proofs."""
        client = boto3.client(
            service,
            endpoint_url=endpoint or self.endpoint,
            region_name=region,
            aws_access_key_id="proof",
            aws_secret_access_key="proof",
            config=CONFIG,
        )
        client.meta.events.register(f"before-sign.{service}", lambda request, **_: request.headers.add_header("x-moto-account-id", account))
        return client

    @functools.cached_property
    def upstream(self):
        """Where the emulator itself listens, for hands that bypass the proxy."""
        return self.control("GET", "/_strict/health")["upstream"]

    @property
    def left(self):
        return self.client(LEFT, HERE)

    @property
    def right(self):
        return self.client(RIGHT, HERE)

    @property
    def far(self):
        return self.client(RIGHT, THERE)

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.endpoint + path, data=data, method=method), timeout=60) as answer:
            return json.load(answer)

    def fresh(self, off=()):
        """An empty cloud and the proxy as at its start, but for the rules in `off`."""
        self.control("POST", "/moto-api/reset", {})
        self.control("POST", "/_strict/reset", {})
        self.control("POST", "/_strict/rules", {rule: False for rule in off})

    def settings(self, **settings):
        self.control("POST", "/_strict/settings", settings)

    def pass_time(self, **span):
        seconds = span.get("seconds", 0) + 60 * span.get("minutes", 0) + 3600 * span.get("hours", 0)
        self.control("POST", "/_strict/clock", {"advance_seconds": seconds})

    def at_once(self):
        """Without waiting, for proofs about something else: whatever can happen has happened."""
        phases = {f"{phase}_reads": 0 for phase in ("unseen", "initiating", "provisioning", "deleting")}
        self.settings(**phases)


def vpc(ec2, cidr):
    return ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]


def block_of_ipv6(lab, ec2, network, number):
    """Gives the network a block of IPv6. The emulator draws it by lot: the same number draws the same one."""
    urllib.request.urlopen(urllib.request.Request(f"{lab.endpoint}/moto-api/seed?a={number}", method="POST"), timeout=60).close()
    ec2.associate_vpc_cidr_block(VpcId=network, AmazonProvidedIpv6CidrBlock=True)
    seen = ec2.describe_vpcs(VpcIds=[network])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
    return str(ipaddress.ip_network(seen[0]["Ipv6CidrBlock"]))


def request(ec2, ours, theirs, account=RIGHT, region=HERE, tags=None):
    """Asks for a peering. Answers its id."""
    more = {}
    if tags:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        more = {"TagSpecifications": [{"ResourceType": "vpc-peering-connection", "Tags": listed}]}
    made = ec2.create_vpc_peering_connection(VpcId=ours, PeerVpcId=theirs, PeerOwnerId=account, PeerRegion=region, **more)
    return made["VpcPeeringConnection"]["VpcPeeringConnectionId"]


def accept(ec2, name):
    return ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=name)["VpcPeeringConnection"]


def delete(ec2, name):
    return ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=name)


def see(ec2, name):
    """The peering as one read shows it, or the code of the refusal."""
    try:
        found = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[name])["VpcPeeringConnections"]
    except ClientError as error:
        return error.response["Error"]["Code"]
    return found[0] if found else None


def state(ec2, name):
    seen = see(ec2, name)
    return seen["Status"]["Code"] if isinstance(seen, dict) else seen


def states(ec2, name, count=LOOKS):
    """What so many reads show, one after the other."""
    return [state(ec2, name) for _ in range(count)]


def comes_to(ec2, name, wanted):
    seen = states(ec2, name)
    same(seen[-1], wanted, f"after {seen}")


def pair(lab, ours="10.10.0.0/16", theirs="10.20.0.0/16", far=False):
    """Two networks of two accounts."""
    return vpc(lab.left, ours), vpc(lab.far if far else lab.right, theirs)


def active(lab, far=False, **more):
    """A peering that is active, with its two networks."""
    lab.at_once()
    ours, theirs = pair(lab, far=far)
    name = request(lab.left, ours, theirs, region=THERE if far else HERE, **more)
    accept(lab.far if far else lab.right, name)
    return name, ours, theirs


def refused(code, call, **arguments):
    """The call must be refused with this code. Answers the HTTP status."""
    try:
        call(**arguments)
    except ClientError as error:
        same(error.response["Error"]["Code"], code, str(error))
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError(f"wanted {code}, but it was allowed")


def same(found, wanted, about=""):
    if found != wanted:
        raise AssertionError(f"wanted {wanted!r}, found {found!r} {about}".rstrip())


def tags_of(item):
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags") or []}
