/** Files were last written at the instant that an accelerated clock showed: or what was just written would look old to it. */
import fs, { promises } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** @param {(realMs: number) => number} accelerated */
export function accelerateFileTimes(accelerated) {
  const realStat = promises.stat;
  fs.promises.stat = async (...args) => {
    const found = await realStat(...args);
    found.mtimeMs = accelerated(found.mtimeMs);
    return found;
  };
  syncBuiltinESMExports();
}
