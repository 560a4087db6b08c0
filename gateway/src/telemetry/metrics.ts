/** Prometheus metrics. Label values come from configuration and fixed tables only: no client can add a time series. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from '@prometheus-io/client';
import { Tally } from './tally.ts';

export interface ExchangeObservation {
  /** A configured server, or `-`. */
  readonly server: string;
  /** A method of the protocol, or `other`. */
  readonly method: string;
  /** How the exchange ended: an outcome, or the reason of a refusal. */
  readonly outcome: string;
  /** Of a refusal: which one of its causes, a fixed word. */
  readonly cause?: string | undefined;
  readonly seconds: number;
}

export interface ObservedFinding {
  readonly detector: string;
  readonly class: string;
  readonly action: string;
  readonly direction: string;
}

export interface ObservedHealth {
  readonly server: string;
  /** A fixed word. */
  readonly state: string;
  readonly certificateDays?: number | undefined;
}

export interface Metrics {
  observe(observation: ExchangeObservation): void;
  /** A finding of a guardrail. All are fixed words, or labels of the configuration. */
  readonly finding: (finding: ObservedFinding) => void;
  /** What a limit said that was not yes, by the name that the configuration gives it. */
  readonly limit: (limit: string, what: string) => void;
  /** What the breaker of a server did: opened, closed, refused. */
  readonly breaker: (server: string, what: string) => void;
  /** Open circuits, asked at each scrape. `of`: server, or tool. */
  readonly openCircuits: (open: () => Iterable<{ readonly server: string; readonly of: string }>) => void;
  /** A call that was made together with an identical one. */
  readonly coalesced: (server: string) => void;
  /** What the configured servers are, asked at each scrape: a fixed word of each. */
  readonly serverStatus: (all: () => Iterable<readonly [server: string, status: string]>) => void;
  /** What checks of servers found, asked at each scrape. */
  readonly serverHealth: (found: () => Iterable<ObservedHealth>) => void;
  /** A look at what a configured server defines. `outcome`: a fixed word. */
  discovery(server: string, outcome: string): void;
  /** A message to people. `outcome`: sent, failed, dead, full. */
  channel(channel: string, outcome: string): void;
  configurationLoaded(ok: boolean): void;
  /** Shows how full a table is that callers or servers fill (docs/bounds.md). `name`: a fixed word. */
  readonly table: (name: string, size: () => number) => void;
  /** Which servers answer, by name; asked at each scrape. */
  readonly serversUp: (states: () => Iterable<readonly [server: string, isUp: boolean]>) => void;
  text(): Promise<string>;
  readonly contentType: string;
}

/** `streams` counts what is open towards clients at the moment of a scrape. */
export function createMetrics(streams: () => number): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const exchanges = new Tally({
    total: 'sallyport_exchanges_total',
    totalHelp: 'Exchanges by server, method and outcome.',
    seconds: 'sallyport_exchange_seconds',
    secondsHelp: 'Time from the arrival of a request to its answer.',
  });
  const refusals = new Counter({
    name: 'sallyport_refusals_total',
    help: 'Refusals that have several causes, by reason and cause.',
    labelNames: ['reason', 'cause'],
    registers: [registry],
  });
  const findings = new Counter({
    name: 'sallyport_findings_total',
    help: 'What guardrails found, by detector, class, action and direction.',
    labelNames: ['detector', 'class', 'action', 'direction'],
    registers: [registry],
  });
  const limits = new Counter({
    name: 'sallyport_limits_total',
    help: 'What limits did, by limit: refused, would-refuse, queued, warned.',
    labelNames: ['limit', 'event'],
    registers: [registry],
  });
  const breakerEvents = new Counter({
    name: 'sallyport_breaker_events_total',
    help: 'What circuit breakers did, by server: opened, closed, refused.',
    labelNames: ['server', 'event'],
    registers: [registry],
  });
  let openCircuits = (): Iterable<{ readonly server: string; readonly of: string }> => [];
  registry.registerMetric(
    new Gauge({
      name: 'sallyport_breakers_open',
      help: 'Circuits that are open, by server, of the server itself or of its tools.',
      labelNames: ['server', 'of'],
      registers: [],
      collect() {
        this.reset();
        for (const { server, of } of openCircuits()) this.inc({ server, of });
      },
    }),
  );
  const coalesced = new Counter({
    name: 'sallyport_coalesced_calls_total',
    help: 'Calls that were not made, as an identical one of the same caller was under way, by server.',
    labelNames: ['server'],
    registers: [registry],
  });
  let serverStatus = (): Iterable<readonly [string, string]> => [];
  registry.registerMetric(
    new Gauge({
      name: 'sallyport_server_status',
      help: '1 for what a server is, by the configuration and by what operators switched off.',
      labelNames: ['server', 'status'],
      registers: [],
      collect() {
        this.reset();
        for (const [server, status] of serverStatus()) this.set({ server, status }, 1);
      },
    }),
  );
  let serverHealth = (): Iterable<ObservedHealth> => [];
  registry.registerMetric(
    new Gauge({
      name: 'sallyport_server_health',
      help: '1 for the state in which the last check found a server.',
      labelNames: ['server', 'state'],
      registers: [],
      collect() {
        this.reset();
        for (const { server, state } of serverHealth()) this.set({ server, state }, 1);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'sallyport_server_certificate_days',
      help: 'Days until the certificate of a server ends, as the last check found it.',
      labelNames: ['server'],
      registers: [],
      collect() {
        this.reset();
        for (const { server, certificateDays } of serverHealth())
          if (certificateDays !== undefined) this.set({ server }, certificateDays);
      },
    }),
  );
  const discoveries = new Counter({
    name: 'sallyport_discoveries_total',
    help: 'Looks at what a server defines that no client asked for, by outcome: read, changed, failed, skipped.',
    labelNames: ['server', 'outcome'],
    registers: [registry],
  });
  const messages = new Counter({
    name: 'sallyport_channel_messages_total',
    help: 'Messages to people, by channel and outcome: sent, failed (tried again), dead, full.',
    labelNames: ['channel', 'outcome'],
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
  let serverStates = (): Iterable<readonly [string, boolean]> => [];
  registry.registerMetric(
    new Gauge({
      name: 'sallyport_server_up',
      help: '1 where the last call was answered, 0 where the server could not be reached or refused our credential.',
      labelNames: ['server'],
      registers: [],
      collect() {
        this.reset();
        for (const [server, isUp] of serverStates()) this.set({ server }, isUp ? 1 : 0);
      },
    }),
  );
  const tables = new Map<string, () => number>();
  registry.registerMetric(
    new Gauge({
      name: 'sallyport_table_entries',
      help: 'Entries of the tables that callers and servers fill; docs/bounds.md has their bounds.',
      labelNames: ['table'],
      registers: [],
      collect() {
        for (const [table, size] of tables) this.set({ table }, size());
      },
    }),
  );
  return {
    table: (name, size) => void tables.set(name, size),
    serversUp: (states) => {
      serverStates = states;
    },
    observe({ server, method, outcome, cause, seconds }) {
      exchanges.observe(server, method, outcome, seconds);
      if (cause !== undefined) refusals.inc({ reason: outcome, cause });
    },
    finding: ({ detector, class: kind, action, direction }) =>
      findings.inc({ detector, class: kind, action, direction }),
    discovery: (server, outcome) => discoveries.inc({ server, outcome }),
    channel: (channel, outcome) => messages.inc({ channel, outcome }),
    limit: (limit, event) => limits.inc({ limit, event }),
    breaker: (server, event) => breakerEvents.inc({ server, event }),
    openCircuits: (open) => {
      openCircuits = open;
    },
    coalesced: (server) => coalesced.inc({ server }),
    serverStatus: (all) => {
      serverStatus = all;
    },
    serverHealth: (found) => {
      serverHealth = found;
    },
    configurationLoaded: (ok) => reloads.inc({ result: ok ? 'accepted' : 'refused' }),
    text: async () => `${await registry.metrics()}${exchanges.text()}`,
    contentType: registry.contentType,
  };
}
