import t from 'tap';
import { requireOwnPage, requireOwnPageIfBrowser } from '../../src/http/origin.js';

const shop = { id: 'shop', cookieSameSite: 'strict', origins: ['https://shop.example'] } as const;
const crossSiteShop = { ...shop, cookieSameSite: 'none' } as const;
const own = { origin: 'https://shop.example', 'keyturn-request': '1' };
const refused = { code: 'access_denied', status: 403 };

t.test("a request by cookie comes from one of the client's own pages", async (t) => {
  t.doesNotThrow(() => requireOwnPage(own, shop));
  for (const site of ['same-origin', 'same-site']) {
    t.doesNotThrow(() => requireOwnPage({ ...own, 'sec-fetch-site': site }, shop), site);
  }
});

t.test('an origin that is not exactly a registered one is refused', async (t) => {
  const others = [
    undefined,
    '',
    'null',
    'http://shop.example',
    'https://shop.example:8443',
    'https://shop.example/',
    'https://SHOP.example',
    'https://shop.example.evil.test',
    'https://shop.example, https://evil.test',
  ];
  for (const origin of others) {
    const headers = { 'keyturn-request': '1', ...(origin !== undefined && { origin }) };
    t.throws(() => requireOwnPage(headers, shop), refused, String(origin));
  }
});

t.test('a simple request is refused, whatever its origin', async (t) => {
  t.throws(() => requireOwnPage({ origin: own.origin }, shop), refused);
  t.throws(() => requireOwnPage({ ...own, 'keyturn-request': '0' }, shop), refused);
});

t.test('a browser that says the page is on another site is believed', async (t) => {
  for (const site of ['cross-site', 'none', '']) {
    t.throws(() => requireOwnPage({ ...own, 'sec-fetch-site': site }, shop), refused, site);
  }
  t.doesNotThrow(() => requireOwnPage({ ...own, 'sec-fetch-site': 'cross-site' }, crossSiteShop));
  t.throws(() => requireOwnPage({ ...own, 'sec-fetch-site': 'none' }, crossSiteShop), refused);
});

t.test('a login without a browser needs no origin; one with a browser needs a registered one', async (t) => {
  t.doesNotThrow(() => requireOwnPageIfBrowser({}, shop));
  t.doesNotThrow(() => requireOwnPageIfBrowser({ origin: own.origin }, shop));
  t.throws(() => requireOwnPageIfBrowser({ origin: 'https://evil.test' }, shop), refused);
  t.throws(() => requireOwnPageIfBrowser({ origin: 'null' }, shop), refused);
  t.throws(() => requireOwnPageIfBrowser({ 'sec-fetch-site': 'cross-site' }, shop), refused);
});
