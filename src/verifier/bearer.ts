/**
 * The token of an `Authorization: Bearer` header (RFC 6750 §2.1); `undefined` when the request holds none, for another
 * scheme may be meant for somebody else.
 */
export function bearerToken(authorization = ''): { value: string } | 'malformed' | undefined {
  if (!/^bearer(?: |$)/i.test(authorization)) return undefined;
  const value = authorization.replace(/^bearer */i, '');
  return /^[A-Za-z0-9._~+/-]+=*$/.test(value) ? { value } : 'malformed';
}
