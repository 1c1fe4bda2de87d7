/** What results are made of. Their types are those in the process; their schemas say what JSON makes of them. */
import Type, { type Static, type TProperties, type TSchema } from 'typebox';
import type { JsonObject } from '../oauth/claims.js';

/** A `Date`, on the wire as in RFC 3339. */
export const time = Type.Unsafe<Date>({ type: 'string', format: 'date-time' });

export function nullable<S extends TSchema>(schema: S) {
  return Type.Union([schema, Type.Null()]);
}

export function listOf<S extends TSchema>(item: S) {
  return Type.Unsafe<readonly Static<S>[]>(Type.Array(item));
}

export const texts = listOf(Type.String());

/** Of a result that is converted to its wire form as a whole: the compiler no longer knows its members. */
export function wire(properties: TProperties) {
  return Type.Unsafe<JsonObject>(Type.Object(properties));
}
