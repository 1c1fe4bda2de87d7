import type { JsonObject } from '../oauth/claims.js';

/** A result as on the wire: members in snake_case, and instants (`...Ms`: milliseconds since the epoch) in ISO 8601. */
export function toWire(value: object): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) =>
      isInstant(name, member)
        ? [snakeCase(name.slice(0, -2)), toInstant(member)]
        : [snakeCase(name), wireValue(member)],
    ),
  );
}

function wireValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(wireValue);
  return typeof value === 'object' && value !== null ? toWire(value) : value;
}

function isInstant(name: string, value: unknown): value is number | null {
  return /(^at|At|From|By)Ms$/.test(name) && (value === null || typeof value === 'number');
}

function toInstant(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
