# Debian: apt install python3-authlib
import json
import os
import urllib.request

from authlib.jose import JsonWebKey, JsonWebToken
from authlib.jose.errors import JoseError

ISSUER, AUDIENCE = os.environ["ISSUER"], os.environ["AUDIENCE"]
jwt = JsonWebToken(["ES256", "RS256"])


def fetch_keys():
    # To be kept for as long as Cache-Control says: Authlib does not fetch keys itself.
    with urllib.request.urlopen(f"{ISSUER}/.well-known/jwks.json") as answer:
        return JsonWebKey.import_key_set(json.load(answer))


keys = fetch_keys()


def verify(token):
    required = {"essential": True}
    claims = jwt.decode(
        token,
        keys,
        claims_options={
            "iss": {"essential": True, "value": ISSUER},
            "aud": {"essential": True, "value": AUDIENCE},
            **{name: required for name in ("exp", "iat", "sub", "client_id", "jti")},
        },
    )
    # Authlib does not look at `typ`.
    if claims.header.get("typ") != "at+jwt":
        raise JoseError("not an access token")
    # Seconds that this clock may be behind the server's: a fresh token's `iat` would lie in the future.
    claims.validate(leeway=5)
    return claims
