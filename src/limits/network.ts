import ipaddr from 'ipaddr.js';

const mappedPrefix = '::ffff:';

const withPort = /^(?:(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}|\[([^\]]+)\](?::\d{1,5})?)$/;

/** Some proxies forward `address:port`, as RFC 7239 §6 has it for `Forwarded`. */
function withoutPort(address: string): string {
  const [, ipv4, ipv6] = withPort.exec(address) ?? [];
  return ipv4 ?? ipv6 ?? address;
}

/** RFC 4291 §2.5.5.2: an IPv4 client of a server that listens on `::` shows as an IPv6 address. */
export function plainAddress<T extends string | undefined>(address: T): T | string {
  if (!address?.includes(':')) return address;
  const bare = withoutPort(address);
  const mapped = bare.startsWith(mappedPrefix) ? bare.slice(mappedPrefix.length) : '';
  return ipaddr.IPv4.isValidFourPartDecimal(mapped) ? mapped : bare;
}

/** An IPv6 subscriber has at least a /64, and can send from every address in it (RFC 6177). */
const subscriberPrefixBits = 64;

/**
 * Whom a limit by address counts: an IPv4 address, also when it comes mapped into IPv6 (RFC 4291 §2.5.5.2), or the /64 of
 * an IPv6 address. What is no address, such as that of a local socket, counts as one.
 */
export function networkOf(address: string | undefined): string {
  return networkWithin(address, subscriberPrefixBits);
}

/** What a customer of many providers gets: 256 networks, all of which one person can send from (RFC 6177). */
const sitePrefixBits = 56;

/** The /56 of an IPv6 address; an IPv4 address itself. */
export function siteOf(address: string | undefined): string {
  return networkWithin(address, sitePrefixBits);
}

function networkWithin(address: string | undefined, prefixBits: number): string {
  if (address === undefined) return 'local';
  const plain = plainAddress(address);
  if (!plain.includes(':')) return plain;
  const [bare = ''] = plain.split('%');
  if (!ipaddr.IPv6.isValid(bare)) return 'local';
  const parsed = ipaddr.IPv6.parse(bare);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${bare}/${prefixBits}`)}/${prefixBits}`;
}
