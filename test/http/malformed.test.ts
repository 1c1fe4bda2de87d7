import t from 'tap';
import { type RawAnswer, sendRaw } from '../support/raw-http.js';
import { startServer } from '../support/server.js';
import { atBest, shortest } from '../support/undisturbed.js';

const form = 'Content-Type: application/x-www-form-urlencoded';

function post(body: string, ...headers: string[]): Buffer {
  const length = `Content-Length: ${Buffer.byteLength(body, 'latin1')}`;
  const head = ['POST /token HTTP/1.1', 'Host: x', 'Connection: close', length, ...headers].join('\r\n');
  return Buffer.from(`${head}\r\n\r\n${body}`, 'latin1');
}

const malformed: [name: string, status: number, bytes: string | Buffer][] = [
  ['RFC 9112 §3: a request line with a space too many', 400, 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['RFC 9112 §3.2: HTTP/1.1 without Host', 400, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'],
  [
    'RFC 9112 §3.2: two Host fields',
    400,
    'GET /health/live HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n',
  ],
  ['a TLS handshake', 400, Buffer.from([0x16, 3, 1, 2, 0, 1, 0])],
  ['NUL in the path', 400, 'GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a malformed escape in the path', 400, 'GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
  [
    'RFC 9112 §6.3: Transfer-Encoding and Content-Length at once',
    400,
    'POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['RFC 9112 §6.3: two values of Content-Length', 400, post('a=b', form, 'Content-Length: 4')],
  ['headers above 16 KiB', 431, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(17_000)}\r\n\r\n`],
  ['a body above 16 KiB', 413, post(`a=${'b'.repeat(17_000)}`, form)],
  ['RFC 9110 §10.1.1: an unknown expectation', 417, post('a=b', form, 'Expect: a-miracle')],
  ['a body with another content type', 415, post('{"a":1}', 'Content-Type: application/json')],
  ['a body without content type', 415, post('a=b')],
  ['a body whose content type only looks like that of a form', 415, post('a=b', `${form}\xa0`)],
  ['a form in Latin-1 that is not ASCII', 400, post('a=\xe9', `${form}; charset=ISO-8859-1`)],
  ['RFC 9110 §8.4: a Content-Encoding', 415, post('a=b', form, 'Content-Encoding: gzip')],
  ['RFC 6749 §3.2: a repeated parameter', 400, post('grant_type=password&grant_type=password', form)],
  ['a repeated parameter, one of them escaped', 400, post('scope=a&%73cope=b', form)],
  ['a malformed escape in the form', 400, post('a=%zz', form)],
  ['escaped bytes that are not UTF-8', 400, post('a=%ff', form)],
  ['bytes that are not UTF-8', 400, post('a=\xff', form)],
  ['an escaped NUL', 400, post('username=a%00b', form)],
  ['more parameters than any request has', 400, post('a&'.repeat(100), form)],
];

const pumped: [name: string, target: string, header: string][] = [
  ['spaces after Basic', 'POST /token', `Authorization: Basic${' '.repeat(15_500)}!`],
  ['spaces after Bearer', 'GET /sessions', `Authorization: Bearer${' '.repeat(15_500)}!`],
  ['spaces after Bearer', 'GET /revocations', `Authorization: Bearer${' '.repeat(15_500)}!`],
  ['empty parameters of a content type', 'POST /token', `${form}${'; '.repeat(7_500)}x`],
  ['spaces in a content type', 'POST /token', `${form};${' '.repeat(15_500)}x`],
  ['semicolons in a cookie', 'POST /token', `Cookie: ${';'.repeat(15_500)}`],
  ['spaces in a cookie', 'POST /token', `Cookie: a${' '.repeat(15_500)}b`],
  ['commas in an entity tag', 'GET /.well-known/jwks.json', `If-None-Match: ${','.repeat(15_500)}`],
  ['commas in a list of proxies', 'POST /token', `X-Forwarded-For: ${','.repeat(15_500)}x`],
  ['spaces in a list of proxies', 'POST /token', `X-Forwarded-For: x${' '.repeat(15_500)}x`],
];

t.test('no header holds the server up', async (t) => {
  const { url } = await startServer(t, { settings: { TRUST_PROXY: 'loopback' } });
  const fixed = ['Host: x', 'Connection: close', 'Content-Length: 0'];
  for (const [name, target, header] of pumped) {
    const bytes = `${target} HTTP/1.1\r\n${[...fixed, header].join('\r\n')}\r\n\r\n`;
    const milliseconds = await shortest(() => sendRaw(url, bytes), 100);
    t.ok(milliseconds < 100, `${name}, ${target}: ${milliseconds} ms`);
  }
});

t.test('a form is a form, whatever else its content type says', async (t) => {
  const { url } = await startServer(t);
  const types = [
    '; charset=ISO-8859-1',
    ';charset=us-ascii',
    '; charset="utf-8"',
    '; boundary=x',
    ' ; a=b; ',
    `${'; '.repeat(2_000)}x`,
  ];
  for (const type of types) {
    const answer = await sendRaw(url, post('grant_type=x&client_id=nobody', form + type));
    t.match([answer.status, answer.body], [401, /invalid_client/], type.slice(0, 30));
  }
});

t.test('who sends JSON is told to send a form', async (t) => {
  const { url } = await startServer(t);
  for (const type of [['Content-Type: application/json'], ['Content-Type: nonsense'], []]) {
    const { body } = await sendRaw(url, post('{"grant_type":"password"}', ...type));
    t.match(JSON.parse(body).error_description, /must be a form: application\/x-www-form-urlencoded/);
  }
});

/** And not when the time for a request is over. */
function closedAtOnce({ closed, seconds }: RawAnswer): boolean {
  return closed && seconds < 1;
}

t.test('what is malformed is refused in the shape of OAuth errors (RFC 6749 §5.2)', async (t) => {
  const server = await startServer(t);
  for (const [name, status, bytes] of malformed) {
    t.test(name, async (t) => {
      const answer = await atBest(() => sendRaw(server.url, bytes), closedAtOnce);
      t.equal(answer.status, status);
      t.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
      t.equal(answer.headers.get('cache-control'), 'no-store');
      t.equal(answer.headers.get('x-content-type-options'), 'nosniff');
      t.equal(JSON.parse(answer.body).error, 'invalid_request');
      t.match(JSON.parse(answer.body).error_description, /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/);
      t.ok(closedAtOnce(answer), `closed after ${answer.seconds} s`);
    });
  }
  t.equal((await server.get('/health/live')).status, 200, 'and the server goes on');
});

t.test('who does not finish a request within 5 s is cut off', async (t) => {
  const server = await startServer(t);
  const unfinished: [name: string, bytes: string][] = [
    ['nothing sent', ''],
    ['half of the headers', 'POST /token HTTP/1.1\r\nHost: x\r\n'],
    ['half of the body', `POST /token HTTP/1.1\r\nHost: x\r\n${form}\r\nContent-Length: 30\r\n\r\na=b`],
  ];
  await Promise.all(
    unfinished.map(async ([name, bytes]) => {
      const inTime = ({ closed, seconds }: RawAnswer) => closed && seconds < 7.5;
      const answer = await atBest(() => sendRaw(server.url, bytes), inTime);
      t.ok(inTime(answer), `${name}: after ${answer.seconds} s`);
      t.equal(answer.status, 408, name);
      t.equal(JSON.parse(answer.body).error, 'invalid_request', name);
    }),
  );
});

t.test('a refusal for its Host field carries the security headers, whatever the path', async (t) => {
  const { url } = await startServer(t);
  for (const path of ['/token', '/admin/users', '/.well-known/jwks.json', '/health/live', '/nothing']) {
    const { status, headers } = await sendRaw(url, `GET ${path} HTTP/1.1\r\nConnection: close\r\n\r\n`);
    t.equal(status, 400, path);
    t.equal(headers.get('x-content-type-options'), 'nosniff', path);
    t.match(headers.get('content-security-policy'), /default-src 'none'/, path);
  }
});
