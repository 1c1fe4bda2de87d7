import t from 'tap';
import {
  clearedRefreshCookie,
  presentedRefreshToken,
  refreshCookie,
  refreshCookieName,
} from '../../src/http/cookies.js';

const shop = { id: 'shop', cookieSameSite: 'strict' } as const;
const crossSiteShop = { id: 'shop', cookieSameSite: 'none' } as const;

t.test(
  'the refresh cookie is HttpOnly, Secure, host-bound, strict, and lives as long as its session',
  async (t) => {
    t.equal(
      refreshCookie(shop, 'token', 59.9),
      '__Host-keyturn-refresh-shop=token; Max-Age=59; Path=/; HttpOnly; Secure; SameSite=Strict',
    );
  },
);

t.test('only a client registered for another site gets SameSite=None, and then partitioned', async (t) => {
  t.match(refreshCookie(crossSiteShop, 'token', 60), /HttpOnly; Secure; Partitioned; SameSite=None$/);
});

t.test('the cookie is cleared with the attributes that it was set with', async (t) => {
  const attributes = (cookie: string) => cookie.split('; ').slice(2);
  for (const client of [shop, crossSiteShop]) {
    const cleared = clearedRefreshCookie(client);
    t.match(cleared, /^__Host-keyturn-refresh[^=]*-shop=; Max-Age=0;/);
    t.same(attributes(cleared), attributes(refreshCookie(client, 'token', 60)));
  }
});

t.test('every client has a cookie of its own, in either jar', async (t) => {
  const clients = [shop, crossSiteShop, { ...shop, id: 'Shop' }, { ...shop, id: 'cross-site-shop' }];
  t.equal(new Set(clients.map(refreshCookieName)).size, clients.length);
});

t.test('a client reads its own cookie among others', async (t) => {
  const header = 'a=1; __Host-keyturn-refresh-shop-admin=other; __Host-keyturn-refresh-shop=mine';
  t.equal(presentedRefreshToken(header, shop), 'mine');
  t.equal(presentedRefreshToken(header, crossSiteShop), undefined);
  t.equal(presentedRefreshToken(header, { ...shop, id: 'bank' }), undefined);
  t.equal(presentedRefreshToken(undefined, shop), undefined);
  t.equal(presentedRefreshToken('__Host-keyturn-refresh-shop=', shop), undefined, 'an empty one is none');
});

t.test('two cookies of one name are refused', async (t) => {
  const mine = '__Host-keyturn-refresh-shop=mine';
  for (const other of [`; ${mine}`, '; __Host-keyturn-refresh-shop=yours', ';__Host-keyturn-refresh-shop=']) {
    t.throws(() => presentedRefreshToken(mine + other, shop), { code: 'invalid_request' }, other);
  }
});

t.test('only a cookie of exactly this name is the cookie (RFC 6265 §4.2.1)', async (t) => {
  const name = '__Host-keyturn-refresh-shop';
  const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
  const separators = new Set([' ', ';']);
  for (const byte of bytes) {
    const wanted = separators.has(byte) ? 'mine' : undefined;
    const described = `byte ${byte.charCodeAt(0)}`;
    t.equal(presentedRefreshToken(`${byte}${name}=mine`, shop), wanted, `${described} before it`);
    t.equal(presentedRefreshToken(`a=1; ${byte}${name}=mine`, shop), wanted, `${described} before it, later`);
    const named = byte === '=' ? '=mine' : undefined;
    t.equal(presentedRefreshToken(`${name}${byte}=mine`, shop), named, `${described} after it`);
    const real = `${name}=real; a=1; ${byte}${name}=planted`;
    if (!separators.has(byte)) t.equal(presentedRefreshToken(real, shop), 'real', `${described}: one cookie`);
  }
});
