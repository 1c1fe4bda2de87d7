import t from 'tap';
import { adminApi } from '../support/admin.js';
import { type RunningServer, startServer } from '../support/server.js';

/** The series of a metric: its value by its labels. */
async function series(server: RunningServer, name: string): Promise<Record<string, number>> {
  const { text } = await server.get('/metrics');
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
  return Object.fromEntries(
    lines.map((line) => {
      const [labels = '', value] = line.slice(name.length).split(' ');
      return [labels, Number(value)];
    }),
  );
}

t.test('keys are counted by state, and the seconds to what the clock will do run down', async (t) => {
  const settings = { KEY_PUBLISH_AHEAD_SECONDS: '900', KEY_ROTATION_INTERVAL_SECONDS: '86400' };
  const server = await startServer(t, { settings });
  const call = await adminApi(server);
  const startedAt = performance.now();
  await call('POST', '/keys/rotate', { force: true });
  await call('POST', '/keys/rotate', { alg: 'RS256', at_safe_time: true });

  t.same(await series(server, 'keyturn_signing_keys'), {
    '{alg="ES256",state="next"}': 0,
    '{alg="ES256",state="active"}': 1,
    '{alg="ES256",state="retired"}': 1,
    '{alg="ES256",state="revoked"}': 0,
    '{alg="RS256",state="next"}': 2,
    '{alg="RS256",state="active"}': 0,
    '{alg="RS256",state="retired"}': 0,
    '{alg="RS256",state="revoked"}': 0,
  });
  const ages = await series(server, 'keyturn_signing_key_age_seconds');
  const steps = await series(server, 'keyturn_signing_key_step_seconds');
  const takenSeconds = (performance.now() - startedAt) / 1000;
  t.same(Object.keys(ages), ['{alg="ES256"}']);
  t.ok((ages['{alg="ES256"}'] ?? -1) >= 0 && (ages['{alg="ES256"}'] ?? 0) <= takenSeconds + 0.1);
  const expected = {
    '{alg="ES256",step="removal"}': 900 + 30 + 3,
    '{alg="ES256",step="rotation"}': 86_400,
    '{alg="RS256",step="next_may_sign"}': 900,
    '{alg="RS256",step="rotation"}': 900,
  };
  t.same(Object.keys(steps).sort(), Object.keys(expected).sort());
  for (const [labels, seconds] of Object.entries(expected)) {
    const found = steps[labels] ?? Number.NaN;
    t.ok(found <= seconds && found >= seconds - takenSeconds - 0.1, `${labels} is ${found}`);
  }
});

t.test('no key is named in the figures: series would grow with every rotation', async (t) => {
  const server = await startServer(t);
  const call = await adminApi(server);
  for (let round = 0; round < 3; round += 1) await call('POST', '/keys/rotate', { force: true });
  const { text } = await server.get('/metrics');
  t.match(text, /^keyturn_signing_keys\{alg="ES256",state="retired"\} 3$/m);
  t.notMatch(text, /kid=|es256-/);
});
