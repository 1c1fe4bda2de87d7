/** How each operation's result looks to people. */
import type { JsonObject } from '../oauth/claims.js';
import type { Presentation } from './operation-command.js';
import { description, harmless, table } from './print.js';

/** A list under `member`, as a table, with the way to what follows. */
function list(member: string, columns: readonly string[]): Presentation {
  return {
    text: (result) => {
      const cursor = result.next_cursor;
      const more = typeof cursor === 'string' ? `\n\nMore: --after ${harmless(cursor)}` : '';
      return table(objects(result[member]), columns) + more;
    },
  };
}

const details: Presentation = { text: description };

const withSecret: Presentation = {
  text: (result) =>
    description(result) +
    ('client_secret' in result ? '\n\nThe secret is not stored and cannot be shown again: keep it now.' : ''),
};

const session: Presentation = {
  text: ({ lineage, ...result }) =>
    `${description(result)}\n\n${table(objects(lineage), ['generation', 'issued_at', 'address', 'user_agent'])}`,
};

const keyList = {
  text: (result: JsonObject) => {
    const columns = ['kid', 'alg', 'state', 'published_at', 'activates_at', 'retires_at', 'removes_at'];
    const rows = objects(result.keys);
    return [
      `Keys are in ${text(result.home)}.`,
      table(rows, [...columns, 'last_signed_at', 'unexpired_tokens']),
      ...objects(result.problems).map(({ source, message }) => `! ${text(source)} ${text(message)}`),
    ].join('\n\n');
  },
};

const keyCheck: Presentation = {
  text: (result) =>
    [
      result.ok === true ? 'The keys are in order.' : 'Something must be done:',
      ...lines('! ', result.problems),
      ...lines('? ', result.warnings),
    ].join('\n'),
  failed: (result) => result.ok !== true,
};

/** A change of keys: what it did, what follows, what to mind. */
const keyChange: Presentation = {
  text: (result) =>
    [
      text(result.message),
      ...lines('- ', result.consequences),
      ...timelineOf(result.timeline),
      ...lines('! ', result.warnings),
    ].join('\n'),
};

export const presentations: Readonly<Record<string, Presentation>> = {
  'users.list': list('users', ['id', 'email', 'username', 'roles', 'disabled', 'created_at']),
  'clients.create': withSecret,
  'clients.rotate-secret': withSecret,
  'clients.list': list('clients', ['client_id', 'type', 'grants', 'scope', 'disabled', 'created_at']),
  'keys.list': keyList,
  'keys.check': keyCheck,
  'keys.rotate': keyChange,
  'keys.revoke': keyChange,
  'keys.revoke-all': keyChange,
  'keys.move': keyChange,
  'keys.reencrypt': keyChange,
  'sessions.list': list('sessions', [
    ...['id', 'user_id', 'client_id', 'state', 'last_used_at'],
    ...['label', 'address', 'user_agent'],
  ]),
  'sessions.show': session,
  'audit.list': list('events', [
    ...['at', 'type', 'actor', 'user_id', 'client_id', 'session_id'],
    ...['address', 'detail'],
  ]),
};

export function presentationOf(operationName: string): Presentation {
  return presentations[operationName] ?? details;
}

function timelineOf(timeline: unknown): string[] {
  const rows = objects(timeline).map(({ at, signing_kid, published_kids }) => ({
    from: at,
    signs: signing_kid,
    published: published_kids,
  }));
  return rows.length === 0 ? [] : ['', table(rows, ['from', 'signs', 'published'])];
}

function lines(mark: string, values: unknown): string[] {
  return Array.isArray(values) ? values.map((value) => mark + text(value)) : [];
}

function text(value: unknown): string {
  return harmless(String(value));
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value : [];
}
