// What goes wrong on the way costs nobody a session.
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { atBest } from '../support/undisturbed.js';
import { skipWithoutChromium } from './support/chromium.js';
import { lineageOf } from './support/lineage.js';
import { refreshCookieOf } from './support/refresh-cookie.js';
import {
  accessToken,
  createWorld,
  lastState,
  login,
  newProfile,
  openTab,
  refreshByCall,
  type World,
} from './support/world.js';

async function sessionLives(t: Pick<Test, 'equal' | 'match'>, world: World, tab: Page): Promise<void> {
  t.equal((await refreshByCall(world, tab)).status, 200);
  t.match(await lastState(tab), { status: 'signed_in' });
}

t.test('failures on the way', { skip: skipWithoutChromium() }, async (t) => {
  const world = await createWorld(t, 'https');
  const { proxy } = world;
  const profile = await newProfile(world.browser);
  const tab = await openTab(world, profile);
  await login(tab);

  await t.test('an answer that is lost after the server has rotated is asked for again', async (t) => {
    proxy.failNext('/token/refresh', 'drop');
    const before = proxy.to('/token/refresh').length;
    await sessionLives(t, world, tab);
    const [lost, again] = proxy.to('/token/refresh').slice(before);
    t.equal(lost?.status, 200);
    t.equal(again?.cookie, lost?.cookie, 'the browser never saw the new cookie');
    const values = [lost, again].map((one) => one?.setCookie.join().split(';')[0]);
    t.equal(values[1], values[0], 'the same successor');
    t.equal(values[0]?.split('=')[1], (await refreshCookieOf(profile)).value);
  });

  await t.test('an answer that is lost to a reload is asked for again', async (t) => {
    proxy.failNext('/token/refresh', 'drop');
    proxy.failNext('/token/refresh', 'drop');
    await tab.reload();
    t.match(await accessToken(tab), /^ey/);
    await sessionLives(t, world, tab);
  });

  await t.test('a reload in the middle of a refresh keeps the session', async (t) => {
    for (let round = 0; round < 20; round += 1) {
      world.app.server.refuse((await accessToken(tab)) ?? '');
      await tab.evaluate((delay) => {
        void window.auth.fetch('/api').catch(() => {});
        return new Promise((resolve) => setTimeout(resolve, delay));
      }, round);
      await tab.reload();
      t.match(await accessToken(tab), /^ey/);
    }
    await sessionLives(t, world, tab);
  });

  await t.test('an answer that never comes is given up and asked for again', async (t) => {
    // A call waits for little more than a second after the first request was given up: not for a machine that stalls.
    const hang = () => {
      proxy.failNext('/token/refresh', 'hang');
      return refreshByCall(world, tab);
    };
    t.equal((await atBest(hang, ({ status }) => status === 200)).status, 200);
    await sessionLives(t, world, tab);
  });

  await t.test('503, 429, a page of a proxy and a captive portal end nothing', async (t) => {
    const answers = [
      { status: 503, body: '{"error":"temporarily_unavailable"}', headers: { 'Retry-After': '1' } },
      { status: 429, body: '{"error":"slow_down"}' },
      { status: 502, body: '<html>bad gateway</html>' },
      { status: 200, body: '<html>please log in to the hotel</html>' },
    ];
    for (const answer of answers) {
      proxy.failNext('/token/refresh', answer);
      await sessionLives(t, world, tab);
    }
  });

  await t.test('offline is waited for', async (t) => {
    world.app.server.refuse((await accessToken(tab)) ?? '');
    await tab.reload();
    await profile.setOffline(true);
    const offline = tab.evaluate(() => window.auth.getAccessToken().catch((error) => error.temporary));
    await tab.waitForTimeout(1_500);
    await profile.setOffline(false);
    t.match(await offline, /^ey/);
    await sessionLives(t, world, tab);
  });

  await t.test('after all of that there is one session and one lineage', async (t) => {
    const { sessions, unbroken } = await lineageOf(world);
    t.equal(sessions.length, 1);
    t.match(sessions, [{ revokedAt: null }]);
    t.ok(unbroken, 'one lineage, without gaps');
  });
});
