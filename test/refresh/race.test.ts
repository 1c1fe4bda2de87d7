/** Two instances race for one refresh token: it never forks, and the session is never lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Answer, HttpClient } from '../support/http-client.js';
import { freePort } from '../support/ports.js';
import { type SeededClient, type SeededUser, seedClient, seedUser } from '../support/seed.js';
import { startServer } from '../support/server.js';
import { prepareServerProcess, ServerProcess } from '../support/server-process.js';
import { openTestDatabase } from '../support/services.js';
import { postgresAndRedis } from '../support/variants.js';
import { claimsOf, startWorld } from '../support/world.js';

const rounds = 200;
const parallel = 50;

interface Racers {
  instances: HttpClient[];
  client: SeededClient;
}

/** How often a busy server has asked to try again. */
let unavailable = 0;

/** As a client should: what is answered with 503 is asked again, unless there is no end to it. */
async function answered(send: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await send();
    if (answer.status !== 503 || attempt === 20) return answer;
    unavailable += 1;
    await sleep(100);
  }
}

async function login(at: HttpClient, client: SeededClient, user: SeededUser): Promise<string> {
  const { email: username, password } = user;
  const form = { grant_type: 'password', username, password, client_id: client.id };
  const answer = await answered(() => at.token(form));
  if (answer.status !== 200) throw new Error(`login answered ${answer.status}`);
  return answer.body.refresh_token;
}

/** Everybody presents the same token at once. Answers the distinct successors, and what was refused. */
async function race({ instances, client }: Racers, token: string) {
  const answers = await Promise.all(
    Array.from({ length: parallel }, (_, index) => {
      const instance = instances[index % instances.length] as HttpClient;
      return answered(() => instance.refresh(token, { client_id: client.id }));
    }),
  );
  return {
    successors: new Set(answers.map(({ body }) => body.refresh_token)),
    refused: answers.filter(({ status }) => status !== 200).map(({ text }) => text),
  };
}

const { name, storage, options } = postgresAndRedis();

t.test(
  `RFC 9700 §4.14.2 ${parallel} parallel refreshes of one token, ${rounds} rounds, two processes on ${name}`,
  options,
  async (t) => {
    const first = await prepareServerProcess(t, { ...storage, settings: { LOG_LEVEL: 'warn' } });
    const second = new ServerProcess({ ...first.settings, PORT: String(await freePort()) });
    t.teardown(() => second.kill());
    await Promise.all([first.start(), second.start()]);
    const database = openTestDatabase(first.settings.DATABASE_URL ?? '');
    t.teardown(() => database.close());
    const client = await seedClient(database);
    const user = await seedUser(database);

    let token = await login(first, client, user);
    for (let round = 0; round < rounds; round += 1) {
      const { successors, refused } = await race({ instances: [first, second], client }, token);
      if (refused.length > 0 || successors.size !== 1) {
        t.same([refused, successors.size], [[], 1], `round ${round}`);
        return;
      }
      [token = ''] = successors;
    }
    t.pass('no round refused anybody, and each had exactly one successor');
    t.ok(unavailable < (rounds * parallel) / 20, `503 is the exception: ${unavailable} times`);

    const [session] = await database.prisma.session.findMany();
    t.equal(session?.generation, rounds, 'each round moved the lineage on by one');
    t.equal(session?.revokedAt, null);
    const rotations = await database.prisma.auditEvent.count({ where: { type: 'refresh' } });
    t.equal(rotations, rounds, 'one caller won each round');
  },
);

t.test('the same race on the embedded database', async (t) => {
  const world = await startWorld(t);
  const racers = { instances: [world.server], client: world.app };
  let token = (await world.login()).body.refresh_token;
  for (let round = 0; round < 10; round += 1) {
    const { successors, refused } = await race(racers, token);
    t.same([refused, successors.size], [[], 1], `round ${round}`);
    [token = ''] = successors;
  }
});

t.test('a thief and the owner race with neighbouring generations: the session ends, for both', async (t) => {
  const world = await startWorld(t);
  const old = (await world.login()).body;
  const current = (await world.refresh((await world.refresh(old.refresh_token)).body.refresh_token)).body;
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      world.refresh(index % 2 === 0 ? current.refresh_token : old.refresh_token),
    ),
  );
  t.ok(answers.every(({ status }) => status === 200 || status === 400));
  t.equal((await world.refresh(current.refresh_token)).body.reason, 'reused');
  t.notOk(await world.isActive(current.access_token));
  for (const { status, body } of answers) {
    if (status === 200)
      t.notOk(await world.isActive(body.access_token), 'whatever was issued meanwhile is dead');
  }
});

t.test('logins and refreshes of different sessions do not disturb each other', options, async (t) => {
  const server = await startServer(t, { ...storage, instances: 2 });
  const client = await seedClient(server.database);
  const user = await seedUser(server.database);
  const chains = Array.from({ length: 16 }, async (_, index) => {
    const at = server.instance(index % 2);
    let token = await login(at, client, user);
    for (let step = 0; step < 10; step += 1) {
      const instance = server.instance((index + step) % 2);
      const answer = await answered(() => instance.refresh(token, { client_id: client.id }));
      if (answer.status !== 200) return answer.text;
      token = answer.body.refresh_token;
      if (claimsOf(answer.body.access_token).sub !== user.id) return 'another user';
    }
    return 'ok';
  });
  t.same(new Set(await Promise.all(chains)), new Set(['ok']));
});
