import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { adminApi } from '../support/admin.js';
import { basic } from '../support/http-client.js';
import { eventuallyMilliseconds } from '../support/leash.js';
import { seedClient, seedUser } from '../support/seed.js';
import { needs } from '../support/services.js';
import { startWorld } from '../support/world.js';

t.test('two instances', needs('postgres', 'redis'), async (t) => {
  const world = await startWorld(t, { database: 'postgres', redis: true, instances: 2 });
  const other = world.server.instance(1);
  const admin = await adminApi(world.server);

  t.test('whatever a refresh that races the end of its user answers, its access token is dead', async (t) => {
    for (let round = 0; round < 10; round += 1) {
      const user = await seedUser(world.server.database);
      const login = { username: user.email, password: user.password };
      const sessions = [await world.login(login), await world.login(login)];
      const [, ...refreshed] = await Promise.all([
        sleep(round).then(() => admin('POST', `/users/${user.id}/disable`)),
        ...sessions.map(({ body }) => world.refresh(body.refresh_token, {}, other)),
      ]);
      for (const { status, body } of refreshed) {
        if (status !== 200) continue;
        t.equal(await world.isActive(body.access_token, other), false);
        t.equal((await world.refresh(body.refresh_token, {}, other)).status, 400);
      }
    }
  });

  t.test('a disabled client whom another instance still remembers gets only dead tokens', async (t) => {
    const client = await seedClient(world.server.database, { type: 'confidential' });
    const headers = basic(client.id, client.secret);
    const ask = () => other.token({ grant_type: 'client_credentials' }, headers);
    await ask();
    await admin('POST', `/clients/${client.id}/disable`);
    let answer = await ask();
    for (
      const deadline = Date.now() + eventuallyMilliseconds;
      answer.status === 200 && Date.now() < deadline;
    ) {
      t.equal(await world.isActive(answer.body.access_token, other), false);
      await sleep(100);
      answer = await ask();
    }
    t.equal(answer.status, 401);
    await admin('POST', `/clients/${client.id}/enable`);
    await sleep(1_100);
    t.equal(await world.isActive((await ask()).body.access_token, other), true);
  });

  t.test(
    "ends of users and of a client that have sessions in common do not stand in each other's way",
    async (t) => {
      const users = await Promise.all(Array.from({ length: 4 }, () => seedUser(world.server.database)));
      const client = await seedClient(world.server.database);
      for (const { email, password } of [...users, ...users, ...users]) {
        await world.login({ username: email, password, client_id: client.id });
      }
      const answers = await Promise.all([
        ...users.map(({ id }) => admin('POST', `/users/${id}/revoke-sessions`)),
        admin('POST', `/clients/${client.id}/disable`),
        ...users.map(({ id }) => admin('DELETE', `/users/${id}`)),
      ]);
      t.same(new Set(answers.map(({ status }) => status)), new Set([200]));
    },
  );
});
