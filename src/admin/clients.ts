/** Operations on clients. */
import { setTimeout as sleep } from 'node:timers/promises';
import Type from 'typebox';
import { isClientId } from '../clients/authenticate-client.js';
import type { Client } from '../clients/client.js';
import type { ClientEnding, ClientProfile } from '../clients/client-administration.js';
import { grantTypes } from '../oauth/grant-type.js';
import { secretHash } from '../secrets.js';
import { checkConsistency, clientProfileInput, grantsInput, toClientProfile } from './client-profile.js';
import type { AdminContext } from './context.js';
import { operation } from './operation.js';
import { pageInput, pageResult, readPage } from './page.js';
import { invalid, taken, unknown } from './refusals.js';
import { listOf, nullable, texts, time } from './result.js';

const strict = { additionalProperties: false };
const reference = { client: Type.String({ minLength: 1, maxLength: 100, description: 'The client id' }) };
const secretBytes = 32;

const clientResult = Type.Object({
  client_id: Type.String(),
  type: Type.Enum(['public', 'confidential']),
  grants: listOf(Type.String({ enum: [...grantTypes] })),
  scope: Type.String(),
  audiences: texts,
  origins: texts,
  refresh_delivery: Type.Enum(['body', 'cookie']),
  cookie_same_site: Type.Enum(['strict', 'none']),
  disabled: Type.Boolean(),
  disabled_at: nullable(time),
  created_at: time,
  updated_at: time,
});

const secretResult = Type.Object({
  ...clientResult.properties,
  client_secret: Type.Optional(Type.String({ description: 'Of a confidential client; only here' })),
});

const endedClientResult = Type.Object({
  ...clientResult.properties,
  ended_sessions: Type.Integer(),
  deleted: Type.Optional(Type.Boolean()),
});

const defaultProfile: ClientProfile = {
  grants: [],
  scope: [],
  audiences: [],
  origins: [],
  refreshDelivery: 'body',
  cookieSameSite: 'strict',
};

const create = operation({
  name: 'clients.create',
  method: 'POST',
  path: '/clients',
  summary: 'Register a client. The secret of a confidential one is in this answer, and never shown again',
  input: Type.Object(
    {
      client_id: Type.String({
        description: 'Letters, digits and `._~-`, at most 100; not of the form of a user id',
      }),
      type: Type.Enum(['public', 'confidential'], { description: 'RFC 6749 §2.1' }),
      ...clientProfileInput,
      grants: grantsInput,
    },
    strict,
  ),
  result: secretResult,
  run: async (context, { client_id: id, type, ...input }, actor) => {
    if (!isClientId(id)) {
      throw invalid('client_id: letters, digits and ._~- only, at most 100, not of the form of a user id');
    }
    const profile = { ...defaultProfile, ...toClientProfile(input) };
    checkConsistency({ ...profile, type });
    const secret = type === 'confidential' ? newSecret(context) : undefined;
    const hash = secret === undefined ? null : secretHash(secret);
    const created = await context.clients.create({ id, type, secretHash: hash, ...profile }, actor);
    if (created === 'taken') throw taken('There is such a client already');
    await takenUp(context, created);
    return { ...describeClient(created), ...(secret !== undefined && { client_secret: secret }) };
  },
});

const list = operation({
  name: 'clients.list',
  method: 'GET',
  path: '/clients',
  summary: 'List clients, by id',
  input: Type.Object(pageInput, strict),
  result: Type.Object({ clients: listOf(clientResult), ...pageResult }),
  run: async ({ clients }, { limit, after = '' }) => {
    const { items, nextCursor } = await readPage(
      limit,
      (count) => clients.list(after, count),
      (last) => last.id,
    );
    return { clients: items.map(describeClient), next_cursor: nextCursor };
  },
});

const show = operation({
  name: 'clients.show',
  method: 'GET',
  path: '/clients/:client',
  summary: 'Show a client',
  input: Type.Object(reference, strict),
  result: clientResult,
  run: async ({ clients }, { client }) => describeClient(known(await clients.find(client))),
});

const update = operation({
  name: 'clients.update',
  method: 'PATCH',
  path: '/clients/:client',
  summary: 'Change a client; lists are replaced as a whole',
  input: Type.Object({ ...reference, ...clientProfileInput }, strict),
  result: clientResult,
  run: async (context, { client: id, ...input }, actor) => {
    const change = toClientProfile(input);
    if (Object.keys(change).length === 0) throw invalid('There is nothing to change');
    const merge = (client: Client) => {
      const changed = { ...client, ...change };
      checkConsistency(changed);
      return changed;
    };
    const updated = known(await context.clients.update(id, merge, actor));
    context.clientsChanged();
    return describeClient(updated);
  },
});

const rotateSecret = operation({
  name: 'clients.rotate-secret',
  method: 'POST',
  path: '/clients/:client/rotate-secret',
  summary: 'Replace the secret of a confidential client: the old one is refused from now on',
  input: Type.Object(reference, strict),
  result: secretResult,
  run: async (context, { client: id }, actor) => {
    const client = known(await context.clients.find(id));
    if (client.type === 'public') throw invalid('A public client has no secret');
    const secret = newSecret(context);
    const changed = known(await context.clients.replaceSecret(id, secretHash(secret), actor));
    context.clientsChanged();
    return { ...describeClient(changed), client_secret: secret };
  },
});

const enable = operation({
  name: 'clients.enable',
  method: 'POST',
  path: '/clients/:client/enable',
  summary: 'Let a disabled client act again',
  input: Type.Object(reference, strict),
  result: clientResult,
  run: async (context, { client: id }, actor) => {
    const enabled = known(await context.clients.enable(id, actor));
    await takenUp(context, enabled);
    return describeClient(enabled);
  },
});

const disable = operation({
  name: 'clients.disable',
  method: 'POST',
  path: '/clients/:client/disable',
  summary: 'Disable a client: its sessions end, its tokens are revoked',
  input: Type.Object(reference, strict),
  result: endedClientResult,
  run: (context, { client }, actor) => endClient(context, client, 'client_disabled', actor),
});

const remove = operation({
  name: 'clients.delete',
  method: 'DELETE',
  path: '/clients/:client',
  summary: 'Delete a client and its sessions; its tokens are revoked',
  input: Type.Object(reference, strict),
  result: endedClientResult,
  run: async (context, { client }, actor) => ({
    ...(await endClient(context, client, 'client_deleted', actor)),
    deleted: true,
  }),
});

export const clientOperations = [create, list, show, update, rotateSecret, disable, enable, remove];

async function endClient(context: AdminContext, id: string, ending: ClientEnding, actor: string) {
  const ended = await context.clients.end(id, ending, actor, (entries) => {
    context.clientsChanged();
    return context.blocklist.announce(entries);
  });
  if (!ended) throw unknown('client');
  return { ...describeClient(ended.client), ended_sessions: ended.endedSessions };
}

/**
 * A client's end also revokes what other instances issue until they have heard of it, a second later. A client that is there
 * (again) before that second is over waits for it: none of its tokens must be born revoked.
 */
async function takenUp(context: AdminContext, { revokedBefore }: Client): Promise<void> {
  const wait = (revokedBefore?.getTime() ?? 0) - context.clock();
  if (wait > 0) await sleep(Math.min(wait, longestWaitMilliseconds));
  context.clientsChanged();
}

/** More than that second, and a bound on what a wrong clock can cost. */
const longestWaitMilliseconds = 2_000;

function known(client: Client | undefined): Client {
  if (!client) throw unknown('client');
  return client;
}

function newSecret({ randomBytes }: AdminContext): string {
  return randomBytes(secretBytes).toString('base64url');
}

function describeClient(client: Client) {
  return {
    client_id: client.id,
    type: client.type,
    grants: client.grants,
    scope: client.scope.join(' '),
    audiences: client.audiences,
    origins: client.origins,
    refresh_delivery: client.refreshDelivery,
    cookie_same_site: client.cookieSameSite,
    disabled: client.disabledAt !== null,
    disabled_at: client.disabledAt,
    created_at: client.createdAt,
    updated_at: client.updatedAt,
  };
}
