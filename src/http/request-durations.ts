/**
 * Requests by method, route and status, and how long they took: a histogram for prom-client's registry. prom-client's own checks
 * and hashes an object of labels for every observation, which is a twentieth of all the work on a small answer.
 */
import type { Metric, MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client';

type Label = 'method' | 'route' | 'status' | 'le';
type Value = MetricValueWithName<Label>;

const name = 'keyturn_http_request_duration_seconds';
const description = {
  name,
  help: 'Requests by route, and how long they took',
  type: 'histogram' as unknown as MetricObjectWithValues<Value>['type'],
  aggregator: 'sum' as const,
};
const bucketsSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

interface Series {
  labels: { method: string; route: string; status: number };
  /** Observations by bucket, those beyond the last one at the end. */
  counts: number[];
  sumSeconds: number;
}

export class RequestDurations {
  readonly #series = new Map<string, Series>();

  register(registry: Registry): void {
    const metric = { ...description, get: async () => ({ ...description, values: this.#values() }) };
    // The registry asks for no more than this, its type for all that a metric of its own has.
    registry.registerMetric(metric as unknown as Metric<Label>);
  }

  observe(method: string, route: string, status: number, seconds: number): void {
    const series = this.#seriesOf(method, route, status);
    const bucket = bucketsSeconds.findIndex((limit) => seconds <= limit);
    const index = bucket < 0 ? bucketsSeconds.length : bucket;
    series.counts[index] = (series.counts[index] ?? 0) + 1;
    series.sumSeconds += seconds;
  }

  #seriesOf(method: string, route: string, status: number): Series {
    const key = `${method} ${status} ${route}`;
    let series = this.#series.get(key);
    if (!series) {
      const counts = new Array<number>(bucketsSeconds.length + 1).fill(0);
      series = { labels: { method, route, status }, counts, sumSeconds: 0 };
      this.#series.set(key, series);
    }
    return series;
  }

  /** As Prometheus has it: each bucket counts all that is in the smaller ones, too. */
  #values(): Value[] {
    return [...this.#series.values()].flatMap(({ labels, counts, sumSeconds }) => {
      let count = 0;
      const buckets = counts.map((inBucket, index) => {
        count += inBucket;
        const le = bucketsSeconds[index] ?? '+Inf';
        return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
      });
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: sumSeconds },
        { metricName: `${name}_count`, labels, value: count },
      ];
    });
  }
}
