const prefix = 'keyturn:rate:';

export function rateKey(key: string): string {
  return prefix + key;
}

/** KEYS: the count's. ARGV: by how much, the window in milliseconds. Answers the count and when its window ends. */
export const increment = `
  local count = redis.call('INCRBY', KEYS[1], ARGV[1])
  if count == tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return { count, redis.call('PTTL', KEYS[1]) }`;
