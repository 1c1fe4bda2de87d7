const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether what is sent there stays secret on the way: https, or http within the machine. */
export function isSecure({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && loopbackHosts.has(hostname));
}
