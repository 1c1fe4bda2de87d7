import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { basic } from '../support/http-client.js';
import { startServerProcess } from '../support/server-process.js';
import { atBest } from '../support/undisturbed.js';
import { backends, embedded } from '../support/variants.js';
import { keyturn, keyturnJson } from './keyturn.js';

const password = 'correct horse battery staple';

interface Doctor {
  result: Record<string, unknown>;
}

function checksOf(result: Doctor['result']) {
  return result.checks as { check: string; status: string }[];
}

for (const backend of backends()) {
  t.test(`${backend.name}, while a server runs`, backend.options, async (t) => {
    const server = await startServerProcess(t, backend.storage);
    const environment = server.settings;
    const json = (args: string[], stdin?: string) =>
      keyturnJson(args, { environment, ...(stdin !== undefined && { stdin }) });

    t.test('what the command makes, the server serves at once; what it ends is over at once', async (t) => {
      const app = ['clients', 'create', '--id', 'app', '--type', 'public', '--scope', 'read write'];
      const client = await json([...app, '--grant', 'password', '--grant', 'refresh_token']);
      t.match(client, { code: 0, result: { client_id: 'app', grants: ['password', 'refresh_token'] } });
      t.notOk('client_secret' in client.result);
      const service = await json([
        ...['clients', 'create', '--id', 'svc', '--type', 'confidential', '--grant', 'client_credentials'],
        ...['--audience', 'urn:a', '--audience', 'urn:b'],
      ]);
      const headers = basic('svc', String(service.result.client_secret));
      t.equal((await server.token({ grant_type: 'client_credentials' }, headers)).status, 200);

      const create = ['users', 'create', '--email', 'ann@example.org', '--username', 'ann', '--role', 'a'];
      const user = await json(
        [
          ...create,
          '--role',
          'b',
          '--permission',
          'p',
          '--org',
          'o',
          '--claims',
          '{"x":1}',
          '--password-stdin',
        ],
        `${password}\n`,
      );
      t.match(user, { code: 0, result: { email: 'ann@example.org', roles: ['a', 'b'], claims: { x: 1 } } });
      const login = await server.token({
        grant_type: 'password',
        username: 'ann',
        password,
        client_id: 'app',
      });
      t.equal(login.status, 200);

      const sessions = await json(['sessions', 'list', '--user', 'ann', '--active']);
      const [session] = sessions.result.sessions as { id: string }[];
      t.match((await json(['sessions', 'show', session?.id ?? ''])).result, {
        user_agent: 'node',
        generation: 0,
      });
      t.match(await json(['users', 'revoke-sessions', 'ann']), { code: 0, result: { ended_sessions: 1 } });
      const active = await server.introspect(login.body.access_token, headers);
      t.equal(active.body.active, false);
      const audit = await json(['audit', 'list', '--user', 'ann', '--limit', '1']);
      t.match(audit.result.events, [{ type: 'sessions_revoked', actor: 'cli' }]);
    });

    t.test('a user is found by the longest e-mail address', async (t) => {
      const email = `${'ü'.repeat(60)}@${'host.'.repeat(30)}example`;
      const created = await json(['users', 'create', '--email', email, '--password-stdin'], password);
      const shown = await json(['users', 'show', email]);
      t.match(shown, { code: 0, result: { id: created.result.id, email } });
    });

    t.test('refused: exit code 1, the reason on stderr, one JSON value on stdout', async (t) => {
      const unknown = await json(['users', 'show', 'nobody@example.org']);
      t.match(unknown, { code: 1, stderr: 'no such user', result: { error: 'invalid_request' } });
      const short = await json(['users', 'set-password', 'ann', '--password-stdin'], 'short');
      t.match(short, { code: 1, result: { error_description: 'password: at least 8 characters' } });
      for (const command of [
        ['keys', 'move', '--to', 'database'],
        ['keys', 'reencrypt'],
      ]) {
        const { code, result } = await json(command);
        t.match({ code, result }, { code: 1, result: { error_description: /KEY_ENCRYPTION_KEY/ } });
      }
      const early = await json(['keys', 'rotate']);
      t.match(early, { code: 1, result: { outcome: 'refused', safe_at: String } });
    });

    t.test('keys are rotated by one command, and the server takes it up', async (t) => {
      const before = await json(['keys', 'list']);
      const rotated = await json(['keys', 'rotate', '--force']);
      t.match(rotated, { code: 0, result: { outcome: 'rotated' } });
      t.not((before.result.keys as { kid: string }[])[0]?.kid, rotated.result.promoted_kid);
      // The check gives servers some seconds to take it up.
      const check = () => json(['keys', 'check']);
      t.match(await atBest(check, ({ code }) => code === 0), { code: 0, result: { ok: true } });
      const revoked = await json(['keys', 'revoke', String(rotated.result.retired_kid)]);
      t.match(revoked, { code: 0, result: { outcome: 'revoked', announced: true } });
      t.match(await json(['keys', 'revoke', 'no-such-key']), { code: 1 });
    });

    t.test('doctor finds nothing wrong beside the running server', async (t) => {
      const allIsWell = ({ result }: Doctor) => checksOf(result).every(({ status }) => status === 'ok');
      const { code, result } = await atBest(() => json(['doctor']), allIsWell);
      t.equal(code, 0, JSON.stringify(result));
      t.ok(allIsWell({ result }));
      const printed = () => keyturn(['doctor'], { environment });
      const told = /port +a server answers/;
      t.match((await atBest(printed, ({ stdout }) => told.test(stdout))).stdout, told);
    });

    t.test('migrate has nothing to do', async (t) => {
      t.match(await json(['migrate']), { code: 0, result: { applied: [] } });
    });

    if (backend === embedded) {
      t.test('the admin socket is for its owner alone, and goes with the server', async (t) => {
        const path = join(environment.DATA_DIR ?? '', 'admin.sock');
        t.equal(statSync(path).mode & 0o777, 0o600);
        await server.stop();
        t.throws(() => statSync(path), { code: 'ENOENT' });
        await server.start();
        await server.kill();
        t.ok(statSync(path), 'left behind by a process that died');
        t.match(await json(['users', 'list']), { code: 0 }, 'in process, although a socket is there');
        await server.start();
        t.match(await json(['users', 'show', 'ann']), { code: 0, result: { username: 'ann' } });
      });
    }
  });
}
