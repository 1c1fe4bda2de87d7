// Everything an end-to-end test needs: the token server behind a proxy, the app, a foreign site, and a browser.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { AuthState } from '../../../src/browser/index.js';
import { AppServer } from './app-server.js';
import { AuthProxy } from './auth-proxy.js';
import { launchChromium, newProfile } from './chromium.js';
import { freePort, KeyturnProcess, seed, user } from './keyturn-process.js';
import { type Certificate, type Listener, listen, selfSignedCertificate } from './listener.js';

/** Where things stand: the app and the issuer on one site, neighbours on that site too, strangers on another. */
const hosts = {
  https: {
    issuer: 'auth.shop.test',
    app: 'app.shop.test',
    neighbour: 'evil.shop.test',
    stranger: 'app.evil.test',
  },
  // Ports do not make sites: every port of localhost is a neighbour.
  http: { issuer: 'localhost', app: 'localhost', neighbour: 'localhost', stranger: '127.0.0.1' },
} as const;

export type Scheme = keyof typeof hosts;

export interface World {
  issuer: string;
  app: { origin: string; server: AppServer };
  /** Origins that are registered nowhere; both serve `foreignPage`. */
  neighbour: string;
  stranger: string;
  proxy: AuthProxy;
  server: KeyturnProcess;
  browser: Browser;
  close(): Promise<void>;
}

export async function createWorld(scheme: Scheme, settings: Record<string, string> = {}): Promise<World> {
  const { issuer, app, neighbour, stranger } = hosts[scheme];
  const certificate =
    scheme === 'https' ? selfSignedCertificate(issuer, app, neighbour, stranger) : undefined;
  const proxy = new AuthProxy(await freePort());
  const appServer = new AppServer();
  const listeners = await openListeners([proxy.handle, appServer.handle, serveForeignPage], certificate);
  const [issuerPort, appPort, foreignPort] = listeners.map(({ port }) => port);
  const at = (host: string, port: number | undefined) => `${scheme}://${host}:${port}`;
  const world = {
    issuer: at(issuer, issuerPort),
    app: { origin: at(app, appPort), server: appServer },
    neighbour: at(neighbour, foreignPort),
    stranger: at(stranger, foreignPort),
  };
  const server = new KeyturnProcess(proxy.targetPort, { ISSUER: world.issuer, ...settings });
  await server.withDatabase((database) => seed(database, clientsOf(world)));
  await server.start();
  for (const { id } of clientsOf(world)) appServer.addPage(world.issuer, id);
  const browser = await launchChromium();
  const close = async () => {
    await browser.close();
    for (const listener of listeners) listener.close();
    await server.remove();
  };
  return { ...world, proxy, server, browser, close };
}

function clientsOf({ app, stranger }: Pick<World, 'app' | 'stranger'>) {
  return [
    { id: 'shop', origins: [app.origin] },
    { id: 'bank', origins: [app.origin] },
    { id: 'far', origins: [stranger], cookieSameSite: 'none' as const },
  ];
}

function openListeners(
  handlers: Parameters<typeof listen>[0][],
  certificate?: Certificate,
): Promise<Listener[]> {
  return Promise.all(handlers.map((handler) => listen(handler, certificate)));
}

function serveForeignPage(
  _request: unknown,
  response: { setHeader(n: string, v: string): void; end(body: string): void },
) {
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.end('<!doctype html><title>foreign</title><link rel="icon" href="data:,"><body>');
}

/** A tab with the app loaded, ready for `window.auth`. */
export async function openTab(world: World, profile: BrowserContext, clientId = 'shop'): Promise<Page> {
  const tab = await profile.newPage();
  await tab.goto(`${world.app.origin}/${clientId}`);
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
