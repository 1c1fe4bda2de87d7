// The browser of the end-to-end tests: the machine's own Chromium, driven by playwright-core.
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { eventuallyMilliseconds } from '../../support/leash.js';

const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP *.test 127.0.0.1',
];

/** A cold start on a busy machine. */
const launchTimeoutMilliseconds = 120_000;

export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM_PATH;
  return named || candidates.find((path) => existsSync(path));
}

/** For `t.test`'s options: the reason to skip, or false. With `CI=true` nothing is skipped, so that a missing browser fails. */
export function skipWithoutChromium(): string | false {
  if (findChromium() || process.env.CI === 'true') return false;
  return 'no Chromium here (install it, or set CHROMIUM_PATH)';
}

export function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('No Chromium found: install it, or set CHROMIUM_PATH');
  return chromium.launch({ executablePath, args: flags, timeout: launchTimeoutMilliseconds });
}

/** A browser profile of its own: cookies, locks and channels are shared by its tabs only. */
export async function newProfile(browser: Browser): Promise<BrowserContext> {
  const profile = await browser.newContext({ ignoreHTTPSErrors: true });
  profile.setDefaultTimeout(eventuallyMilliseconds);
  return profile;
}
