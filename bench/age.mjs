/**
 * Preloaded into both servers: at SIGUSR2, a few full garbage collections, as a server that has run for some minutes has had. In them
 * V8 forgets part of what it learned: with Node.js 20, `process.nextTick` is slower from then on. When that happens by itself
 * is chance, and moves the rate of small requests by a fourth between two processes of the same program.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const collections = 6;
const betweenMilliseconds = 200;

async function collect() {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  for (let count = 0; count < collections; count += 1) {
    gc();
    await sleep(betweenMilliseconds);
  }
}

process.on('SIGUSR2', () => void collect());
