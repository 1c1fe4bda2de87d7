/** Redis whose connections break, or fall silent. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { eventuallyMilliseconds, until } from '../support/leash.js';
import { needs, privateRedis } from '../support/services.js';
import { StallingProxy } from '../support/stalling-proxy.js';
import { startWorld } from '../support/world.js';

t.test('a Redis that is slow just after a reconnection does no harm', needs('private redis'), async (t) => {
  const redis = await privateRedis(t);
  const { proxy, url } = await StallingProxy.start(t, redis.url);
  const world = await startWorld(t, { settings: { REDIS_URL: url } });
  proxy.delay(/subscribe/i, 1_500);
  proxy.cut();
  await sleep(4_000);
  const { body } = await world.login();
  t.equal((await world.revoke(body.access_token)).status, 200);
  t.notOk(await world.isActive(body.access_token));
});

t.test('connections that fall silent are given up for new ones', needs('private redis'), async (t) => {
  const redis = await privateRedis(t);
  const { proxy, url } = await StallingProxy.start(t, redis.url);
  const world = await startWorld(t, { settings: { REDIS_URL: url } });
  const { body } = await world.login();
  proxy.stallExisting();
  await until(
    async () => {
      const startedAt = performance.now();
      const isActive = await world.isActive(body.access_token);
      return isActive && performance.now() - startedAt < 300;
    },
    eventuallyMilliseconds,
    () => 'requests still wait for Redis',
  );
  t.pass('requests no longer wait for it');
});
