import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { serverSettings, temporaryDirectory } from '../support/server.js';
import { keyturn, keyturnHere, keyturnJson } from './keyturn.js';

const password = 'correct horse battery staple';

t.test('without a server, several commands at once take turns on the embedded database', async (t) => {
  const environment = await serverSettings(t);
  const numbers = [1, 2, 3];
  const runs = numbers.map((number) =>
    keyturn(['users', 'create', '--email', `${number}@example.org`, '--password-stdin'], {
      environment,
      stdin: password,
    }),
  );
  t.same(
    (await Promise.all(runs)).map(({ code }) => code),
    [0, 0, 0],
  );
  const { result } = await keyturnJson(['users', 'list'], { environment });
  t.equal((result.users as unknown[]).length, 3);
});

t.test('a password comes from a file, without its last line end', async (t) => {
  const environment = await serverSettings(t);
  const file = join(temporaryDirectory(t), 'password');
  writeFileSync(file, 'short\r\n');
  const create = ['users', 'create', '--email', 'a@example.org', '--password-file'];
  t.match(await keyturnHere([...create, file], { environment }), {
    code: 1,
    stderr: 'at least 8 characters',
  });
  t.match(await keyturnHere([...create, `${file}-not`], { environment }), { code: 2, stderr: 'ENOENT' });
  t.match(await keyturnHere([...create, file, '--password-stdin'], { environment }), { code: 2 });
});

t.test('what is refused is called as it was typed', async (t) => {
  const environment = await serverSettings(t);
  const create = ['clients', 'create', '--type', 'public', '--grant'];
  t.match(await keyturnHere([...create, 'password', '--id', 'a b'], { environment }), {
    code: 1,
    stderr: 'keyturn: --id: letters, digits',
  });
  t.match(await keyturnHere([...create, 'client_credentials', '--id', 'x'], { environment }), {
    code: 1,
    stderr: 'keyturn: --grant: client_credentials is for confidential clients',
  });
});
