/** A login that races with the end of the account: no session survives that the admin has just ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { adminApi } from '../support/admin.js';
import { seedUser } from '../support/seed.js';
import { backends } from '../support/variants.js';
import { startWorld } from '../support/world.js';

const attempts = 12;
const changes = {
  'a disabled user': (id: string) => [`/users/${id}/disable`] as const,
  'a changed password': (id: string) =>
    [`/users/${id}/set-password`, { password: 'another password altogether' }] as const,
  'ended sessions': (id: string) => [`/users/${id}/revoke-sessions`] as const,
};

for (const { name, storage, options } of backends()) {
  t.test(name, options, async (t) => {
    const world = await startWorld(t, storage);
    const admin = await adminApi(world.server);

    for (const [change, call] of Object.entries(changes)) {
      await t.test(`${change}: what logged in before it is over`, async (t) => {
        for (let attempt = 0; attempt < attempts; attempt += 1) {
          const user = await seedUser(world.server.database);
          const logins = Array.from({ length: 4 }, () => world.login({ username: user.email }));
          await sleep(attempt);
          const [path, body] = call(user.id);
          const ended = await admin('POST', path, body);
          t.equal(ended.status, 200, ended.text);
          const endedAt = Date.now();
          for (const login of await Promise.all(logins)) {
            if (login.status !== 200) {
              t.equal(login.body.error, 'invalid_grant', login.text);
              continue;
            }
            // `ended sessions` leaves the door open: a login that began after it is as good as any.
            if (change === 'ended sessions' && (await isNew(login.body.refresh_token, endedAt))) continue;
            const refresh = await world.refresh(login.body.refresh_token);
            t.equal(refresh.body.error, 'invalid_grant', 'the session has ended');
            t.notOk(await world.isActive(login.body.access_token), 'and its access token is dead');
          }
        }
      });
    }

    /** Whether the session of this refresh token still lives: it began after the others were ended. */
    async function isNew(refreshToken: string, endedAt: number): Promise<boolean> {
      const id = Buffer.from(refreshToken.slice(4), 'base64url').subarray(0, 16).toString('hex');
      const sessions = await world.server.database.prisma.$queryRaw<{ live: boolean }[]>`
        SELECT revoked_at IS NULL AND created_at > to_timestamp(${endedAt / 1000 - 5}) AS live
        FROM sessions WHERE replace(id::text, '-', '') = ${id}`;
      return sessions[0]?.live ?? false;
    }
  });
}
