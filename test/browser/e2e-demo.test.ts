// The demo app of examples/spa, as `npm run example:spa` serves it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import t from 'tap';
import { eventuallyMilliseconds, LeashedProcess, until } from '../support/leash.js';
import { freePort } from '../support/ports.js';
import { temporaryDirectory } from '../support/server.js';
import type { Scope } from '../support/services.js';
import { launchChromium, newProfile, skipWithoutChromium } from './support/chromium.js';

const script = fileURLToPath(new URL('../../examples/spa/serve.mjs', import.meta.url));

interface Demo {
  url: string;
  password: string;
}

async function startDemo(t: Scope): Promise<Demo> {
  const directory = temporaryDirectory(t);
  const dataDirectory = join(directory, 'data');
  mkdirSync(dataDirectory);
  const pagePort = String(await freePort());
  const env = { PORT: String(await freePort()), PAGE_PORT: pagePort, DATA_DIR: dataDirectory };
  const logPath = join(directory, 'demo.log');
  const demo = await LeashedProcess.start(process.execPath, [script], { logPath, env });
  t.teardown(() => demo.end('SIGTERM'));
  const password = () => /password {3}(\S+)/.exec(demo.output)?.[1];
  const complaint = () => `the demo is not ready:\n${demo.output}`;
  await until(() => password() !== undefined || demo.exitCode !== null, 120_000, complaint);
  if (demo.exitCode !== null) throw new Error(complaint());
  return { url: `http://localhost:${pagePort}`, password: password() ?? '' };
}

async function logIn(page: Page, { url, password }: Demo): Promise<void> {
  await page.goto(url);
  await page.fill('[name=username]', 'ada');
  await page.fill('[name=password]', password);
  await page.click('#login button');
  await page.waitForSelector('#session:not([hidden])');
}

t.test('the demo app', { skip: skipWithoutChromium() }, async (t) => {
  const demo = await startDemo(t);
  const browser = await launchChromium();
  t.teardown(() => browser.close());
  const desktop = await newProfile(browser);
  const page = await desktop.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));

  await t.test('logs in and calls the resource server', async (t) => {
    await logIn(page, demo);
    await page.click('#call');
    await page.waitForSelector('#answer:not([hidden])');
    t.match(await page.textContent('#answer'), /^200\n(.|\n)*"scope": "notes"/);
  });

  await t.test('is signed in after a reload, and in a second tab', async () => {
    await page.reload();
    await page.waitForSelector('#session:not([hidden])');
    const second = await desktop.newPage();
    await second.goto(demo.url);
    await second.waitForSelector('#session:not([hidden])');
    await second.close();
  });

  await t.test('lists the sessions, and ends one of another browser', async (t) => {
    const phone = await (await newProfile(browser)).newPage();
    await logIn(phone, demo);
    await page.reload();
    await page.waitForSelector('#sessions li:nth-child(2)');
    await page.click('#sessions li:has(.badge[hidden]) button');
    await page.waitForFunction(() => document.querySelectorAll('#sessions li').length === 1);
    const isLoggedOut = async () => {
      // There is nothing to click any more once it knows.
      await phone.click('#call', { timeout: 5_000 }).catch(() => undefined);
      return phone.isVisible('#login');
    };
    // The resource server hears of it a moment later.
    await until(isLoggedOut, eventuallyMilliseconds, () => 'the phone is still logged in');
    t.match(await phone.textContent('#notice'), /was ended/);
  });

  await t.test('fits a narrow screen and a wide one', async (t) => {
    for (const width of [320, 1600]) {
      await page.setViewportSize({ width, height: 800 });
      t.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
    }
  });

  await t.test('logs out', async (t) => {
    await page.click('#logout');
    await page.waitForSelector('#login:not([hidden])');
    t.match(await page.textContent('#notice'), /logged out/);
    t.same(problems, []);
  });
});
