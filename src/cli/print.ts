/** Results as text for people. */
import type { JsonObject } from '../oauth/claims.js';

/** Members of `rows` as columns, each headed by its name. */
export function table(rows: readonly JsonObject[], members: readonly string[]): string {
  const header = members.map((member) => member.toUpperCase().replaceAll('_', ' '));
  const cells = [header, ...rows.map((row) => members.map((member) => cell(row[member])))];
  const widths = members.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells
    .map((line) =>
      line
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** One member per line. */
export function description(result: JsonObject): string {
  const indent = Math.max(0, ...Object.keys(result).map((name) => name.length)) + 2;
  return Object.entries(result)
    .map(([name, value]) => `${name.padEnd(indent)}${cell(value)}`)
    .join('\n');
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function cell(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(cell).join(' ');
  if (typeof value === 'object')
    return Object.keys(value).length === 0 ? '-' : harmless(JSON.stringify(value));
  const text = harmless(String(value));
  return instant.test(text) ? text.replace('T', ' ').replace(/\.\d+Z$/, 'Z') : text;
}

/** What strangers chose, such as a user agent, must not steer the terminal. */
export function harmless(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}
