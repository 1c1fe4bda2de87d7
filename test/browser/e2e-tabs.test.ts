// Four tabs that refresh in the same instant, again and again: one session, one lineage, nobody logged out.
import type { BrowserContext, Page } from 'playwright-core';
import t from 'tap';
import { median } from '../support/undisturbed.js';
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

/** In every round the resource server refuses all tokens known so far, to all tabs at once. Answers each round's refreshes. */
async function refreshInRounds(
  world: World,
  tabs: Page[],
): Promise<{ failures: number; refreshes: number[] }> {
  const refreshed = () => world.proxy.to('/token/refresh').filter(({ status }) => status === 200).length;
  let failures = 0;
  const refreshes: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const tokens = await Promise.all(tabs.map(accessToken));
    for (const token of tokens) if (token) world.app.server.refuse(token);
    const before = refreshed();
    const answers = await Promise.all(tabs.map(callApi));
    failures += answers.filter(({ status }) => status !== 200).length;
    refreshes.push(refreshed() - before);
  }
  return { failures, refreshes };
}

t.test('four tabs share one refresh at a time by Web Locks', { skip: skipWithoutChromium() }, async (t) => {
  const world = await createWorld(t, 'https');
  const tabs = await openTabs(world, await newProfile(world.browser));
  const [first] = tabs;
  if (first) await login(first);
  const { failures, refreshes } = await refreshInRounds(world, tabs);
  t.equal(failures, 0);
  t.comment(`refreshes of four tabs, round by round: ${refreshes.join(' ')}`);
  // A tab that the machine held up may hear of the new token after it was given the lock, and refreshes as well.
  t.equal(median(refreshes), 1, 'the other tabs take the token that one of them fetched');
  t.ok(Math.max(...refreshes) <= tabs.length, 'no tab asks twice');
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
    const { failures, refreshes } = await refreshInRounds(world, tabs);
    t.equal(failures, 0);
    t.same(refreshes, Array(rounds).fill(tabs.length), 'each tab asked for itself');
    const { sessions, unbroken } = await lineageOf(world);
    t.equal(sessions.length, 1);
    t.match(sessions, [{ revokedAt: null }]);
    t.ok(unbroken, 'one lineage, without gaps');
  },
);
