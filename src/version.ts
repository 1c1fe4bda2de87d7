import { readFileSync } from 'node:fs';

const packageUrl = new URL('../package.json', import.meta.url);

/** The version of this server, as its package has it. */
export const version: string = JSON.parse(readFileSync(packageUrl, 'utf8')).version;
