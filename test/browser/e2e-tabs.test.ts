// Four tabs that refresh in the same instant, again and again: one session, one lineage, nobody logged out.
import type { BrowserContext, Page } from 'playwright-core';
import t from 'tap';
import { skipWithoutChromium } from './support/chromium.js';
import { lineageOf } from './support/lineage.js';
import {
  accessToken,
  callApi,
  createWorld,
  login,
  newProfile,
  openTab,
  type World,
} from './support/world.js';

const rounds = 50;

function openTabs(world: World, profile: BrowserContext): Promise<Page[]> {
  return Promise.all([1, 2, 3, 4].map(() => openTab(world, profile)));
}

/** In every round the resource server refuses all tokens known so far, to all tabs at once. */
async function refreshInRounds(world: World, tabs: Page[]): Promise<number> {
  let failures = 0;
  for (let round = 0; round < rounds; round += 1) {
    const tokens = await Promise.all(tabs.map(accessToken));
    for (const token of tokens) if (token) world.app.server.refuse(token);
    const answers = await Promise.all(tabs.map(callApi));
    failures += answers.filter(({ status }) => status !== 200).length;
  }
  return failures;
}

t.test('four tabs share one refresh at a time by Web Locks', { skip: skipWithoutChromium() }, async (t) => {
  const world = await createWorld(t, 'https');
  const tabs = await openTabs(world, await newProfile(world.browser));
  const [first] = tabs;
  if (first) await login(first);
  t.equal(await refreshInRounds(world, tabs), 0);
  const refreshes = world.proxy.to('/token/refresh').filter(({ status }) => status === 200);
  t.comment(`${refreshes.length} refreshes for ${rounds} rounds of four tabs`);
  t.ok(refreshes.length < rounds * 1.5, 'the other tabs take the token that one of them fetched');
  const { sessions, unbroken } = await lineageOf(world);
  t.equal(sessions.length, 1);
  t.match(sessions, [{ revokedAt: null }]);
  t.ok(unbroken, 'one lineage, without gaps');
});

t.test(
  'four tabs without Web Locks and BroadcastChannel take turns all the same',
  { skip: skipWithoutChromium() },
  async (t) => {
    const world = await createWorld(t, 'http');
    const profile = await newProfile(world.browser);
    await profile.addInitScript(() => {
      Object.defineProperty(navigator, 'locks', { value: undefined });
      Reflect.deleteProperty(window, 'BroadcastChannel');
    });
    const tabs = await openTabs(world, profile);
    const [first, ...others] = tabs;
    if (first) await login(first);
    for (const tab of others) await tab.reload();
    t.equal(await refreshInRounds(world, tabs), 0);
    t.ok(world.proxy.to('/token/refresh').length >= rounds * 4, 'each tab asked for itself');
    const { sessions, unbroken } = await lineageOf(world);
    t.equal(sessions.length, 1);
    t.match(sessions, [{ revokedAt: null }]);
    t.ok(unbroken, 'one lineage, without gaps');
  },
);
