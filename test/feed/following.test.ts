// What may go wrong between a revocation's commit and the feed: order, other instances, a restored database, slow readers.
import { connect } from 'node:net';
import t from 'tap';
import { needs, runSql } from '../support/services.js';
import { atBest, median, shortest, undisturbed } from '../support/undisturbed.js';
import { claimsOf, headerOf } from '../support/world.js';
import { until } from '../verifier/harness.js';
import { type FeedWorld, startFeedWorld } from './support.js';

const POSTGRES = { database: 'postgres' } as const;

function insert(feed: FeedWorld, value: string, beforeMs?: number, type = 'jti'): Promise<unknown> {
  const before = beforeMs === undefined ? 'NULL' : `to_timestamp(${beforeMs / 1000})`;
  return sql(
    feed,
    `INSERT INTO revocations (type, value, before, reason, expires_at)
     VALUES ('${type}', '${value}', ${before}, 'test', now() + interval '1 hour')`,
  );
}

/** In a transaction of its own, with pauses before and after the row is written. */
function insertSlowly(feed: FeedWorld, value: string): Promise<unknown> {
  const pause = () => `SELECT pg_sleep(${Math.random() * 0.03});`;
  const row = `('jti', '${value}', 'test', now() + interval '1 hour')`;
  const write = `INSERT INTO revocations (type, value, reason, expires_at) VALUES ${row};`;
  return sql(feed, `BEGIN; ${pause()} ${write} ${pause()} COMMIT`);
}

const sql = (feed: FeedWorld, text: string) => runSql(feed.world.server.settings.DATABASE_URL ?? '', text);

t.test(
  'No entry is skipped, whatever the order in which transactions begin, write and commit',
  needs('postgres'),
  async (t) => {
    const feed = await startFeedWorld(t, { ...POSTGRES, instances: 2 });
    const streams = await Promise.all(feed.world.server.instances.map((at) => feed.stream({}, at)));
    const values = Array.from({ length: 120 }, (_, index) => `value-${index}`);
    for (let i = 0; i < values.length; i += 20) {
      await Promise.all(values.slice(i, i + 20).map((value) => insertSlowly(feed, value)));
    }
    for (const stream of streams) {
      await until(() => stream.revocations.length >= values.length);
      t.strictSame(stream.revocations.map(({ data }) => data.value).sort(), [...values].sort());
    }
    t.equal((await feed.all()).length, values.length);
  },
);

for (const redis of [false, true]) {
  const options = redis ? needs('postgres', 'redis') : needs('postgres');
  t.test(
    `A revocation at one instance reaches another's streams at once, ${redis ? 'with' : 'without'} Redis`,
    options,
    async (t) => {
      const feed = await startFeedWorld(t, { ...POSTGRES, redis, instances: 2 });
      const verifier = feed.verifier({}, feed.world.server.instance(1));
      const refused = async (token: string) => {
        const start = Date.now();
        await until(() =>
          verifier.verify(token).then(
            () => false,
            ({ code }) => code === 'token_revoked',
          ),
        );
        return Date.now() - start;
      };
      let measurements = 0;
      const measure = () => {
        measurements += 1;
        return undisturbed(async () => {
          const token = await feed.accessToken();
          t.ok(await verifier.verify(token));
          await feed.world.revoke(token);
          return refused(token);
        });
      };
      const times: number[] = [];
      for (let i = 0; i < 20; i += 1) times.push(await atBest(measure, (time) => time < 1_000));
      const slowest = Math.max(...times);
      // PostgreSQL or Redis may have stood still as well, where this process does not see it.
      t.ok(measurements <= 24, `${measurements} measurements`);
      t.ok(median(times) < 200, `${median(times)} ms, as a rule`);
      t.ok(slowest < 1_000, `the slowest took ${slowest} ms`);
    },
  );
}

t.test('A revoked signing key and a revoked user reach the verifier', needs('postgres'), async (t) => {
  const feed = await startFeedWorld(t, POSTGRES);
  const verifier = feed.verifier();
  const refusedWith = (token: string, code: string) =>
    until(() =>
      verifier.verify(token).then(
        () => false,
        (error) => error.code === code,
      ),
    );
  const token = await feed.accessToken();
  t.ok(await verifier.verify(token));
  const before = (claimsOf(token).iat + 1) * 1000;
  await insert(feed, 'another-user', before, 'sub');
  await insert(feed, claimsOf(token).sub, before, 'sub');
  await refusedWith(token, 'token_revoked');
  t.match((await feed.page()).entries.at(-1), { type: 'sub', before });
  const machine = await feed.world.server.token({ grant_type: 'client_credentials' }, feed.headers);
  t.ok(await verifier.verify(machine.body.access_token));
  await insert(feed, String(headerOf(token).kid), undefined, 'kid');
  await refusedWith(machine.body.access_token, 'key_revoked');
});

t.test(
  'Polling is the floor: without any notification an entry is there within seconds',
  needs('postgres'),
  async (t) => {
    const feed = await startFeedWorld(t, POSTGRES);
    const stream = await feed.stream();
    await until(() => stream.heartbeats.length > 0);
    await sql(feed, 'DROP TRIGGER revocations_announce ON revocations');
    let inserted = 0;
    const unannounced = async () => {
      inserted += 1;
      await insert(feed, `unannounced-${inserted}`);
      await until(() => stream.revocations.length === inserted);
    };
    t.ok((await shortest(unannounced, 3_000)) < 3_000);
    t.match(stream.revocations[0], { data: { value: 'unannounced-1' } });
  },
);

t.test(
  'A database restored to an earlier state: what came instead is told, and old cursors get everything',
  needs('postgres'),
  async (t) => {
    const feed = await startFeedWorld(t, POSTGRES);
    for (const value of ['kept', 'lost-1', 'lost-2']) await insert(feed, value);
    const stream = await feed.stream();
    await until(() => stream.revocations.length === 3);
    const { cursor } = await feed.page();
    await sql(
      feed,
      `BEGIN; DELETE FROM revocations WHERE value LIKE 'lost-%';
     SELECT setval('revocations_position', (SELECT max(position) FROM revocations)); COMMIT`,
    );
    for (const value of ['new-1', 'new-2', 'new-3']) await insert(feed, value);
    await until(() => stream.revocations.length === 7);
    t.strictSame(
      stream.revocations.slice(3).map(({ data }) => data.value),
      ['kept', 'new-1', 'new-2', 'new-3'],
      'a stream has an old cursor, too',
    );
    const values = (await feed.page(`?after=${cursor}`)).entries.map(({ value }) => value);
    t.strictSame(values, ['kept', 'new-1', 'new-2', 'new-3']);
  },
);

t.test(
  'A database whose revocations begin anew, after all that was known has gone',
  needs('postgres'),
  async (t) => {
    const feed = await startFeedWorld(t, POSTGRES);
    await insert(feed, 'old');
    const stream = await feed.stream();
    await until(() => stream.revocations.length === 1);
    await sql(
      feed,
      `BEGIN; DELETE FROM revocations; SELECT setval('revocations_position', 1, false); COMMIT`,
    );
    await until(async () => (await feed.page()).entries.length === 0);
    await insert(feed, 'new');
    await until(() => stream.revocations.length === 2);
    t.match(stream.revocations[1], { data: { value: 'new' } });
  },
);

t.test('A feed of several pages, read page by page and as a stream', needs('postgres'), async (t) => {
  const feed = await startFeedWorld(t, POSTGRES);
  await sql(
    feed,
    `INSERT INTO revocations (type, value, reason, expires_at)
     SELECT 'sid', 'session-' || i, 'test', now() + interval '1 hour' FROM generate_series(1, 2500) i`,
  );
  const first = await feed.page();
  t.equal(first.entries.length, 1000);
  t.equal(first.more, true);
  const all = await feed.all();
  t.equal(new Set(all.map(({ value }) => value)).size, 2500);
  const stream = await feed.stream();
  await until(() => stream.revocations.length === 2500);
  await until(() => stream.heartbeats.length > 0);
  t.strictSame(
    stream.revocations.map(({ data }) => data),
    all,
  );
});

t.test(
  'Expired entries leave the feed, and the cursor of one gets everything',
  needs('postgres'),
  async (t) => {
    const feed = await startFeedWorld(t, POSTGRES);
    await insert(feed, 'short');
    const { cursor } = await feed.page();
    await insert(feed, 'long');
    await sql(feed, `UPDATE revocations SET expires_at = now() - interval '1 second' WHERE value = 'short'`);
    const again = await startFeedWorld(t, { ...POSTGRES, settings: sharedSettings(feed) });
    const values = async (query: string) => (await again.page(query)).entries.map(({ value }) => value);
    t.strictSame(await values(''), ['long']);
    t.strictSame(await values(`?after=${cursor}`), ['long']);
  },
);

function sharedSettings({ world }: FeedWorld): Record<string, string> {
  const { DATABASE_URL = '', KEYS_DIR = '' } = world.server.settings;
  return { DATABASE_URL, KEYS_DIR };
}

t.test(
  'A reader that does not read costs little, delays nobody, and gets everything once it reads',
  needs('postgres'),
  async (t) => {
    const feed = await startFeedWorld(t, POSTGRES);
    const { hostname, port } = new URL(feed.world.server.url);
    const socket = connect(Number(port), hostname);
    t.teardown(() => socket.destroy());
    const { authorization } = feed.headers;
    socket.write(
      `GET /revocations HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nAccept: text/event-stream\r\n\r\n`,
    );
    socket.pause();
    await until(async () => (await streamCount(feed)) === 1);
    const good = await feed.stream();
    const flood = 60_000;
    await sql(
      feed,
      `INSERT INTO revocations (type, value, reason, expires_at)
     SELECT 'jti', repeat('x', 200) || i, 'test', now() + interval '1 hour' FROM generate_series(1, ${flood}) i`,
    );
    await until(() => good.revocations.length === flood);
    t.equal(await streamCount(feed), 1, 'the one that does not read is no longer told');
    let received = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      received += text;
    });
    socket.resume();
    await until(() => received.split('event: revocation').length - 1 === flood);
    t.match(received, `${'x'.repeat(200)}${flood}`);
    await until(async () => (await streamCount(feed)) === 2);
  },
);

async function streamCount({ world }: FeedWorld): Promise<number> {
  const { text } = await world.server.get('/metrics');
  return Number(/^keyturn_feed_streams (\d+)$/m.exec(text)?.[1]);
}
