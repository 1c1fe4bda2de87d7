/**
 * Preloaded into a process, lets its clocks run ACCELERATION times as fast, from the instant ORIGIN_MS on: so that
 * libraries with caches of ten minutes run with their real defaults, in seconds. Timers keep real time, except that the
 * intervals at which a server looks for changes shrink in proportion, to 20 ms at least.
 */
import { accelerateFileTimes } from './accelerated-files.mjs';

const { ACCELERATION = '1', ORIGIN_MS = '0' } = process.env;
const factor = Number(ACCELERATION);
const originMs = Number(ORIGIN_MS);
const RealDate = Date;
const realNow = RealDate.now;

const accelerated = (realMs) => originMs + (realMs - originMs) * factor;
const now = () => Math.floor(accelerated(realNow()));
accelerateFileTimes(accelerated);

globalThis.Date = class AcceleratedDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(now());
    else super(...args);
  }

  static now() {
    return now();
  }
};

const realPerformanceNow = performance.now.bind(performance);
performance.now = () => realPerformanceNow() * factor;

const realSetInterval = globalThis.setInterval;
globalThis.setInterval = (callback, delayMs, ...args) =>
  realSetInterval(callback, Math.max(20, delayMs / factor), ...args);
