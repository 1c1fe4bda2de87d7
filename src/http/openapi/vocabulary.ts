/** What the descriptions of routes are made of (OpenAPI 3.1). */
export type Json = { readonly [name: string]: unknown };

export interface Operation {
  operationId: string;
  tags: readonly string[];
  summary: string;
  description?: string;
  /** Alternatives; `{}`: also without; none: for everybody. */
  security: readonly Json[];
  parameters?: readonly Json[];
  requestBody?: Json;
  responses: Readonly<Record<string, Json>>;
}

/** Operations by path, and method in lower case. */
export type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/** Without any authentication. */
export const forEverybody: readonly Json[] = [];

export const publicClient = {};
export const basicAuthentication = { clientBasic: [] };
export const bearer = (...scopes: string[]) => ({ bearer: scopes });

export function schema(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

export function response(name: string): Json {
  return { $ref: `#/components/responses/${name}` };
}

const responseByStatus: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  413: 'PayloadTooLarge',
  415: 'UnsupportedMediaType',
  429: 'TooManyRequests',
  500: 'ServerError',
  503: 'Unavailable',
};

/** The refusals of a route; those that every route has are added. */
export function refusals(...statuses: number[]): Record<string, Json> {
  const all = [...statuses, 429, 500, 503];
  return Object.fromEntries(
    all.map((status) => [String(status), response(responseByStatus[status] ?? 'BadRequest')]),
  );
}

export function content(type: string, body: Json, example?: unknown): Json {
  return { [type]: { schema: body, ...(example !== undefined && { example }) } };
}

export function answer(description: string, body: Json, example?: unknown): Json {
  return { description, content: content('application/json', body, example) };
}

export function object(properties: Json, required: readonly string[] = []): Json {
  return { type: 'object', properties, ...(required.length > 0 && { required }) };
}

export function string(description: string, more: Json = {}): Json {
  return { type: 'string', description, ...more };
}

export function seconds(description: string): Json {
  return { type: 'integer', description: `${description}, in seconds since 1970-01-01T00:00Z` };
}

/** A body of form parameters (RFC 6749 appendix B). */
export function form(body: Json): Json {
  return { required: true, content: content('application/x-www-form-urlencoded', body) };
}
