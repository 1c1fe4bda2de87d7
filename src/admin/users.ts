/** Operations on users. */
import { randomUUID } from 'node:crypto';
import Type from 'typebox';
import type { Announce } from '../blocklist/blocklist.js';
import { isUuid } from '../oauth/uuid.js';
import { canonicalLogin } from '../users/identifiers.js';
import type { User } from '../users/user.js';
import type { TakenName, UserEnding } from '../users/user-administration.js';
import type { AdminContext } from './context.js';
import { operation } from './operation.js';
import { pageInput, pageResult, readPage } from './page.js';
import { invalid, taken, unknown } from './refusals.js';
import { listOf, nullable, texts, time } from './result.js';
import {
  checkedPassword,
  checkLength,
  emailInput,
  passwordInput,
  profileInput,
  toProfile,
} from './user-profile.js';

const strict = { additionalProperties: false };
const reference = {
  user: Type.String({ minLength: 1, maxLength: 320, description: 'The id, e-mail address or username' }),
};

const userResult = Type.Object({
  id: Type.String({ format: 'uuid', description: '`sub` in access tokens' }),
  email: Type.String(),
  username: nullable(Type.String()),
  roles: texts,
  permissions: texts,
  org_id: nullable(Type.String()),
  claims: Type.Record(Type.String(), Type.Unknown()),
  disabled: Type.Boolean(),
  disabled_at: nullable(time),
  password_changed_at: time,
  created_at: time,
  updated_at: time,
});

const endedUserResult = Type.Object({
  ...userResult.properties,
  ended_sessions: Type.Integer(),
  deleted: Type.Optional(Type.Boolean()),
});

/** The user by id, e-mail or username. Throws `not_found`. */
export async function requireUser({ users }: AdminContext, userReference: string): Promise<User> {
  if (isUuid(userReference)) return known(await users.find(userReference));
  const login = canonicalLogin(userReference);
  return known(login === undefined ? undefined : await users.findByLogin(login));
}

function known(user: User | undefined): User {
  if (!user) throw unknown('user');
  return user;
}

const create = operation({
  name: 'users.create',
  method: 'POST',
  path: '/users',
  summary: 'Create a user',
  input: Type.Object({ ...profileInput, email: emailInput, ...passwordInput }, strict),
  result: userResult,
  run: async (context, { password, ...input }, actor) => {
    const nothing = { email: '', username: null, roles: [], permissions: [], orgId: null, custom: {} };
    const profile = { ...nothing, ...toProfile(input) };
    checkLength(profile);
    const passwordHash = await context.passwords.hash(checkedPassword(password));
    const created = await context.users.create({ id: randomUUID(), ...profile, passwordHash }, actor);
    return describeUser(unlessTaken(created));
  },
});

const list = operation({
  name: 'users.list',
  method: 'GET',
  path: '/users',
  summary: 'List users, by e-mail address',
  input: Type.Object(pageInput, strict),
  result: Type.Object({ users: listOf(userResult), ...pageResult }),
  run: async ({ users }, { limit, after = '' }) => {
    const afterEmail = Buffer.from(after, 'base64url').toString();
    if (afterEmail.includes('\0')) throw invalid('after: is no cursor of this list');
    const { items, nextCursor } = await readPage(
      limit,
      (count) => users.list(afterEmail, count),
      (last) => Buffer.from(last.email).toString('base64url'),
    );
    return { users: items.map(describeUser), next_cursor: nextCursor };
  },
});

const show = operation({
  name: 'users.show',
  method: 'GET',
  path: '/users/:user',
  summary: 'Show a user',
  input: Type.Object(reference, strict),
  result: userResult,
  run: async (context, { user }) => describeUser(await requireUser(context, user)),
});

const update = operation({
  name: 'users.update',
  method: 'PATCH',
  path: '/users/:user',
  summary: 'Change a user; access tokens have it from the next refresh on',
  input: Type.Object({ ...reference, ...profileInput }, strict),
  result: userResult,
  run: async (context, { user: userReference, ...input }, actor) => {
    const user = await requireUser(context, userReference);
    const change = toProfile(input);
    if (Object.keys(change).length === 0) throw invalid('There is nothing to change');
    checkLength({ ...user, ...change });
    const updated = await context.users.update(user.id, change, actor);
    if (!updated) throw unknown('user');
    return describeUser(unlessTaken(updated));
  },
});

const enable = operation({
  name: 'users.enable',
  method: 'POST',
  path: '/users/:user/enable',
  summary: 'Let a disabled user log in again',
  input: Type.Object(reference, strict),
  result: userResult,
  run: async (context, { user }, actor) => {
    const { id } = await requireUser(context, user);
    return describeUser(known(await context.users.enable(id, actor)));
  },
});

const setPassword = operation({
  name: 'users.set-password',
  method: 'POST',
  path: '/users/:user/set-password',
  summary: 'Set the password of a user: all sessions end, all tokens are revoked',
  input: Type.Object({ ...reference, ...passwordInput }, strict),
  result: endedUserResult,
  run: async (context, { user, password }, actor) => {
    const { id } = await requireUser(context, user);
    const passwordHash = await context.passwords.hash(checkedPassword(password));
    return endUser(context, id, { kind: 'password_changed', passwordHash }, actor);
  },
});

interface EndingDescription {
  name: string;
  method: 'POST' | 'DELETE';
  path: string;
  summary: string;
}

function endingOperation(description: EndingDescription, ending: UserEnding) {
  return operation({
    ...description,
    input: Type.Object(reference, strict),
    result: endedUserResult,
    run: async (context, { user }, actor) => {
      const { id } = await requireUser(context, user);
      return endUser(context, id, ending, actor);
    },
  });
}

const disable = endingOperation(
  {
    name: 'users.disable',
    method: 'POST',
    path: '/users/:user/disable',
    summary: 'Disable a user: no login, all sessions end, all tokens are revoked',
  },
  { kind: 'user_disabled' },
);

const revokeSessions = endingOperation(
  {
    name: 'users.revoke-sessions',
    method: 'POST',
    path: '/users/:user/revoke-sessions',
    summary: 'End all sessions of a user and revoke all their tokens',
  },
  { kind: 'sessions_revoked' },
);

const remove = endingOperation(
  {
    name: 'users.delete',
    method: 'DELETE',
    path: '/users/:user',
    summary: 'Delete a user and all their sessions; their tokens are revoked',
  },
  { kind: 'user_deleted' },
);

export const userOperations = [
  create,
  list,
  show,
  update,
  disable,
  enable,
  setPassword,
  remove,
  revokeSessions,
];

async function endUser(context: AdminContext, id: string, ending: UserEnding, actor: string) {
  const announce: Announce = (entries) => context.blocklist.announce(entries);
  const ended = await context.users.end(id, ending, actor, announce);
  if (!ended) throw unknown('user');
  const deleted = ending.kind === 'user_deleted' ? { deleted: true } : {};
  return { ...describeUser(ended.user), ended_sessions: ended.endedSessions, ...deleted };
}

function unlessTaken(user: User | TakenName): User {
  if (typeof user === 'object') return user;
  const name = user === 'email taken' ? 'e-mail address' : 'username';
  throw taken(`Another user has this ${name}`);
}

function describeUser(user: User) {
  return {
    id: user.id,
    email: user.email,
    username: user.username,
    roles: user.roles,
    permissions: user.permissions,
    org_id: user.orgId,
    claims: user.custom,
    disabled: user.disabledAt !== null,
    disabled_at: user.disabledAt,
    password_changed_at: user.passwordChangedAt,
    created_at: user.createdAt,
    updated_at: user.updatedAt,
  };
}
