import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { statement } from '../../src/storage/postgres/database.js';
import { needs, openTestDatabase, runSql, testDatabase } from '../support/services.js';

t.test('who falls silent in mid-transaction gives back its locks', needs('postgres'), async (t) => {
  const url = await testDatabase(t);
  const database = openTestDatabase(url);
  t.teardown(() => database.close());
  const lock = statement('LOCK TABLE revocations IN ACCESS EXCLUSIVE MODE');
  const frozen = database.transaction(async (queries) => {
    await queries.run(lock, []);
    await sleep(7_000);
    await queries.run(lock, []);
  });
  const ended = t.rejects(frozen, { code: 'temporarily_unavailable' });
  await sleep(500);
  const [row] = await runSql(url, 'SELECT count(*)::int AS n FROM revocations');
  t.same(row, { n: 0 }, 'somebody else could read, before the transaction went on');
  await ended;
  await database.transaction((queries) => queries.run(lock, []));
  t.pass('and the next transaction has a connection that works');
});
