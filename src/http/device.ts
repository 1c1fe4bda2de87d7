import type { FastifyRequest } from 'fastify';
import { plainAddress } from '../limits/network.js';
import { OAuthError } from '../oauth/errors.js';
import type { Parameters } from '../oauth/parameters.js';
import type { Device } from '../sessions/session.js';
import { hiddenCharacters } from '../users/identifiers.js';

const userAgentLimit = 256;
const labelLimit = 64;

/**
 * Where a request came from: the address behind trusted proxies, what the client calls itself, and what the user calls the
 * device (`device_label`). Throws `invalid_request` for a label that could not be shown in a list.
 */
export function deviceOf(request: FastifyRequest, parameters: Parameters): Device {
  return {
    address: plainAddress(request.ip),
    userAgent: request.headers['user-agent']?.slice(0, userAgentLimit),
    label: labelOf(parameters.optional('device_label')),
  };
}

function labelOf(label: string | undefined): string | undefined {
  if (label === undefined) return undefined;
  if (label.length <= labelLimit && !hiddenCharacters.test(label)) return label;
  throw new OAuthError('invalid_request', {
    description: `device_label: at most ${labelLimit} characters, none of them invisible`,
  });
}
