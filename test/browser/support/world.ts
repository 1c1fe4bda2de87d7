// Everything an end-to-end test needs: the token server behind a proxy, the app, a foreign site, and a browser.
import type { RequestListener } from 'node:http';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { AuthState } from '../../../src/browser/index.js';
import { eventuallyMilliseconds } from '../../support/leash.js';
import { password, seedClient, seedUser, withDatabase } from '../../support/seed.js';
import { prepareServerProcess, type ServerProcess } from '../../support/server-process.js';
import type { Scope } from '../../support/services.js';
import { AppServer } from './app-server.js';
import { AuthProxy } from './auth-proxy.js';
import { launchChromium, newProfile } from './chromium.js';
import { type Certificate, type Listener, listen, selfSignedCertificate } from './listener.js';

/** Where things stand: the app and the issuer on one site, neighbours on that site too, strangers on others. */
const hosts = {
  https: {
    issuer: 'auth.shop.test',
    app: 'app.shop.test',
    neighbour: 'evil.shop.test',
    stranger: 'evil.test',
    far: 'far.test',
  },
  // Ports do not make sites: every port of localhost is a neighbour.
  http: {
    issuer: 'localhost',
    app: 'localhost',
    neighbour: 'localhost',
    stranger: '127.0.0.1',
    far: '127.0.0.1',
  },
} as const;

const user = { username: 'ada', password };

export type Scheme = keyof typeof hosts;

export interface World {
  issuer: string;
  app: { origin: string; server: AppServer };
  /** The origin of another app, on another site, registered as such. */
  far: string;
  /** Origins that are registered nowhere. */
  neighbour: string;
  stranger: string;
  proxy: AuthProxy;
  server: ServerProcess;
  browser: Browser;
}

/** Lasts as long as the test. */
export async function createWorld(t: Scope, scheme: Scheme): Promise<World> {
  const { issuer, app, neighbour, stranger, far } = hosts[scheme];
  const certificate = scheme === 'https' ? selfSignedCertificate(...Object.values(hosts[scheme])) : undefined;
  const proxy = new AuthProxy();
  const appServer = new AppServer();
  const listeners = await openListeners([proxy.handle, appServer.handle, foreignPage], certificate);
  t.teardown(() => {
    for (const listener of listeners) listener.close();
  });
  const [issuerPort, appPort, foreignPort] = listeners.map(({ port }) => port);
  const at = (host: string, port: number | undefined) => `${scheme}://${host}:${port}`;
  const world = {
    issuer: at(issuer, issuerPort),
    app: { origin: at(app, appPort), server: appServer },
    neighbour: at(neighbour, foreignPort),
    stranger: at(stranger, foreignPort),
    far: at(far, appPort),
  };
  const server = await startSeededServer(t, world);
  proxy.targetPort = Number(server.settings.PORT);
  const browser = await launchChromium();
  t.teardown(() => browser.close());
  return { ...world, proxy, server, browser };
}

async function startSeededServer(
  t: Scope,
  { issuer, app, far }: Pick<World, 'issuer' | 'app' | 'far'>,
): Promise<ServerProcess> {
  const server = await prepareServerProcess(t, { settings: { ISSUER: issuer, LOG_LEVEL: 'warn' } });
  await withDatabase(server.settings, async (database) => {
    await seedUser(database, user);
    for (const client of clientsOf({ app, far })) {
      await seedClient(database, { ...client, refreshDelivery: 'cookie' });
      app.server.addPage(issuer, client.id);
    }
  });
  await server.start();
  return server;
}

function clientsOf({ app, far }: Pick<World, 'app' | 'far'>) {
  return [
    { id: 'shop', origins: [app.origin] },
    { id: 'bank', origins: [app.origin] },
    { id: 'far', origins: [far], cookieSameSite: 'none' },
  ];
}

function openListeners(
  handlers: Parameters<typeof listen>[0][],
  certificate?: Certificate,
): Promise<Listener[]> {
  return Promise.all(handlers.map((handler) => listen(handler, certificate)));
}

const foreignPage: RequestListener = (_request, response) => {
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.end('<!doctype html><title>foreign</title><link rel="icon" href="data:,"><body>');
};

/** A tab with the app loaded, ready for `window.auth`. */
export async function openTab(
  world: World,
  profile: BrowserContext,
  clientId = 'shop',
  origin = world.app.origin,
): Promise<Page> {
  const tab = await profile.newPage();
  await tab.goto(`${origin}/${clientId}`);
  await tab.waitForFunction(() => 'auth' in window);
  return tab;
}

export function login(tab: Page): Promise<void> {
  return tab.evaluate((credentials) => window.auth.login(credentials), user);
}

export function accessToken(tab: Page): Promise<string | undefined> {
  return tab.evaluate(() => window.auth.getAccessToken());
}

export function lastState(tab: Page): Promise<AuthState | undefined> {
  return tab.evaluate(() => window.states.at(-1));
}

/** Calls the resource server with `auth.fetch`. */
export function callApi(tab: Page): Promise<{ status: number; accessToken: string }> {
  return tab.evaluate(async () => {
    const response = await window.auth.fetch('/api');
    return { status: response.status, accessToken: (await response.text()).replace('Bearer ', '') };
  });
}

/** Waits until the tab knows of the access token: what one tab was given, the others hear of a moment later. */
export async function knowsOf(tab: Page, token: string): Promise<void> {
  const isCurrent = (it: string) => window.auth.getAccessToken().then((current) => current === it);
  await tab.waitForFunction(isCurrent, token, { timeout: eventuallyMilliseconds });
}

/** Lets the resource server refuse the tab's access token and calls it: the library must refresh. */
export async function refreshByCall(
  world: World,
  tab: Page,
): Promise<{ status: number; accessToken: string }> {
  const token = await accessToken(tab);
  if (token) world.app.server.refuse(token);
  return callApi(tab);
}

export { newProfile };
