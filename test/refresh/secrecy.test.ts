/** A dump of the database holds nothing that could be presented. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { findBinary } from '../support/binaries.js';
import { backends } from '../support/variants.js';
import { startWorld, type World } from '../support/world.js';

const run = promisify(execFile);

/** Every row of every table, as text; bytes as hexadecimal. */
async function everyRow({ server }: World): Promise<string> {
  const { prisma } = server.database;
  const tables = await prisma.$queryRaw<{ name: string }[]>`
    SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`;
  const dumps = tables.map(({ name }) =>
    prisma.$queryRawUnsafe<{ row: string }[]>(`SELECT t::text AS row FROM "${name}" t`),
  );
  return (await Promise.all(dumps))
    .flat()
    .map(({ row }) => row)
    .join('\n');
}

/** The forms in which a token, or its secret part, could lie around. */
function formsOf(refreshToken: string): string[] {
  const bytes = Buffer.from(refreshToken.slice('ktr_'.length), 'base64url');
  const secret = bytes.subarray(20, 36);
  const mac = bytes.subarray(36);
  const encodings = ['hex', 'base64', 'base64url'] as const;
  return [
    refreshToken,
    ...[bytes, secret, mac].flatMap((part) => encodings.map((name) => part.toString(name))),
  ];
}

for (const { name, storage, options } of backends()) {
  t.test(name, options, async (t) => {
    const world = await startWorld(t, storage);
    const login = await world.login();
    const second = await world.refresh(login.body.refresh_token);
    const retry = await world.refresh(login.body.refresh_token);
    const third = await world.refresh(second.body.refresh_token);
    await world.refresh(login.body.refresh_token);
    const answers = [login, second, retry, third];

    const secrets = [
      world.user.password,
      world.service.secret,
      Buffer.from(world.service.secret).toString('hex'),
      ...answers.flatMap(({ body }) => [body.access_token, ...formsOf(body.refresh_token)]),
    ];
    const leaked = (text: string) => secrets.filter((secret) => text.includes(secret)).length;

    t.equal(
      leaked(await everyRow(world)),
      0,
      'no row holds a token, its secret part, a password or a client secret',
    );
    t.ok((await everyRow(world)).includes(world.user.id), 'the rows are really there');
    t.equal(leaked(world.server.first.log.join('')), 0, 'nor does the log, at level debug');

    const pgDump = findBinary('pg_dump');
    const url = world.server.settings.DATABASE_URL;
    if (!pgDump || !url) return;
    const { stdout } = await run(pgDump, [url], { maxBuffer: 1 << 26 });
    t.ok(stdout.includes(world.user.id));
    t.equal(leaked(stdout), 0, 'nor does pg_dump');
  });
}
