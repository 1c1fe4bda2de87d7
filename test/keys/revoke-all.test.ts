/** After a leak of the whole home: every key goes, the one that waited as well. */
import { createRemoteJWKSet, jwtVerify } from 'jose';
import t from 'tap';
import { keyturnHere, keyturnJson } from '../cli/keyturn.js';
import { adminApi } from '../support/admin.js';
import { serverSettings, startInstance } from '../support/server.js';
import { backends } from '../support/variants.js';
import { headerOf, startWorld, type World } from '../support/world.js';
import { eventually, publishedKids } from './support.js';

async function kidsOf(world: World): Promise<string[]> {
  return publishedKids((await world.server.get('/.well-known/jwks.json')).text);
}

for (const backend of backends()) {
  t.test(
    `${backend.name}: every key is revoked, and a key that nobody can have read signs`,
    backend.options,
    async (t) => {
      const world = await startWorld(t, backend.storage);
      const call = await adminApi(world.server);
      const login = (await world.login()).body;
      const before = await kidsOf(world);
      const verifier = createRemoteJWKSet(new URL('/.well-known/jwks.json', world.server.url));
      await jwtVerify(login.access_token, verifier);

      const { status, body } = await call('POST', '/keys/revoke-all', { reason: 'leaked' });
      t.match({ status, body }, { status: 200, body: { outcome: 'revoked', announced: true, warnings: [] } });
      t.same((body.kids as string[]).toSorted(), before.toSorted());
      t.match(String(body.consequences), /Every access token is dead/);

      const after = await kidsOf(world);
      t.same(after.toSorted(), [body.signing_kid, body.next_kid].toSorted());
      t.notOk(after.some((kid) => before.includes(kid)));
      t.equal(await world.isActive(login.access_token), false, 'the old token is dead');
      const refreshed = await world.refresh(login.refresh_token);
      t.equal(refreshed.status, 200, 'nobody has to log in again');
      t.equal(headerOf(refreshed.body.access_token).kid, body.signing_kid);

      const store = world.server.first.server.storage.keys;
      const { keys, privateKeys } = await store.load();
      t.equal(keys.filter(({ revocationReason }) => revocationReason === 'leaked').length, before.length);
      t.same([...privateKeys.keys()].sort(), after.toSorted(), 'no other private key is left');
    },
  );
}

t.test('the feed tells of every key that is gone', async (t) => {
  const world = await startWorld(t);
  const call = await adminApi(world.server);
  const before = await kidsOf(world);
  await call('POST', '/keys/revoke-all', {});
  const entries = async () => (await world.server.first.server.storage.revocations.after('0', 100)) ?? [];
  await eventually(async () => (await entries()).filter(({ type }) => type === 'kid').length === 2);
  const kids = (await entries()).filter(({ type }) => type === 'kid').map(({ value }) => value);
  t.same(kids.toSorted(), before.toSorted());
});

t.test('keyturn keys revoke --all says before what would follow, and then does it', async (t) => {
  const environment = await serverSettings(t);
  await (await startInstance(environment)).close();
  const kids = async () => {
    const { result } = await keyturnJson(['keys', 'list'], { environment });
    const keys = (result.keys as { kid: string; state: string }[]).map(({ kid, state }) => ({ kid, state }));
    return keys.filter(({ state }) => state !== 'revoked');
  };
  const before = await kids();
  const dryRun = await keyturnHere(['keys', 'revoke', '--dry-run', '--all'], { environment });
  t.match(dryRun, { code: 0, stdout: /Nothing was changed(.|\n)*Every access token is dead/ });
  t.same(await kids(), before);
  t.match(await keyturnHere(['keys', 'revoke'], { environment }), { code: 2, stderr: /missing KID/ });
  t.match(await keyturnHere(['keys', 'revoke', 'kid', '--all'], { environment }), { code: 2 });
  const revoked = await keyturnJson(['keys', 'revoke', '--all', '--reason', 'leaked'], { environment });
  t.match(revoked, { code: 0, result: { outcome: 'revoked', kids: before.map(({ kid }) => kid) } });
  const after = await kids();
  t.same(
    after.map(({ state }) => state),
    ['active', 'next'],
  );
  t.notOk(after.some(({ kid }) => before.some((one) => one.kid === kid)));
  const { result } = await keyturnJson(['audit', 'list', '--type', 'keys_revoked'], { environment });
  t.match(result.events, [{ actor: 'cli', detail: { reason: 'leaked' } }]);
});
