import { AggregatorRegistry, collectDefaultMetrics, type Metric, Registry } from 'prom-client'

type Labels = Readonly<Record<string, string>>

export interface Value {
  readonly labels: Labels
  readonly value: number
}

/** What a process tells of itself, for Prometheus. Numbers are kept by those who count and read when somebody asks, so counting costs an addition. */
export interface Metrics {
  /** A number for each set of labels, read at each scrape. A counter only grows while the process lives. */
  observe(metric: { name: string; help: string; kind: 'counter' | 'gauge'; read: () => readonly Value[] }): void
  /** Times in seconds, counted in buckets. */
  histogram(metric: { name: string; help: string; buckets: readonly number[] }): Histogram
  /** The Prometheus text format (https://prometheus.io/docs/instrumenting/exposition_formats/). */
  text(): Promise<string>
}

export interface Histogram {
  /** One series; ask once and keep it. */
  of(labels: Labels): Series
}

export interface Series {
  add(seconds: number): void
}

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** Those of Node itself are in it: memory, garbage collection, delay of the event loop. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  AggregatorRegistry.setRegistries(registry) // for the first of several processes, which asks the others

  const register = (name: string, metric: object) => registry.registerMetric({ name, ...metric } as unknown as Metric)
  return {
    observe: ({ name, help, kind, read }) => {
      const aggregator = kind === 'counter' ? 'sum' : 'max'
      register(name, {
        help,
        type: kind,
        aggregator,
        get: () => ({ name, help, type: kind, aggregator, values: read() }),
      })
    },
    histogram: ({ name, help, buckets }) => {
      const made = createHistogram(buckets)
      const values = () => made.values(name)
      register(name, {
        help,
        type: 'histogram',
        aggregator: 'sum',
        get: () => ({ name, help, type: 'histogram', aggregator: 'sum', values: values() }),
      })
      return made
    },
    text: () => registry.metrics(),
  }
}

/** The metrics of all processes of a cluster together, asked for by the first. */
export function clusterMetrics(): { text(): Promise<string> } {
  const registry = new AggregatorRegistry()
  return { text: () => registry.clusterMetrics() }
}

/** Lets the first process of a cluster ask this one. */
export function answerCluster(): void {
  new AggregatorRegistry()
}

function createHistogram(buckets: readonly number[]) {
  const all: { readonly labels: Labels; readonly counts: Float64Array; sum: number }[] = []
  return {
    of: (labels: Labels): Series => {
      const series = { labels, counts: new Float64Array(buckets.length + 1), sum: 0 }
      all.push(series)
      return {
        add: (seconds) => {
          let index = 0
          while (index < buckets.length && seconds > (buckets[index] ?? 0)) index += 1
          series.counts[index] = (series.counts[index] ?? 0) + 1
          series.sum += seconds
        },
      }
    },
    /** Prometheus counts in each bucket what is in the smaller ones too. */
    values: (name: string) =>
      all.flatMap(({ labels, counts, sum }) => {
        let count = 0
        const inBuckets = [...counts].map((own, index) => {
          count += own
          const le = index < buckets.length ? (buckets[index] ?? 0) : '+Inf'
          return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count }
        })
        return [
          ...inBuckets,
          { metricName: `${name}_sum`, labels, value: sum },
          { metricName: `${name}_count`, labels, value: count },
        ]
      }),
  }
}
