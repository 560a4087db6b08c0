/** Prometheus metrics. Label values come from configuration and fixed tables only: no client can add a time series. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client';

export interface ExchangeObservation {
  /** A configured server, or `-`. */
  readonly server: string;
  /** A method of the protocol, or `other`. */
  readonly method: string;
  /** How the exchange ended: an outcome, or the reason of a refusal. */
  readonly outcome: string;
  readonly seconds: number;
}

export interface Metrics {
  observe(observation: ExchangeObservation): void;
  configurationLoaded(ok: boolean): void;
  text(): Promise<string>;
  readonly contentType: string;
}

const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** `streams` counts what is open towards clients at the moment of a scrape. */
export function createMetrics(streams: () => number): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const exchanges = new Counter({
    name: 'sallyport_exchanges_total',
    help: 'Exchanges by server, method and outcome.',
    labelNames: ['server', 'method', 'outcome'],
    registers: [registry],
  });
  const latency = new Histogram({
    name: 'sallyport_exchange_seconds',
    help: 'Time from the arrival of a request to its answer.',
    labelNames: ['server', 'method'],
    buckets: seconds,
    registers: [registry],
  });
  const reloads = new Counter({
    name: 'sallyport_configuration_loads_total',
    help: 'Loads of the configuration, by result.',
    labelNames: ['result'],
    registers: [registry],
  });
  registry.registerMetric(
    new Gauge({
      name: 'sallyport_open_streams',
      help: 'Streams of notifications that are open towards clients.',
      registers: [],
      collect() {
        this.set(streams());
      },
    }),
  );
  return {
    observe({ server, method, outcome, seconds: took }) {
      exchanges.inc({ server, method, outcome });
      latency.observe({ server, method }, took);
    },
    configurationLoaded: (ok) => reloads.inc({ result: ok ? 'accepted' : 'refused' }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
