/** How long a session lives: idle (sliding), absolute, and the retry window. */
import t from 'tap';
import { backends } from '../support/variants.js';
import { claimsOf, startWorld, type World } from '../support/world.js';

/** So much time passes for every session: all that happened to it is longer ago, all that it waits for is nearer. */
async function pass({ server: { database } }: World, seconds: number): Promise<void> {
  await database.prisma.$executeRaw`
    WITH passed AS (SELECT make_interval(secs => ${seconds}::float8) AS time)
    UPDATE sessions SET created_at = created_at - time, auth_time = auth_time - time, rotated_at = rotated_at - time,
      last_used_at = last_used_at - time, idle_expires_at = idle_expires_at - time,
      absolute_expires_at = absolute_expires_at - time, access_tokens_expire_at = access_tokens_expire_at - time
    FROM passed`;
}

for (const { name, storage, options } of backends()) {
  t.test(name, options, async (t) => {
    await t.test('a session expires when it is not refreshed for SESSION_IDLE_TTL_SECONDS', async (t) => {
      const world = await startWorld(t, { ...storage, settings: { SESSION_IDLE_TTL_SECONDS: '100' } });
      const idle = await world.login();
      let busy = await world.login();
      for (let step = 0; step < 3; step += 1) {
        await pass(world, 80);
        busy = await world.refresh(busy.body.refresh_token);
        t.equal(busy.status, 200, 'each refresh begins it anew');
      }
      const expired = await world.refresh(idle.body.refresh_token);
      t.equal(expired.status, 400);
      t.equal(expired.body.error, 'invalid_grant');
      t.equal(expired.body.reason, 'expired');
      await pass(world, 101);
      t.equal((await world.refresh(busy.body.refresh_token)).body.reason, 'expired');
    });

    await t.test('no refresh and no access token outlives SESSION_ABSOLUTE_TTL_SECONDS', async (t) => {
      const settings = { SESSION_IDLE_TTL_SECONDS: '600', SESSION_ABSOLUTE_TTL_SECONDS: '600' };
      const world = await startWorld(t, { ...storage, settings });
      let { body } = await world.login();
      for (const secondsLeft of [400, 200, 40]) {
        const { absoluteExpiresAt } = await world.server.database.prisma.session.findFirstOrThrow();
        const before = (absoluteExpiresAt.getTime() - Date.now()) / 1000;
        await pass(world, before - secondsLeft);
        ({ body } = await world.refresh(body.refresh_token));
        const { exp, iat } = claimsOf(body.access_token);
        const session = await world.server.database.prisma.session.findFirstOrThrow();
        t.ok(exp * 1000 <= session.absoluteExpiresAt.getTime(), 'the access token ends with the session');
        t.equal(body.expires_in, exp - iat);
        t.ok(body.expires_in > secondsLeft - 30 && body.expires_in <= secondsLeft);
        t.same(session.idleExpiresAt, session.absoluteExpiresAt, 'and no refresh begins it anew');
      }
      await pass(world, 41);
      const expired = await world.refresh(body.refresh_token);
      t.equal(expired.body.error, 'invalid_grant');
      t.equal(expired.body.reason, 'expired');
    });

    await t.test('a predecessor presented after REFRESH_RETRY_WINDOW_SECONDS is reuse', async (t) => {
      const world = await startWorld(t, { ...storage, settings: { REFRESH_RETRY_WINDOW_SECONDS: '100' } });
      const { body } = await world.login();
      await world.refresh(body.refresh_token);
      await pass(world, 60);
      t.equal((await world.refresh(body.refresh_token)).status, 200, 'within it: a retry');
      await pass(world, 41);
      const late = await world.refresh(body.refresh_token);
      t.equal(late.body.error, 'invalid_grant', 'a retry does not extend the window');
      t.equal(late.body.reason, 'reused');
    });

    await t.test('REFRESH_RETRY_WINDOW_SECONDS=0 allows no retry', async (t) => {
      const world = await startWorld(t, { ...storage, settings: { REFRESH_RETRY_WINDOW_SECONDS: '0' } });
      const { body } = await world.login();
      await world.refresh(body.refresh_token);
      t.equal((await world.refresh(body.refresh_token)).body.reason, 'reused');
    });
  });
}
