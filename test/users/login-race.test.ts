/** A login that races with the end of the account: no session survives that the admin has just ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { adminApi } from '../support/admin.js';
import { seedUser } from '../support/seed.js';
import { backends } from '../support/variants.js';
import { claimsOf, startWorld } from '../support/world.js';

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
          for (const login of await Promise.all(logins)) {
            if (login.status !== 200) {
              t.equal(login.body.error, 'invalid_grant', login.text);
              continue;
            }
            const refresh = await world.refresh(login.body.refresh_token);
            // `ended sessions` leaves the door open: a login that began after it is as good as any.
            if (change === 'ended sessions' && (await beganAfterTheEnd(login.body.access_token))) {
              t.ok(
                await world.isActive(login.body.access_token),
                'a session that began after the others had ended',
              );
              t.equal(refresh.status, 200, 'is whole');
              continue;
            }
            t.equal(refresh.body.error, 'invalid_grant', 'the session has ended');
            t.notOk(await world.isActive(login.body.access_token), 'and its access token is dead');
          }
        }
      });
    }

    /** By the one clock of the database: when the session was written, and when those of its user were ended. */
    async function beganAfterTheEnd(accessToken: string): Promise<boolean> {
      const session = await world.server.database.prisma.session.findUniqueOrThrow({
        where: { id: String(claimsOf(accessToken).sid) },
        include: { user: true },
      });
      return session.createdAt > (session.user.revokedBefore ?? session.createdAt);
    }
  });
}
