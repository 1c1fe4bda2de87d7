/** `npm start` on the embedded database: the first start shows how to use the server, in lines that can be pasted. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { eventuallyMilliseconds, LeashedProcess, until } from '../support/leash.js';
import { freePort } from '../support/ports.js';
import { temporaryDirectory } from '../support/server.js';

const start = join(import.meta.dirname, '../../scripts/start.mjs');
const shell = ['/bin/bash', '/bin/sh'].find((path) => existsSync(path)) ?? 'sh';

interface Started {
  process: LeashedProcess;
  issuer: string;
}

async function npmStart(t: Test, directory: string): Promise<Started> {
  const port = String(await freePort());
  const env = { PORT: port, DATA_DIR: join(directory, 'data'), KEYS_DIR: join(directory, 'keys') };
  const logPath = join(directory, `${port}.log`);
  const process_ = await LeashedProcess.start(process.execPath, [start], { logPath, env });
  t.teardown(() => process_.end('SIGKILL'));
  const issuer = `http://localhost:${port}`;
  await until(
    async () => (await fetch(`${issuer}/health/ready`).catch(() => undefined))?.status === 200,
    eventuallyMilliseconds,
    () => process_.output,
  );
  return { process: process_, issuer };
}

/** The line under a heading. */
function lineUnder(heading: string, output: string): string {
  return new RegExp(`^${heading}.*:\\n(.+)$`, 'm').exec(output)?.[1] ?? '';
}

const headings = ['Log in', 'Refresh', 'Revoke', 'A token for a service', 'The public keys'];

t.test('the first start prints lines that work as they are, later ones print no secret', async (t) => {
  const directory = temporaryDirectory(t);
  const first = await npmStart(t, directory);
  await until(
    async () => first.process.output.includes('Remove the demo'),
    eventuallyMilliseconds,
    () => first.process.output,
  );
  const { output } = first.process;
  const script = headings.map((heading) => `${lineUnder(heading, output)}; echo; echo ---`).join('\n');
  const answers = execFileSync(shell, ['-c', script], { encoding: 'utf8' }).split('---\n');
  const [login = '', refresh = '', revoke = '', service = '', keys = ''] = answers;

  t.match(JSON.parse(login), { token_type: 'Bearer', refresh_token: /^ktr_/ }, 'login');
  t.match(JSON.parse(refresh), { token_type: 'Bearer', refresh_token: /^ktr_/ }, 'refresh');
  t.not(JSON.parse(refresh).refresh_token, JSON.parse(login).refresh_token, 'the refresh token was rotated');
  t.match(revoke, /^HTTP\/1\.1 200/, 'revoke');
  t.match(JSON.parse(service), { token_type: 'Bearer', scope: 'read revocations:read' }, 'a service');
  t.ok(JSON.parse(keys).keys.length >= 2, 'the active key, and the next one');

  const password = /password (\S+)/.exec(output)?.[1] ?? '';
  t.ok(password.length >= 16, 'the password is random');
  await first.process.end('SIGTERM');

  const second = await npmStart(t, directory);
  t.notMatch(second.process.output, password, 'the secrets are not shown again');
  t.notMatch(second.process.output, 'First start', 'nor is the demo made again');
  const form = { grant_type: 'password', client_id: 'demo-app', username: 'demo', password };
  const again = await fetch(`${second.issuer}/token`, { method: 'POST', body: new URLSearchParams(form) });
  t.equal(again.status, 200, 'the same user is there');
  const sameKeys = await (await fetch(`${second.issuer}/.well-known/jwks.json`)).json();
  t.same(sameKeys, JSON.parse(keys), 'and the same keys');
});

t.test('options that it does not know are refused, not passed over', async (t) => {
  const { status, stderr } = spawnSync(process.execPath, [start, '--port', '4000'], { encoding: 'utf8' });
  t.equal(status, 2);
  t.match(stderr, /PORT=4000 npm start/);
});
