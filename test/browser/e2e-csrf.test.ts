// Pages that are not the app's: they can neither refresh nor log out nor log in, and read nothing.
import type { Page } from 'playwright-core';
import t from 'tap';
import { eventuallyMilliseconds, until } from '../support/leash.js';
import { skipWithoutChromium } from './support/chromium.js';
import { lineageOf } from './support/lineage.js';
import { refreshCookieOf } from './support/refresh-cookie.js';
import {
  accessToken,
  createWorld,
  login,
  newProfile,
  openTab,
  refreshByCall,
  type World,
} from './support/world.js';

/** Every way a page can make a request. Answers what it could read. */
async function attack(page: Page, url: string, form: Record<string, string>): Promise<string[]> {
  return page.evaluate(
    async ({ url, form }) => {
      const body = new URLSearchParams(form);
      const credentials = 'include';
      const attempts: (() => Promise<Response>)[] = [
        () => fetch(url, { method: 'POST', body, credentials, headers: { 'Keyturn-Request': '1' } }),
        () => fetch(url, { method: 'POST', body, credentials }),
        () => fetch(url, { method: 'POST', body, credentials, mode: 'no-cors' }),
        () => fetch(url, { credentials }),
        () => fetch(`${url}?${body}`, { credentials, mode: 'no-cors' }),
      ];
      navigator.sendBeacon(url, body);
      const image = new Image();
      image.src = `${url}?${body}`;
      await new Promise((resolve) => {
        image.onload = image.onerror = resolve;
      });
      const read: string[] = [];
      for (const attempt of attempts) {
        const text = await attempt().then(
          (response) => response.text(),
          () => '',
        );
        if (text) read.push(text);
      }
      return read;
    },
    { url, form },
  );
}

/** A form, sent into a frame of the page until its answer is there; with a sandbox, from an opaque origin (`Origin: null`). */
async function submitForm(
  page: Page,
  url: string,
  form: Record<string, string>,
  sandbox?: string,
): Promise<void> {
  await page.evaluate(
    async ({ url, form, sandbox }) => {
      const inputs = Object.entries(form).map(([name, value]) => `<input name="${name}" value="${value}">`);
      const frame = document.createElement('iframe');
      if (sandbox) frame.sandbox.value = sandbox;
      frame.srcdoc = `<form method="post" action="${url}">${inputs.join('')}</form><script>
        onmessage = () => fetch('${url}', { method: 'POST', body: new URLSearchParams(${JSON.stringify(form)}), credentials: 'include' })
          .catch(() => {}).then(() => document.forms[0].submit())</script>`;
      await new Promise((resolve) => {
        frame.onload = resolve;
        document.body.append(frame);
      });
      // Sent only now: an answer that is there before the form's page has loaded takes that page's load event away.
      await new Promise((resolve) => {
        frame.onload = resolve;
        frame.contentWindow?.postMessage('send', '*');
      });
    },
    { url, form, sandbox },
  );
}

/** For each of three paths two by `fetch`, a beacon, and two from each of two frames. */
const postsOfAttack = 21;

async function attackFrom(world: World, page: Page): Promise<string[]> {
  const read: string[] = [];
  const client = { client_id: 'shop' };
  const logIn = {
    ...client,
    grant_type: 'password',
    username: 'ada',
    password: 'correct horse battery staple',
  };
  for (const [path, form] of [
    ['/token/refresh', client],
    ['/revoke', client],
    ['/token', logIn],
  ] as const) {
    read.push(...(await attack(page, world.issuer + path, form)));
    await submitForm(page, world.issuer + path, form);
    await submitForm(page, world.issuer + path, form, 'allow-scripts allow-forms');
  }
  return read;
}

for (const scheme of ['https', 'http'] as const) {
  t.test(`foreign pages, on ${scheme}`, { skip: skipWithoutChromium() }, async (t) => {
    const world = await createWorld(t, scheme);
    const profile = await newProfile(world.browser);
    const tab = await openTab(world, profile);
    await login(tab);
    await tab.reload();
    t.match(await accessToken(tab), /^ey/);
    const before = await refreshCookieOf(profile);
    const own = world.proxy.exchanges.length;

    for (const from of ['neighbour', 'stranger'] as const) {
      await t.test(`a page of a ${from} can do nothing, and reads nothing`, async (t) => {
        const seen = world.proxy.exchanges.length;
        const foreign = await profile.newPage();
        await foreign.goto(world[from]);
        t.same(await attackFrom(world, foreign), []);
        const sent = () => world.proxy.exchanges.slice(seen).filter(({ method }) => method === 'POST');
        // Nobody waits for the answer to a beacon.
        await until(
          () => sent().length >= postsOfAttack,
          eventuallyMilliseconds,
          () => 'they did not arrive',
        );
        const posts = sent();
        t.same([...new Set(posts.map(({ status }) => status))], [403]);
        t.same([...new Set(posts.map(({ origin }) => origin))].sort(), [world[from], 'null'].sort());
        t.equal(
          posts.some(({ cookie }) => cookie?.includes(before.value)),
          from === 'neighbour',
        );
        t.same(await refreshCookieOf(profile), before);
      });
    }

    await t.test("nor can a sandboxed frame in the app's own page", async (t) => {
      const seen = world.proxy.exchanges.length;
      for (const path of ['/token/refresh', '/revoke']) {
        await submitForm(tab, world.issuer + path, { client_id: 'shop' }, 'allow-scripts allow-forms');
      }
      const posts = world.proxy.exchanges.slice(seen).filter(({ method }) => method === 'POST');
      t.ok(posts.length >= 2);
      for (const { status, origin } of posts) t.same({ status, origin }, { status: 403, origin: 'null' });
    });

    await t.test('no refusal set or cleared a cookie, or allowed anybody to read', async (t) => {
      for (const { path, setCookie, headers, status, body } of world.proxy.exchanges.slice(own)) {
        t.same(setCookie, [], path);
        t.notOk(headers['access-control-allow-origin'], path);
        if (status === 403) t.match(JSON.parse(body), { error: 'access_denied' });
      }
    });

    await t.test('an app of another client reads no more than its refusal', async (t) => {
      const other = await profile.newPage();
      await other.goto(`${world.far}/far`);
      const seen = world.proxy.exchanges.length;
      for (const text of await attackFrom(world, other))
        t.match(text, /^{"error":"(access_denied|invalid_request)"/);
      const posts = world.proxy.exchanges.slice(seen).filter(({ method }) => method === 'POST');
      t.same([...new Set(posts.map(({ status }) => status))], [403]);
    });

    await t.test('the token has not rotated, and the session lives', async (t) => {
      t.same(await refreshCookieOf(profile), before);
      t.equal((await refreshByCall(world, tab)).status, 200);
      const { sessions } = await lineageOf(world);
      t.match(sessions, [{ generation: 2, revokedAt: null }]);
    });
  });
}

t.test('an app on another site, registered as such', { skip: skipWithoutChromium() }, async (t) => {
  const world = await createWorld(t, 'https');
  const profile = await newProfile(world.browser);
  const far = await openTab(world, profile, 'far', world.far);
  await login(far);
  const [loggedIn] = world.proxy.to('/token');
  t.match(loggedIn?.setCookie, [/HttpOnly; Secure; Partitioned; SameSite=None$/]);
  await far.reload();
  t.match(await accessToken(far), /^ey/, 'a reload keeps the session');

  await t.test('has no session where another site embeds it', async (t) => {
    const embedding = await profile.newPage();
    await embedding.goto(`${world.app.origin}/shop`);
    await embedding.evaluate((url) => {
      const frame = document.createElement('iframe');
      frame.src = url;
      document.body.append(frame);
    }, `${world.far}/far`);
    const frame = await (await embedding.waitForSelector('iframe')).contentFrame();
    await frame?.waitForFunction(() => 'auth' in window);
    t.equal(await frame?.evaluate(() => window.auth.getAccessToken()), undefined);
  });

  await t.test('logs out with the attributes of its cookie', async (t) => {
    await far.evaluate(() => window.auth.logout());
    t.match(world.proxy.to('/revoke').at(-1)?.setCookie, [/=; Max-Age=0; .*Partitioned; SameSite=None$/]);
    t.equal((await profile.cookies()).length, 0);
  });
});
