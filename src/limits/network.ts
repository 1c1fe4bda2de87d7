import ipaddr from 'ipaddr.js';

const mappedPrefix = '::ffff:';

/** RFC 4291 §2.5.5.2: an IPv4 client of a server that listens on `::` shows as an IPv6 address. */
export function plainAddress<T extends string | undefined>(address: T): T | string {
  if (!address?.startsWith(mappedPrefix)) return address;
  const mapped = address.slice(mappedPrefix.length);
  return ipaddr.IPv4.isValidFourPartDecimal(mapped) ? mapped : address;
}

/** An IPv6 subscriber has at least a /64, and can send from every address in it (RFC 6177). */
const subscriberPrefixBits = 64;

/**
 * Whom a limit by address counts: an IPv4 address, also when it comes mapped into IPv6 (RFC 4291 §2.5.5.2), or the /64 of
 * an IPv6 address. What is no address, such as that of a local socket, counts as one.
 */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return 'local';
  if (!address.includes(':')) return address;
  const [bare = ''] = address.split('%');
  if (!ipaddr.IPv6.isValid(bare)) return 'local';
  const parsed = ipaddr.IPv6.parse(bare);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${bare}/${subscriberPrefixBits}`)}/${subscriberPrefixBits}`;
}
