// A server that is killed in the middle of a refresh has lost nothing: neither what it wrote nor whom it answered.
import t from 'tap';
import { eventuallyMilliseconds } from '../support/leash.js';
import { skipWithoutChromium } from './support/chromium.js';
import { lineageOf } from './support/lineage.js';
import {
  accessToken,
  createWorld,
  lastState,
  login,
  newProfile,
  openTab,
  refreshByCall,
} from './support/world.js';

const kills = 5;
/** As many as it takes until one leaves a refresh without an answer. */
const mostKills = 25;

t.test('kill -9 in the middle of a refresh', { skip: skipWithoutChromium() }, async (t) => {
  const world = await createWorld(t, 'http');
  const { proxy, server } = world;
  const tab = await openTab(world, await newProfile(world.browser));
  await login(tab);
  let round = 0;
  for (; round < kills || (proxy.unanswered === 0 && round < mostKills); round += 1) {
    const delay = round % kills;
    world.app.server.refuse((await accessToken(tab)) ?? '');
    const restarted = new Promise<void>((resolve, reject) => {
      proxy.onForward = (path) => {
        if (path !== '/token/refresh') return;
        proxy.onForward = () => {};
        const restart = () => server.kill().then(() => server.start());
        setTimeout(() => restart().then(resolve, reject), delay);
      };
    });
    await tab.evaluate(() => window.auth.fetch('/api').catch(() => {}));
    await restarted;
    // The library's next attempt may be some seconds away, and the server's start may have taken longer than a call waits.
    const isServed = () =>
      window.auth.fetch('/api').then(
        ({ ok }) => ok,
        () => false,
      );
    await tab.waitForFunction(isServed, undefined, { timeout: eventuallyMilliseconds });
    t.equal((await refreshByCall(world, tab)).status, 200);
    t.match(await lastState(tab), { status: 'signed_in' });
  }
  t.comment(`${proxy.unanswered} of ${round} kills left a refresh without an answer`);
  t.ok(proxy.unanswered > 0);
  const { sessions, unbroken } = await lineageOf(world);
  t.equal(sessions.length, 1);
  t.match(sessions, [{ revokedAt: null }]);
  t.ok(unbroken, 'one lineage, without gaps');
});
