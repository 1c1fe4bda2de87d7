# Debian: apt install python3-jwt python3-cryptography
import os

import jwt

ISSUER, AUDIENCE = os.environ["ISSUER"], os.environ["AUDIENCE"]
keys = jwt.PyJWKClient(f"{ISSUER}/.well-known/jwks.json")


def verify(token):
    # PyJWT does not look at `typ`.
    if jwt.get_unverified_header(token).get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    key = keys.get_signing_key_from_jwt(token).key
    return jwt.decode(
        token,
        key,
        algorithms=["ES256", "RS256"],
        issuer=ISSUER,
        audience=AUDIENCE,
        # Seconds that this clock may be behind the server's: a fresh token's `iat` would lie in the future.
        leeway=5,
        options={"require": ["exp", "iat", "sub", "client_id", "jti"]},
    )
