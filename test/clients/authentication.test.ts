/** Client authentication: RFC 6749 §2.3. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { basic, type Form, type Headers } from '../support/http-client.js';
import { seedClient } from '../support/seed.js';
import { startWorld } from '../support/world.js';

const credentials = { grant_type: 'client_credentials' };

t.test('client authentication', async (t) => {
  const world = await startWorld(t);
  const { server, service, app } = world;
  const token = (form: Form, headers?: Headers) => server.token({ ...credentials, ...form }, headers);

  await t.test('RFC 6749 §2.3.1 HTTP Basic', async (t) => {
    t.equal((await token({}, basic(service.id, service.secret))).status, 200);
    t.equal((await token({ client_id: service.id }, basic(service.id, service.secret))).status, 200);
  });

  await t.test('RFC 6749 §2.3.1 Basic credentials are form-decoded', async (t) => {
    const encoded = [...service.secret].map((c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
    const header = Buffer.from(`${service.id}:${encoded.join('')}`).toString('base64');
    t.equal((await token({}, { authorization: `Basic ${header}` })).status, 200);
    t.equal((await token({}, { authorization: `basic ${header}` })).status, 200, 'the scheme ignores case');
  });

  await t.test('RFC 6749 §2.3.1 id and secret in the form', async (t) => {
    t.equal((await token({ client_id: service.id, client_secret: service.secret })).status, 200);
  });

  await t.test('RFC 6749 §2.3.1 credentials in the query are not looked at', async (t) => {
    const query = new URLSearchParams({ client_id: service.id, client_secret: service.secret });
    const answer = await server.post(`/token?${query}`, credentials);
    t.equal(answer.status, 401);
    t.equal(answer.body.error, 'invalid_client');
  });

  await t.test('RFC 6749 §2.3 two methods at once are refused', async (t) => {
    const both = await token({ client_secret: service.secret }, basic(service.id, service.secret));
    t.equal(both.status, 400);
    t.equal(both.body.error, 'invalid_request');
    const other = await token({ client_id: app.id }, basic(service.id, service.secret));
    t.equal(other.body.error, 'invalid_request', 'nor another id beside Basic');
  });

  const refusals: Record<string, [Form, Headers?]> = {
    'a wrong secret in Basic': [{}, basic(service.id, 'wrong')],
    'a wrong secret in the form': [{ client_id: service.id, client_secret: 'wrong' }],
    'an empty secret in Basic': [{}, basic(service.id, '')],
    'a confidential client without its secret': [{ client_id: service.id }],
    'an unknown client': [{ client_id: 'nobody-here', client_secret: 'x' }],
    'no client at all': [{}],
    'an id that could not be one': [{ client_id: '../../etc/passwd', client_secret: 'x' }],
    'a public client with a secret': [{ client_id: app.id, client_secret: 'x' }],
    'another scheme': [{}, { authorization: `Bearer ${service.secret}` }],
    'Basic that is not base64': [{}, { authorization: 'Basic %%%' }],
    'Basic without a colon': [{}, { authorization: `Basic ${Buffer.from('abc').toString('base64')}` }],
    'Basic with a broken escape': [
      {},
      { authorization: `Basic ${Buffer.from('a%zz:b').toString('base64')}` },
    ],
    'Basic with a NUL': [{}, { authorization: `Basic ${Buffer.from('a%00b:c').toString('base64')}` }],
  };
  for (const [name, [form, headers]] of Object.entries(refusals)) {
    await t.test(`RFC 6749 §5.2 invalid_client: ${name}`, async (t) => {
      const answer = await token(form, headers);
      t.equal(answer.status, 401);
      t.equal(answer.body.error, 'invalid_client');
      t.match(answer.headers.get('www-authenticate'), /^Basic realm=/);
      t.equal(answer.headers.get('cache-control'), 'no-store');
    });
  }

  await t.test('a request that names no client is told what it lacks', async (t) => {
    t.match((await token({})).body.error_description, /client_id is missing/);
    const refreshed = await server.post('/token/refresh', {});
    t.same([refreshed.status, refreshed.body.error], [401, 'invalid_client']);
    t.match(refreshed.body.error_description, /client_id is missing/);
    t.match((await server.revoke('x')).body.error_description, /client_id is missing/);
    const bearer = await token({}, { authorization: 'Bearer x' });
    t.match(bearer.body.error_description, /HTTP Basic or by form parameters/);
  });

  await t.test('Basic credentials longer than any are not looked at', async (t) => {
    const answer = await token({}, basic(service.id, service.secret.repeat(50)));
    t.same([answer.status, answer.body.error], [401, 'invalid_client']);
  });

  await t.test('RFC 9110 §11.1 the scheme is known in any case, and ends with a space', async (t) => {
    const { authorization = '' } = basic(service.id, service.secret);
    const asking = async (header: string) => (await token({}, { authorization: header })).status;
    t.equal(await asking(authorization.replace('Basic', 'bASIC')), 200);
    t.equal(await asking(authorization.replace('Basic ', 'Basic   ')), 200);
    for (const separator of ['', '\t', '\u00a0', '\u0085', ','])
      t.equal(await asking(authorization.replace(' ', separator)), 401, JSON.stringify(separator));
    t.equal(await asking(`\u00a0${authorization}`), 401);
  });

  await t.test('one refusal looks like another: no answer tells which clients exist', async (t) => {
    const answers = [
      await token({}, basic(service.id, 'wrong')),
      await token({}, basic('nobody-here', 'wrong')),
      await token({ client_id: app.id, client_secret: 'x' }),
    ];
    t.equal(new Set(answers.map(({ text }) => text)).size, 1);
  });

  await t.test('a disabled client is refused within a second', async (t) => {
    const client = await seedClient(server.database, { type: 'confidential' });
    const headers = basic(client.id, client.secret);
    t.equal((await token({}, headers)).status, 200);
    await server.database.prisma.client.update({
      where: { id: client.id },
      data: { disabledAt: new Date() },
    });
    await sleep(1_050);
    t.equal((await token({}, headers)).body.error, 'invalid_client');
  });

  await t.test('the same rules hold at /revoke and /introspect', async (t) => {
    for (const path of ['/revoke', '/introspect']) {
      const wrong = await server.post(path, { token: 'x' }, basic(service.id, 'wrong'));
      t.equal(wrong.status, 401, path);
      t.equal(wrong.body.error, 'invalid_client', path);
      const both = await server.post(
        path,
        { token: 'x', client_secret: service.secret },
        basic(service.id, service.secret),
      );
      t.equal(both.body.error, 'invalid_request', path);
    }
  });

  await t.test('RFC 7662 §2.1 introspection is not for public clients', async (t) => {
    const answer = await server.post('/introspect', { token: 'x', client_id: app.id });
    t.equal(answer.status, 401);
    t.equal(answer.body.error, 'invalid_client');
  });

  await t.test('no answer and no log line holds a secret', async (t) => {
    const { log } = server.first;
    t.notOk(log.some((line) => line.includes(service.secret)));
  });
});
