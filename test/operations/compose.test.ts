import { readFileSync } from 'node:fs';
import t from 'tap';

const compose = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');

t.test(
  'an update of docker-compose.yml finds the keys where they always were: at the root of their volume',
  async (t) => {
    const [, mountedAt] = /\bkeys:(\/[^\]\s]+)/.exec(compose) ?? [];
    const [, directory] = /^ *KEYS_DIR: (\S+)$/m.exec(compose) ?? [];
    t.ok(mountedAt);
    t.equal(directory, mountedAt);
  },
);
