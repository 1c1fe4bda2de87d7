/** `kill -9` at any moment: no acknowledged rotation is lost, and no session with it. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { eventuallyMilliseconds, until } from '../support/leash.js';
import { type SeededClient, type SeededUser, seedClient, seedUser, withDatabase } from '../support/seed.js';
import { prepareServerProcess, type ServerProcess } from '../support/server-process.js';
import { needs, privatePostgres, testDatabase } from '../support/services.js';
import { backends } from '../support/variants.js';

const chains = 6;
const kills = 2;

/** A client as it should be: what was not answered is asked again, with the same token. */
class Chain {
  readonly #server: ServerProcess;
  readonly #client: SeededClient;
  token = '';
  acknowledged = 0;
  unanswered = 0;
  refusal: string | undefined;

  constructor(server: ServerProcess, client: SeededClient) {
    this.#server = server;
    this.#client = client;
  }

  async begin({ email: username, password }: SeededUser): Promise<void> {
    const form = { grant_type: 'password', username, password, client_id: this.#client.id };
    this.token = (await this.#server.token(form)).body.refresh_token;
  }

  async step(): Promise<void> {
    const answer = await this.#server
      .refresh(this.token, { client_id: this.#client.id })
      .catch(() => undefined);
    if (answer?.status === 200) {
      this.token = answer.body.refresh_token;
      this.acknowledged += 1;
    } else if (answer === undefined || answer.status >= 500) {
      this.unanswered += 1;
      await sleep(50);
    } else {
      this.refusal = answer.text;
    }
  }

  /** Asks until it is answered: with one more rotation, or with a refusal. */
  async goOn(): Promise<number> {
    const before = this.acknowledged;
    const isAnswered = () => this.acknowledged > before || this.refusal !== undefined;
    const answered = () => this.step().then(isAnswered);
    await until(answered, eventuallyMilliseconds, () => 'no refresh is answered');
    return this.acknowledged - before;
  }

  async run(over: AbortSignal): Promise<void> {
    while (!over.aborted && this.refusal === undefined) await this.step();
  }
}

async function seeded(server: ServerProcess) {
  return withDatabase(server.settings, async (database) => ({
    client: await seedClient(database),
    user: await seedUser(database),
  }));
}

for (const { name, storage, options } of backends()) {
  t.test(`${name}: the server is killed while clients refresh`, options, async (t) => {
    const server = await prepareServerProcess(t, { ...storage, settings: { LOG_LEVEL: 'warn' } });
    const { client, user } = await seeded(server);
    await server.start();
    const running = Array.from({ length: chains }, () => new Chain(server, client));
    await Promise.all(running.map((chain) => chain.begin(user)));

    const over = new AbortController();
    const clients = running.map((chain) => chain.run(over.signal));
    for (let kill = 0; kill < kills; kill += 1) {
      await sleep(300 + 137 * kill);
      await server.kill();
      await server.start();
    }
    await sleep(500);
    over.abort();
    await Promise.all(clients);

    t.same(
      running.flatMap(({ refusal }) => refusal ?? []),
      [],
      'no session was lost',
    );
    t.ok(
      running.some(({ unanswered }) => unanswered > 0),
      'requests were in flight',
    );
    for (const chain of running) {
      t.equal(await chain.goOn(), 1, 'each goes on from the last token that it was given');
    }

    await t.test('and between two refreshes', async (t) => {
      const [chain] = running;
      if (!chain) throw new Error('no chain');
      await server.kill();
      await server.start();
      t.equal(await chain.goOn(), 1);
    });
  });
}

t.test('PostgreSQL crashes while clients refresh', needs('private postgres'), async (t) => {
  const postgres = await privatePostgres(t, { fsync: true });
  const url = await testDatabase(t, { on: postgres });
  const settings = { LOG_LEVEL: 'fatal', DATABASE_URL: url };
  const server = await prepareServerProcess(t, { settings });
  const { client, user } = await seeded(server);
  await server.start();
  const running = Array.from({ length: chains }, () => new Chain(server, client));
  await Promise.all(running.map((chain) => chain.begin(user)));

  const over = new AbortController();
  const clients = running.map((chain) => chain.run(over.signal));
  for (let kill = 0; kill < kills; kill += 1) {
    await sleep(400);
    await postgres.kill();
    await sleep(300);
    await postgres.start();
  }
  await sleep(1_000);
  over.abort();
  await Promise.all(clients);

  t.same(
    running.flatMap(({ refusal }) => refusal ?? []),
    [],
    'a database that is down never looks like a dead session',
  );
  for (const chain of running) {
    t.equal(await chain.goOn(), 1, 'each goes on from the last token that it was given');
  }
});
