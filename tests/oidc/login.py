"""Logs a subject in at an OpenID provider by the code flow, as a browser would, and prints the id token.

usage: login.py URL CLIENT SUBJECT
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request


class Stay(urllib.request.HTTPRedirectHandler):
    """The code is in the redirect itself; nobody is at its other end."""

    def redirect_request(self, *_):
        return None


def main(url, client, subject):
    config = json.load(urllib.request.urlopen(f"{url}/.well-known/openid-configuration"))
    back = "http://localhost:1/back"
    query = urllib.parse.urlencode({
        "client_id": client, "redirect_uri": back, "response_type": "code", "scope": "openid",
    })
    form = urllib.parse.urlencode({"sub": subject}).encode()
    opener = urllib.request.build_opener(Stay)
    try:
        opener.open(f"{config['authorization_endpoint']}?{query}", form)
        raise SystemExit("no redirect")
    except urllib.error.HTTPError as answer:
        location = answer.headers["Location"]
    code = urllib.parse.parse_qs(urllib.parse.urlparse(location).query)["code"][0]
    form = urllib.parse.urlencode({
        "grant_type": "authorization_code", "code": code, "redirect_uri": back, "client_id": client,
        "client_secret": "any",
    }).encode()
    print(json.load(urllib.request.urlopen(config["token_endpoint"], form))["id_token"])


main(*sys.argv[1:])
