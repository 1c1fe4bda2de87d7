/** How one setting is read from the environment: its name, default, rule and meaning. The README's table is made of these. */
export interface Setting<T> {
  readonly name: string;
  /** Undefined where the setting may be absent. */
  readonly fallback: string | undefined;
  /** The default as people are told of it. */
  readonly shownFallback: string;
  readonly about: string;
  /** Never printed; also read from the file that `NAME_FILE` names. */
  readonly secret: boolean;
  /** Throws an Error that says what is allowed. */
  readonly parse: (text: string) => T;
}

type Optional<T> = Setting<T | undefined>;

interface Description {
  about: string;
  shownFallback?: string;
  secret?: boolean;
}

function setting<T>(
  name: string,
  fallback: string | undefined,
  description: Description,
  parse: (text: string) => T,
): Setting<T> {
  const { about, secret = false, shownFallback = fallback ?? '' } = description;
  return { name, fallback, shownFallback, about, secret, parse };
}

export function integer(
  name: string,
  fallback: number,
  range: [min: number, max: number],
  about: string,
  shownFallback = String(fallback),
): Setting<number> {
  const [min, max] = range;
  return setting(name, String(fallback), { about, shownFallback }, (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw new Error(`must be an integer from ${min} to ${max}`);
    return value;
  });
}

export function oneOf<const T extends string>(
  name: string,
  fallback: T,
  values: readonly T[],
  about: string,
): Setting<T> {
  return setting(name, fallback, { about }, (text) => {
    const value = values.find((candidate) => candidate === text);
    if (value === undefined) throw new Error(`must be one of ${values.join(', ')}`);
    return value;
  });
}

export function text(
  name: string,
  fallback: string,
  about: string,
  check: (value: string) => string = (value) => value,
): Setting<string> {
  return setting(name, fallback, { about }, check);
}

export function optional(
  name: string,
  description: Description,
  check: (value: string) => string,
): Optional<string> {
  return setting<string | undefined>(name, undefined, description, check);
}

type Settings = Record<string, Setting<unknown>>;
export type Values<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

export type Environment = Record<string, string | undefined>;

/** Reads every setting; problems are collected, not thrown, so that all can be reported at once. An empty value is an absent one. */
export function readSettings<S extends Settings>(
  settings: S,
  env: Environment,
  problems: string[],
): Values<S> {
  const entries = Object.entries(settings).map(([key, { name, fallback, parse }]) => {
    const raw = env[name] || fallback;
    try {
      return [key, raw === undefined ? undefined : parse(raw)];
    } catch (error) {
      problems.push(`${name} ${(error as Error).message}`);
      return [key, undefined];
    }
  });
  return Object.fromEntries(entries) as Values<S>;
}
