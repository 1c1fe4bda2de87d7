import { spawnSync } from 'node:child_process';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { operations } from '../../src/admin/operations.js';
import { parseArguments } from '../../src/cli/arguments.js';
import { commands } from '../../src/cli/commands.js';
import { serverSettings, temporaryDirectory } from '../support/server.js';
import { keyturn, keyturnHere, keyturnJson } from './keyturn.js';

const secret = 'hunter2-hunter2';

t.test(
  'wrong usage: exit code 2, the usage of the command on stderr, nothing typed is repeated',
  async (t) => {
    const environment = await serverSettings(t);
    const wrong: [args: string[], complaint: string][] = [
      [[], 'missing command'],
      [['bogus'], 'unknown command'],
      [['users'], 'missing command'],
      [['users', 'bogus'], 'unknown command'],
      [['users', 'create', '--email', 'a@b.c', `--password=${secret}`], 'unknown option --password'],
      [['users', 'create', '--email', 'a@b.c', '--password', secret], 'unknown option --password'],
      [['users', 'show', 'a@b.c', secret], 'too many arguments'],
      [['users', 'show'], 'missing USER'],
      [['users', 'create', '--password-stdin'], 'missing --email'],
      [['users', 'create', '--email', '--json'], '--email needs a value'],
      [['users', 'create', '--email', 'a@b.c'], 'missing --password-stdin or --password-file'],
      [
        ['users', 'create', '--email', 'a@b.c', '--claims', secret, '--password-stdin'],
        '--claims needs JSON',
      ],
      [['users', 'list', '--limit', secret], '--limit needs a number'],
      [['users', 'list', '--limit', '1', '--limit', '2'], 'more than once'],
      [
        ['clients', 'create', '--id', 'x', '--type', 'x', '--grant', 'password'],
        '--type: must be one of public, confidential',
      ],
      [
        ['clients', 'create', '--id', 'x', '--type', 'public', '--grant', 'password', '--grant', 'x'],
        '--grant: must be one of password',
      ],
      [['sessions', 'show', secret], 'SESSION: has a form that is not allowed'],
      [['audit', 'list', '--type', secret], '--type: must be one of login, login_failed, refresh'],
    ];
    const runs = wrong.map(async ([args, complaint]) => ({
      args,
      complaint,
      ...(await keyturnHere(args, { environment })),
    }));
    for (const { args, complaint, code, stdout, stderr } of await Promise.all(runs)) {
      t.equal(code, 2, args.join(' '));
      t.match(stderr, complaint);
      t.match(stderr, 'Usage: keyturn');
      t.equal(stdout, args.includes('--json') ? stdout : '');
      t.notOk(`${stdout}${stderr}`.includes(secret));
    }
  },
);

t.test(
  'a result that could not be written is a failure: it may have been a secret that is shown once',
  { skip: existsSync('/dev/full') ? false : 'there is no /dev/full here' },
  async (t) => {
    const full = openSync('/dev/full', 'w');
    const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
    const args = [`--import=${import.meta.resolve('tsx')}`, main, 'users', '--help'];
    t.equal(spawnSync(process.execPath, args, { stdio: ['ignore', full, 'ignore'] }).status, 1);
  },
);

t.test('the process exits with the code, and writes nothing else', async (t) => {
  const environment = await serverSettings(t);
  const args = ['users', 'show', secret, secret, '--json'];
  const { code, stdout, stderr } = await keyturn(args, { environment });
  t.match({ code, stderr }, { code: 2, stderr: 'keyturn: too many arguments' });
  t.same(JSON.parse(stdout), { error: 'usage', error_description: 'too many arguments' });
});

t.test('--help anywhere: exit code 0, on stdout, without any settings', async (t) => {
  const environment = { PORT: 'wrong' };
  for (const args of [
    ['--help'],
    ['help'],
    ['users', '--help'],
    ['users', 'create', '-h'],
    ['doctor', '--help'],
  ]) {
    const { code, stdout, stderr } = await keyturnHere(args, { environment });
    t.match({ code, stdout, stderr }, { code: 0, stdout: /^Usage: keyturn/, stderr: '' });
  }
});

t.test('--version is that of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  t.match(await keyturnHere(['--version'], { environment: {} }), {
    code: 0,
    stdout: `${version}\n`,
    stderr: '',
  });
});

t.test('every operation has a command, and no secret among its options', async (t) => {
  const names = commands.map(({ name }) => name);
  for (const { name, command } of operations.filter((operation) => operation.name !== 'status.show')) {
    t.ok(names.includes(command ?? name.replace('.', ' ')), name);
  }
  for (const { name, options } of commands) {
    t.notOk('password' in options || 'secret' in options || 'client-secret' in options, name);
    t.throws(() => parseArguments({ ...commandOf(name), arguments: [] }, ['--client-secret', secret]));
  }
});

function commandOf(name: string) {
  const command = commands.find((candidate) => candidate.name === name);
  if (!command) throw new Error(`no command ${name}`);
  return command;
}

t.test('wrong settings: exit code 1, all problems named, with --json as one value', async (t) => {
  const environment = { PORT: 'x', HOST: '', JWKS_MAX_AGE_SECONDS: '-1' };
  const { code, result } = await keyturnJson(['users', 'list'], { environment });
  t.equal(code, 1);
  t.match(result.error_description, /PORT(.|\n)*JWKS_MAX_AGE_SECONDS/);
});

t.test('settings come from .env too; the real environment wins; NAME_FILE holds a secret', async (t) => {
  const directory = temporaryDirectory(t);
  const environment = await serverSettings(t);
  writeFileSync(join(directory, '.env'), 'PORT=wrong\nLOG_LEVEL="also wrong"\n');
  const { PORT, LOG_LEVEL: _level, ...others } = environment;
  const fromFile = await keyturn(['users', 'list'], { environment: others, directory });
  t.match(fromFile, { code: 1, stderr: /PORT(.|\n)*LOG_LEVEL/ });
  const overridden = { ...others, PORT: String(PORT), LOG_LEVEL: 'info' };
  t.match(await keyturn(['users', 'list'], { environment: overridden, directory }), { code: 0, stderr: '' });

  const secretFile = join(directory, 'database-url');
  writeFileSync(secretFile, `mysql://root:${secret}@localhost/x\n`);
  const wrongUrl = { ...overridden, DATABASE_URL_FILE: secretFile };
  const { code, stderr } = await keyturnHere(['users', 'list'], { environment: wrongUrl });
  t.match({ code, stderr }, { code: 1, stderr: 'DATABASE_URL must be a URL' });
  t.notOk(stderr.includes(secret));
  const both = { ...wrongUrl, DATABASE_URL: 'postgres://x' };
  t.match(await keyturnHere(['users', 'list'], { environment: both }), {
    code: 1,
    stderr: 'must not both be set',
  });
  const emptyFile = join(directory, 'empty');
  writeFileSync(emptyFile, '\n');
  const empty = { ...overridden, DATABASE_URL_FILE: emptyFile };
  t.match(await keyturnHere(['users', 'list'], { environment: empty }), { code: 1, stderr: 'empty file' });
  const missing = { ...overridden, DATABASE_URL_FILE: join(directory, 'nothing') };
  t.match(await keyturnHere(['users', 'list'], { environment: missing }), { code: 1, stderr: 'ENOENT' });
});
