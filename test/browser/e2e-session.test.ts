// One user, one browser: what an app sees of its session, and what it never sees.
import t from 'tap';
import { skipWithoutChromium } from './support/chromium.js';
import { presentCookie, refreshCookieOf } from './support/refresh-cookie.js';
import {
  accessToken,
  callApi,
  createWorld,
  knowsOf,
  lastState,
  login,
  newProfile,
  openTab,
  refreshByCall,
} from './support/world.js';

for (const scheme of ['https', 'http'] as const) {
  t.test(`a session in the browser, on ${scheme}`, { skip: skipWithoutChromium() }, async (t) => {
    const world = await createWorld(t, scheme);
    const profile = await newProfile(world.browser);
    const tab = await openTab(world, profile);

    await t.test('nobody is signed in at first', async (t) => {
      t.equal(await accessToken(tab), undefined);
      t.same(await tab.evaluate(() => window.states), [{ status: 'signed_out', reason: 'none' }]);
    });

    await t.test('a login gives an access token and a cookie that only the browser sees', async (t) => {
      await login(tab);
      t.match(await accessToken(tab), /^ey/);
      t.equal((await callApi(tab)).status, 200);
      t.match(await refreshCookieOf(profile), {
        name: '__Host-keyturn-refresh-shop',
        httpOnly: true,
        secure: true,
        sameSite: 'Strict',
        path: '/',
        domain: new URL(world.issuer).hostname,
      });
    });

    await t.test('the cookie lives as long as the session', async (t) => {
      const { expires } = await refreshCookieOf(profile);
      const idleTtlSeconds = 2_592_000;
      t.ok(Math.abs(expires - Date.now() / 1000 - idleTtlSeconds) < 60);
    });

    await t.test('a wrong password changes nothing', async (t) => {
      const before = await refreshCookieOf(profile);
      const wrong = tab.evaluate(() => window.auth.login({ username: 'ada', password: 'wrong' }));
      await t.rejects(wrong, /Wrong username or password/);
      t.same(await refreshCookieOf(profile), before);
      t.match(await accessToken(tab), /^ey/);
    });

    await t.test('a reload keeps the session, with a new generation of the cookie', async (t) => {
      const before = await refreshCookieOf(profile);
      await tab.reload();
      t.match(await accessToken(tab), /^ey/);
      t.not((await refreshCookieOf(profile)).value, before.value);
    });

    await t.test('the refresh token is invisible to scripts, and in no body', async (t) => {
      const { value } = await refreshCookieOf(profile);
      const visible = await tab.evaluate(() =>
        [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)].join(),
      );
      t.notMatch(visible, /ktr_|ey/);
      const answers = [...world.proxy.to('/token'), ...world.proxy.to('/token/refresh')];
      t.ok(answers.some(({ setCookie }) => setCookie.join().includes(value)));
      for (const { body, setCookie, path } of answers) {
        t.notMatch(body, /ktr_|refresh_token/, path);
        for (const cookie of setCookie) t.match(cookie, /; HttpOnly; Secure; SameSite=Strict$/);
      }
    });

    await t.test(
      'a second tab signs in by itself, and two apps on one issuer keep their own sessions',
      async (t) => {
        const second = await openTab(world, profile);
        t.match(await accessToken(second), /^ey/);
        const bank = await openTab(world, profile, 'bank');
        t.equal(await accessToken(bank), undefined);
        await login(bank);
        t.same((await profile.cookies()).map(({ name }) => name).sort(), [
          '__Host-keyturn-refresh-bank',
          '__Host-keyturn-refresh-shop',
        ]);
        await bank.evaluate(() => window.auth.logout());
        await second.reload();
        t.match(await accessToken(second), /^ey/, 'a logout of one app is none of the other');
      },
    );

    await t.test(
      'a logout in one tab empties the others, ends the session, and clears the cookie',
      async (t) => {
        const second = await openTab(world, profile);
        await accessToken(second);
        const { value } = await refreshCookieOf(profile);
        await tab.evaluate(() => window.auth.logout());
        for (const any of [tab, second]) {
          await any.waitForFunction(() => window.states.at(-1)?.status === 'signed_out');
          t.same(await lastState(any), { status: 'signed_out', reason: 'logout' });
          t.equal(await accessToken(any), undefined);
        }
        t.equal((await profile.cookies()).length, 0);
        t.match(await presentCookie(world, value), {
          status: 400,
          body: { error: 'invalid_grant', reason: 'revoked' },
        });
        await second.reload();
        t.equal(await accessToken(second), undefined);
      },
    );

    await t.test('a login in one tab signs the others in', async (t) => {
      const second = await openTab(world, profile);
      t.equal(await accessToken(second), undefined);
      await login(tab);
      await second.waitForFunction(() => window.states.at(-1)?.status === 'signed_in');
      t.equal(await accessToken(second), await accessToken(tab));
    });

    await t.test(
      'a stolen cookie that was rotated ends the session everywhere, and the page knows why',
      async (t) => {
        const second = await openTab(world, profile);
        await accessToken(second);
        const stolen = await refreshCookieOf(profile);
        for (const any of [tab, second]) {
          const refreshed = await refreshByCall(world, any);
          t.equal(refreshed.status, 200);
          for (const each of [tab, second]) await knowsOf(each, refreshed.accessToken);
        }
        const theft = await presentCookie(world, stolen.value);
        t.match(theft, { status: 400, body: { error: 'invalid_grant', reason: 'reused' } });
        t.match(theft.setCookie, [
          /^__Host-keyturn-refresh-shop=; Max-Age=0; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
        ]);
        t.equal((await refreshByCall(world, tab)).status, 401);
        for (const any of [tab, second]) {
          await any.waitForFunction(() => window.states.at(-1)?.status === 'signed_out');
          t.same(await lastState(any), { status: 'signed_out', reason: 'reused' });
        }
        t.equal((await profile.cookies()).length, 0);
      },
    );

    await t.test('a login while signed in leaves one session', async (t) => {
      await login(tab);
      const { value } = await refreshCookieOf(profile);
      await login(tab);
      t.match(await presentCookie(world, value), {
        status: 400,
        body: { error: 'invalid_grant', reason: 'revoked' },
      });
      await tab.reload();
      t.match(await accessToken(tab), /^ey/);
    });
  });
}
