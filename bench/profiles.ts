/** The configurations of the gateway that are measured side by side, each adding one thing to the one before it. */
import type { Settings } from '../e2e/harness.ts';
import { callTools, type Kind } from './catalogue.ts';

export interface Profile {
  readonly name: string;
  readonly adds: string;
  readonly kind: Kind;
  readonly keyed: boolean;
  readonly settings: (upstream: string) => Settings;
}

const agent = 'bench';

/** Enough for 256 connections and 10,000 streams of one caller. */
export const wideBounds = { concurrency: 100_000, streams: 100_000 };

const open = callTools.filter((tool) => tool.name.startsWith('open_')).map((tool) => tool.name);

function server(url: string, more: object = {}): object {
  return {
    url,
    era: 'modern',
    connections: 256,
    // The schema of an `open` tool names no argument, and arguments that are not named are refused otherwise.
    tools: Object.fromEntries(open.map((name) => [name, { additionalArguments: true }])),
    ...more,
  };
}

export function benchSettings(options: {
  readonly url: string;
  readonly keyed: boolean;
  readonly rules: readonly object[];
  readonly more?: Settings;
  /** Of the server. */
  readonly server?: object;
}): Settings {
  return {
    bounds: wideBounds,
    ...(options.keyed ? {} : { authentication: { anonymous: { agent } } }),
    callers: { agents: { [agent]: {} } },
    servers: { bench: server(options.url, options.server) },
    connections: [{ name: 'bench', from: { agent }, to: 'bench', tools: options.rules }],
    audit: { enabled: false },
    ...options.more,
  };
}

const everything = [{ allow: '*' }];
export const conditional = [
  { allow: '*', when: 'args.table == "projects" && args.limit <= 100' },
  { deny: ['drop_*', 'delete_*'] },
];

/** A rate, a budget and calls under way, all of them so wide that none refuses. */
export const threeLimits = [
  { per: 'caller', rate: '100000000/s' },
  { per: ['agent', 'tool'], calls: '100000000/day' },
  { per: 'server', concurrency: 10_000 },
];

/** As most calls do: their intent need not be durable before they leave. */
const reading = Object.fromEntries(callTools.map(({ name }) => [name, { tier: 'read' }]));

const roledTools = Object.fromEntries(
  callTools.map(({ name }) => [
    name,
    {
      tier: 'read',
      arguments: {
        table: { role: 'identifier' },
        '/columns/*': { role: 'identifier' },
        limit: { role: 'limit', max: 100, clamp: true },
      },
    },
  ]),
);

/** P0 to P3 keep no records, so that P4 shows what records cost: everything of the default settings. */
export const durableRecords: Settings | undefined = { audit: {} };

/** P0 with the HTTP client to fall back to, so that each run shows what our own one is worth. */
export const fallback: Profile = {
  name: 'P0u',
  adds: 'pass-through with undici',
  kind: 'open',
  keyed: false,
  settings: (url) => benchSettings({ url, keyed: false, rules: everything, server: { httpClient: 'undici' } }),
};

export const profiles: readonly Profile[] = [
  {
    name: 'P0',
    adds: 'pass-through',
    kind: 'open',
    keyed: false,
    settings: (url) => benchSettings({ url, keyed: false, rules: everything }),
  },
  {
    name: 'P1',
    adds: 'API key',
    kind: 'open',
    keyed: true,
    settings: (url) => benchSettings({ url, keyed: true, rules: everything }),
  },
  {
    name: 'P2',
    adds: 'policy with an argument condition',
    kind: 'open',
    keyed: true,
    settings: (url) => benchSettings({ url, keyed: true, rules: conditional }),
  },
  {
    name: 'P3',
    adds: 'schema validation',
    kind: 'strict',
    keyed: true,
    settings: (url) => benchSettings({ url, keyed: true, rules: conditional }),
  },
  {
    name: 'P3l',
    adds: 'three limits that apply',
    kind: 'strict',
    keyed: true,
    settings: (url) => benchSettings({ url, keyed: true, rules: conditional, more: { limits: threeLimits } }),
  },
  ...(durableRecords === undefined
    ? []
    : [
        {
          name: 'P4',
          adds: 'durable records of calls that read',
          kind: 'strict' as const,
          keyed: true,
          settings: (url: string) =>
            benchSettings({ url, keyed: true, rules: conditional, server: { tools: reading }, more: durableRecords }),
        },
        {
          name: 'P4w',
          adds: 'durable records of calls that write',
          kind: 'strict' as const,
          keyed: true,
          settings: (url: string) => benchSettings({ url, keyed: true, rules: conditional, more: durableRecords }),
        },
        {
          name: 'P5',
          adds: 'guardrails on both ways',
          kind: 'strict' as const,
          keyed: true,
          settings: (url: string) =>
            benchSettings({
              url,
              keyed: true,
              rules: conditional,
              server: { tools: reading },
              more: { ...durableRecords, inspection: { guardrails: 'recommended' } },
            }),
        },
        {
          name: 'P6',
          adds: 'masks, placeholders, roles of arguments',
          kind: 'strict' as const,
          keyed: true,
          settings: (url: string) =>
            benchSettings({
              url,
              keyed: true,
              rules: [{ ...conditional[0], mask: '/budget', maskText: 'keep' }, ...conditional.slice(1)],
              server: { guardrails: { response: { pii: 'replace' } }, tools: roledTools },
              more: { ...durableRecords, inspection: { guardrails: 'recommended' } },
            }),
        },
      ]),
];
