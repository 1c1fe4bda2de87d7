// The adapter for Express 4 and 5: a middleware per route, per router or for the whole application.
import type { NextFunction, Request, Response } from 'express';
import { admit, checkGuardOptions, type GuardOptions } from './adapter.js';
import type { AccessTokenClaims } from './claims.js';
import type { Verifier } from './verifier.js';

declare global {
  namespace Express {
    interface Request {
      /** The claims of the request's access token, set by `guard`; absent where it is optional and there was none. */
      accessToken?: AccessTokenClaims;
    }
  }
}

export type { GuardOptions } from './adapter.js';

type ExpressGuard = (request: Request, response: Response, next: NextFunction) => void;

/** A middleware that lets a request pass only with a good token: sets `req.accessToken`, or answers by RFC 6750 §3. Throws a TypeError for unknown options. */
export function guard(verifier: Verifier, options: GuardOptions = {}): ExpressGuard {
  checkGuardOptions(options);
  return function verifyAccessToken(request, response, next) {
    admit(verifier, request.headers.authorization, options)
      .then(({ claims, refusal }) => {
        if (refusal) return void response.status(refusal.status).set(refusal.headers).json(refusal.body);
        if (claims) request.accessToken = claims;
        next();
      })
      .catch(next);
  };
}
