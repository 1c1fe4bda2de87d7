import { gzipSync } from 'node:zlib';
import t from 'tap';
import * as library from '../../src/browser/index.js';
import { buildLibrary } from './support/app-server.js';

t.test('the library is under 4 kB, compressed and without its comments', async (t) => {
  const modules = [...buildLibrary('--removeComments').values()].join('');
  const bytes = gzipSync(modules, { level: 9 }).length;
  t.comment(`${bytes} bytes`);
  t.ok(bytes < 4_000);
});

t.test('the library exports what its README says', async (t) => {
  t.same(Object.keys(library).sort(), ['AuthError', 'createAuthClient']);
});
