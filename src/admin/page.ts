/** Lists come in pages: `limit` of them, and a cursor to what follows. */
import Type from 'typebox';

const longestPage = 1000;
const defaultPage = 100;

export const pageInput = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: longestPage,
      description: `How many at most. Default: ${defaultPage}`,
    }),
  ),
  after: Type.Optional(
    Type.String({ minLength: 1, maxLength: 400, description: 'The `next_cursor` of the page before' }),
  ),
};

export const pageResult = {
  next_cursor: Type.Union([Type.String(), Type.Null()], {
    description: 'For `after`; null on the last page',
  }),
};

interface Page<T> {
  items: T[];
  /** Absent on the last page. */
  nextCursor: string | null;
}

/** Reads one more than asked for, to know whether there is another page. */
export async function readPage<T>(
  limit: number = defaultPage,
  read: (limit: number) => Promise<T[]>,
  cursorOf: (last: T) => string,
): Promise<Page<T>> {
  const items = await read(limit + 1);
  if (items.length <= limit) return { items, nextCursor: null };
  const page = items.slice(0, limit);
  const last = page.at(-1);
  return { items: page, nextCursor: last === undefined ? null : cursorOf(last) };
}
