/** An OAuth client that nobody here wrote, strict about every answer: oauth4webapi. */
import * as oauth from 'oauth4webapi';
import t from 'tap';
import { seedClient } from '../support/seed.js';
import { backends } from '../support/variants.js';
import { startWorld } from '../support/world.js';

const insecure = { [oauth.allowInsecureRequests]: true };

for (const { name, storage, options } of backends()) {
  t.test(name, options, async (t) => {
    const world = await startWorld(t, storage);
    const issuer = new URL(world.server.url);
    const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
    const as = await oauth.processDiscoveryResponse(issuer, response);
    const { id, secret } = await seedClient(world.server.database, {
      type: 'confidential',
      grants: ['password', 'refresh_token', 'client_credentials'],
    });
    const client: oauth.Client = { client_id: id };

    const methods = {
      ClientSecretBasic: oauth.ClientSecretBasic(secret),
      ClientSecretPost: oauth.ClientSecretPost(secret),
    };
    for (const [method, authentication] of Object.entries(methods)) {
      await t.test(`RFC 6749 §4.4 client credentials by ${method}`, async (t) => {
        const parameters = new URLSearchParams({ scope: 'read' });
        const answer = await oauth.clientCredentialsGrantRequest(
          as,
          client,
          authentication,
          parameters,
          insecure,
        );
        const tokens = await oauth.processClientCredentialsResponse(as, client, answer);
        t.equal(tokens.token_type, 'bearer');
        t.equal(tokens.scope, 'read');
      });
    }

    await t.test('RFC 6749 §4.3, §6, RFC 7662, RFC 7009 login, refresh, introspect, revoke', async (t) => {
      const authentication = methods.ClientSecretBasic;
      const { email: username, password } = world.user;
      const login = await oauth.genericTokenEndpointRequest(
        as,
        client,
        authentication,
        'password',
        new URLSearchParams({ username, password }),
        insecure,
      );
      const first = await oauth.processGenericTokenEndpointResponse(as, client, login);
      const refreshToken = first.refresh_token ?? '';
      const answer = await oauth.refreshTokenGrantRequest(as, client, authentication, refreshToken, insecure);
      const second = await oauth.processRefreshTokenResponse(as, client, answer);
      t.not(second.refresh_token, refreshToken, 'rotated');

      const introspect = async () => {
        const asked = await oauth.introspectionRequest(
          as,
          client,
          authentication,
          second.access_token,
          insecure,
        );
        return oauth.processIntrospectionResponse(as, client, asked);
      };
      const before = await introspect();
      t.equal(before.active, true);
      t.equal(before.sub, world.user.id);

      const revoked = await oauth.revocationRequest(
        as,
        client,
        authentication,
        second.refresh_token ?? '',
        insecure,
      );
      await oauth.processRevocationResponse(revoked);
      t.same(await introspect(), { active: false });

      const refused = await oauth.refreshTokenGrantRequest(
        as,
        client,
        authentication,
        second.refresh_token ?? '',
        insecure,
      );
      const refusal = await oauth.processRefreshTokenResponse(as, client, refused).catch((error) => error);
      t.equal(refusal.error, 'invalid_grant');
      t.equal(refusal.status, 400);
    });
  });
}
