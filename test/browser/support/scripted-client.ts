// The library on Node.js, against a scripted server: no Web Locks, no BroadcastChannel, one tab.
import { type AuthState, createAuthClient } from '../../../src/browser/index.js';
import { scriptedServer } from './scripted-server.js';

// Node.js has channels, and an open one keeps the process alive; the library must do without.
Reflect.deleteProperty(globalThis, 'BroadcastChannel');

export async function setUp(t: { teardown(handler: () => void): void }) {
  const server = await scriptedServer();
  t.teardown(server.close);
  const auth = createAuthClient({ issuer: `${server.url}/`, clientId: 'shop' });
  const states: AuthState[] = [];
  auth.onChange((state) => states.push(state));
  return { server, auth, states };
}
