/** How long a session lives: idle (sliding), absolute, and the retry window. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { backends } from '../support/variants.js';
import { claimsOf, startWorld } from '../support/world.js';

for (const { name, storage, options } of backends()) {
  t.test(name, options, async (t) => {
    await t.test('a session expires when it is not refreshed for SESSION_IDLE_TTL_SECONDS', async (t) => {
      const world = await startWorld(t, { ...storage, settings: { SESSION_IDLE_TTL_SECONDS: '2' } });
      const idle = await world.login();
      let busy = await world.login();
      for (let step = 0; step < 3; step += 1) {
        await sleep(1_000);
        busy = await world.refresh(busy.body.refresh_token);
        t.equal(busy.status, 200, 'each refresh begins it anew');
      }
      const expired = await world.refresh(idle.body.refresh_token);
      t.equal(expired.status, 400);
      t.equal(expired.body.error, 'invalid_grant');
      t.equal(expired.body.reason, 'expired');
    });

    await t.test('no refresh and no access token outlives SESSION_ABSOLUTE_TTL_SECONDS', async (t) => {
      const settings = { SESSION_IDLE_TTL_SECONDS: '4', SESSION_ABSOLUTE_TTL_SECONDS: '4' };
      const world = await startWorld(t, { ...storage, settings });
      let { body } = await world.login();
      const beganAt = Date.now() / 1000;
      const end = Math.ceil(beganAt) + 4;
      await sleep(1_500);
      ({ body } = await world.refresh(body.refresh_token));
      const { exp, iat } = claimsOf(body.access_token);
      t.ok(exp <= end, 'the access token ends with the session');
      t.equal(body.expires_in, exp - iat);
      t.ok(body.expires_in > 0 && body.expires_in <= 3);
      await sleep(1_500);
      ({ body } = await world.refresh(body.refresh_token));
      t.ok(claimsOf(body.access_token).exp <= end);
      await sleep(1_500);
      const expired = await world.refresh(body.refresh_token);
      t.equal(expired.body.error, 'invalid_grant');
      t.equal(expired.body.reason, 'expired');
    });

    await t.test('a predecessor presented after REFRESH_RETRY_WINDOW_SECONDS is reuse', async (t) => {
      const world = await startWorld(t, { ...storage, settings: { REFRESH_RETRY_WINDOW_SECONDS: '2' } });
      const { body } = await world.login();
      await world.refresh(body.refresh_token);
      await sleep(1_000);
      t.equal((await world.refresh(body.refresh_token)).status, 200, 'within it: a retry');
      await sleep(1_100);
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
