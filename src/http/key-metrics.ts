/** Gauges of the signing keys. Labels are algorithms, states and steps, of which there are few: never a `kid`. */
import { Gauge, type Registry } from 'prom-client';
import type { KeyFigures } from '../keys/key-figures.js';

export function registerKeyMetrics(registry: Registry, figures: () => KeyFigures): void {
  const registers = [registry];
  new Gauge({
    name: 'keyturn_signing_keys',
    help: 'Signing keys by algorithm and state',
    labelNames: ['alg', 'state'],
    registers,
    collect() {
      this.reset();
      for (const { count, ...labels } of figures().counts) this.set(labels, count);
    },
  });
  new Gauge({
    name: 'keyturn_signing_key_age_seconds',
    help: 'How long the active key has signed',
    labelNames: ['alg'],
    registers,
    collect() {
      this.reset();
      for (const { seconds, ...labels } of figures().activeAges) this.set(labels, seconds);
    },
  });
  new Gauge({
    name: 'keyturn_signing_key_step_seconds',
    help: 'Seconds until the next key may sign, until it will by itself, and until a retired key is removed',
    labelNames: ['alg', 'step'],
    registers,
    collect() {
      this.reset();
      for (const { seconds, ...labels } of figures().steps) this.set(labels, seconds);
    },
  });
}
