// The single-page app under test: one page, the library as it is published, and a resource server that can be picky.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthClient, AuthState } from '../../../src/browser/index.js';

declare global {
  interface Window {
    auth: AuthClient;
    states: AuthState[];
  }
}

const root = new URL('../../../', import.meta.url).pathname;

/** The library as `npm run build` emits it, by file name. */
export function buildLibrary(...options: string[]): ReadonlyMap<string, string> {
  const directory = mkdtempSync(join(tmpdir(), 'keyturn-browser-'));
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    // `env -u`: the test runner's loaders are not for the compiler.
    const args = [
      '-u',
      'NODE_OPTIONS',
      process.execPath,
      tsc,
      '-p',
      join(root, 'src/browser'),
      '--outDir',
      directory,
      '--listEmittedFiles',
      ...options,
    ];
    const emitted = execFileSync('env', args, { encoding: 'utf8' }).matchAll(/(\S+\/(\S+\.js))$/gm);
    return new Map([...emitted].map(([, path = '', name = '']) => [name, readFileSync(path, 'utf8')]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export class AppServer {
  readonly #library = buildLibrary();
  readonly #clients = new Map<string, { issuer: string; clientId: string }>();
  readonly #refused = new Set<string>();

  /** Serves `/<clientId>`: a page with `window.auth`. */
  addPage(issuer: string, clientId: string): void {
    this.#clients.set(`/${clientId}`, { issuer, clientId });
  }

  /** From now on `/api` answers 401 to this access token. */
  refuse(accessToken: string): void {
    this.#refused.add(`Bearer ${accessToken}`);
  }

  readonly handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const path = incoming.url ?? '/';
    const client = this.#clients.get(path);
    if (path === '/api') this.#answerApi(incoming, outgoing);
    else if (path.startsWith('/lib/')) send(outgoing, 'text/javascript', this.#library.get(path.slice(5)));
    else send(outgoing, 'text/html', client && page(client));
  };

  #answerApi({ headers: { authorization = '' } }: IncomingMessage, outgoing: ServerResponse): void {
    if (!authorization || this.#refused.has(authorization)) {
      outgoing.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end();
      return;
    }
    send(outgoing, 'text/plain', authorization);
  }
}

function send(outgoing: ServerResponse, type: string, body: string | undefined): void {
  outgoing.writeHead(body === undefined ? 404 : 200, { 'Content-Type': `${type}; charset=utf-8` }).end(body);
}

function page(options: { issuer: string; clientId: string }): string {
  return `<!doctype html><title>app</title><link rel="icon" href="data:,"><script type="module">
    import { createAuthClient } from '/lib/index.js';
    window.auth = createAuthClient(${JSON.stringify(options)});
    window.states = [];
    auth.onChange((state) => states.push(state));
  </script>`;
}
