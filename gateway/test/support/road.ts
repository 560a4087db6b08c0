/** For tests: the whole road in this process, with a server, a record and a client that are a few lines each. */
import { randomBytes } from 'node:crypto';
import { Catalogs } from '../../src/catalog/index.ts';
import { Cancellation } from '../../src/pipeline/cancellation.ts';
import type { AuditLog, ExchangeEnd, ExchangeFacts } from '../../src/pipeline/contracts/audit.ts';
import type { Caller } from '../../src/pipeline/contracts/caller.ts';
import type { Inspector } from '../../src/pipeline/contracts/inspector.ts';
import type { Snapshot } from '../../src/pipeline/contracts/snapshot.ts';
import type {
  ListResult,
  OutboundCall,
  ServerFacts,
  Step,
  UpstreamClient,
} from '../../src/pipeline/contracts/upstream.ts';
import { deliverThrough } from '../../src/pipeline/deliver.ts';
import type { Channel, Client, Identified, Received, Reply } from '../../src/pipeline/exchange.ts';
import { inspectThrough } from '../../src/pipeline/inspect.ts';
import { refuse } from '../../src/pipeline/refusal.ts';
import { type Rights, UnderWay } from '../../src/pipeline/rights.ts';
import { run, type Stages } from '../../src/pipeline/run.ts';
import { Streams } from '../../src/pipeline/streams.ts';
import type { JsonObject } from '../../src/protocol/json.ts';
import { operationOf } from '../../src/protocol/methods.ts';
import { breakersOf } from '../../src/runtime/breakers.ts';
import { makeStages } from '../../src/runtime/road.ts';
import { createSeal } from '../../src/secrets/seal.ts';
import type { Approvals } from '../../src/stages/approve/approve.ts';
import type { ApprovalStore } from '../../src/stages/approve/store.ts';
import { createInspectionThread } from '../../src/stages/inspect/beside/inspection-thread.ts';
import type { ReportedFinding } from '../../src/stages/inspect/guardrails/guardrails.ts';
import { createPlaceholders } from '../../src/stages/inspect/guardrails/placeholders.ts';
import { inspectors as shipped } from '../../src/stages/inspect/index.ts';
import { CircuitBreaker } from '../../src/stages/limits/breaker/breaker.ts';
import type { LimitDefinition } from '../../src/stages/limits/contract.ts';
import { admission } from '../../src/stages/limits/index.ts';
import { clock } from '../../src/stages/limits/limiter/clock.ts';
import { type LimitEvent, Limiter } from '../../src/stages/limits/limiter/limiter.ts';
import type { Now } from '../../src/stages/limits/limiter/meters.ts';
import { Loops } from '../../src/stages/limits/loops/loops.ts';
import { compileLimits } from '../../src/stages/limits/rules/compile.ts';
import { maxStateLength, ParkedRequests } from '../../src/stages/resume/input-requests.ts';
import { MemoryMeters } from '../../src/state/memory/meters.ts';
import { MemoryRegistry } from '../../src/state/memory/registry.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { noPins } from './pins.ts';
import { callerOf, policyOf } from './policy.ts';

/** What a test says of the server behind the road. */
export interface ToyServer {
  readonly facts?: Partial<ServerFacts>;
  readonly tools?: readonly JsonObject[];
  readonly prompts?: readonly JsonObject[];
  readonly secrets?: readonly string[];
  readonly answer?: (call: OutboundCall) => Step | Promise<Step>;
}

/** What stands in the record for one exchange. */
export interface Recorded {
  readonly facts: ExchangeFacts;
  readonly end: ExchangeEnd | undefined;
}

export interface Road {
  readonly snapshot: Snapshot;
  readonly stages: Stages;
  readonly findings: readonly ReportedFinding[];
  readonly limitEvents: readonly LimitEvent[];
  /** Every call that the server got. */
  readonly calls: readonly OutboundCall[];
  /** Ends of exchanges, in their order. */
  readonly records: readonly Recorded[];
  /** What the record holds of an exchange before its end. */
  readonly intents: readonly ExchangeFacts[];
  send(request: ToyRequest): Promise<ToyAnswer>;
  /** A call of the caller of `send`, as it is when it was not looked at yet. */
  identified(): Identified;
  /** From here on this snapshot is in force. */
  take(snapshot: Snapshot): void;
}

export interface ToyRequest {
  readonly method?: string;
  readonly params?: JsonObject;
  readonly caller?: Caller;
  readonly client?: Partial<Client>;
  readonly requestInput?: Channel['requestInput'];
  readonly cancellation?: Cancellation;
  readonly received?: Partial<Received>;
}

export interface ToyAnswer {
  readonly reply: Reply;
  /** Notifications that reached the client before the reply. */
  readonly told: readonly { readonly method: string; readonly params: JsonObject }[];
}

export interface RoadOptions {
  readonly server?: ToyServer;
  /** YAML: more keys of the server, and of the configuration. */
  readonly serverSettings?: string;
  readonly settings?: string;
  readonly inspectors?: readonly Inspector[];
  /** What limits of the configuration go by. */
  readonly now?: () => Now;
  /** In place of those that ship. */
  readonly limits?: readonly LimitDefinition[];
  /** Without it, what a rule holds is refused. */
  readonly approvalStore?: () => ApprovalStore;
  readonly approvals?: (rights: Rights) => Approvals;
  /** What the record does in place of keeping: throws or rejects. */
  readonly audit?: Partial<AuditLog>;
}

export const result = (content: JsonObject): Step => ({ kind: 'result', result: content, bytes: 100 });

const echo: JsonObject = { name: 'echo', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } };

/** `connections`: YAML as in a configuration; there is one server `s`, and the callers are agents `a` and `b`. */
export async function roadOf(connections: string, options: RoadOptions = {}): Promise<Road> {
  const {
    server = {},
    serverSettings = '',
    settings = '',
    inspectors = [],
    audit = {},
    limits,
    now = clock(),
  } = options;
  const { policy, revision } = await policyOf(`version: 1
callers: { agents: { a: { roles: [r] }, b: {} } }
servers:
  s:
    url: "http://127.0.0.1:1"
  ${serverSettings}
${settings}
connections:
${connections.replace(/^/gm, '  ')}
`);
  const { bounds, servers } = revision.configuration;
  const calls: OutboundCall[] = [];
  const upstream = toyUpstream(server, calls);
  const findings: ReportedFinding[] = [];
  const parts = {
    fingerprintKey: Buffer.alloc(32, 7),
    placeholders: createPlaceholders(Buffer.alloc(64, 7)),
    guardrailsOf: (name: string) => policy.guardrailsOf(name),
    thread: createInspectionThread(),
    onFinding: (finding: ReportedFinding) => void findings.push(finding),
  };
  const all = [...shipped(parts), ...inspectors];
  const [deliver, inspect] = [deliverThrough(all), inspectThrough(all)];
  const log = createLog('silent');
  const catalogs = new Catalogs({ log, events: { onTool: () => {}, onReport: () => {} }, deliver, pins: noPins });
  const configOf = (name: string) => (Object.hasOwn(servers, name) ? servers[name] : undefined);
  const breaker = new CircuitBreaker({ onEvent: () => {}, onRefused: () => {} });
  breaker.configure(breakersOf(revision.configuration));
  const snapshot: Snapshot = {
    revision: revision.digest,
    bounds,
    policy,
    limits: compileLimits(revision),
    upstreams: { client: () => upstream },
    breaker,
    statusOf: (name) => configOf(name)?.status,
    switched: () => undefined,
    catalog: (name, of) => catalogs.of(of, configOf(name) ?? Object.values(servers)[0] ?? fail(), bounds),
  };
  let current = snapshot;
  const rights: Rights = { snapshot: () => current, renew: (caller) => caller, underWay: new UnderWay() };
  const streams = new Streams();
  const limitEvents: LimitEvent[] = [];
  const meters = new MemoryMeters({ maxKeys: 1_000 });
  const limiter = new Limiter({ meters, now, onEvent: (event) => void limitEvents.push(event) });
  const [records, intents]: [Recorded[], ExchangeFacts[]] = [[], []];
  const approvals: Parameters<typeof makeStages>[0]['approvals'] = options.approvals?.(rights) ?? {
    approve: () => Promise.resolve(refuse({ reason: 'held', detail: 'no approvals here' })),
    giveBack: () => {},
  };
  const stages = makeStages({
    limit: admission(limits),
    limiter,
    loops: new Loops({ now: () => now().steady, onLoop: () => {} }),
    audit: {
      intend: (facts) => void intents.push(facts),
      end: (facts, end) => void records.push({ facts, end }),
      asked: () => {},
      rejected: () => {},
      note: () => {},
      record: () => Promise.resolve(),
      health: () => ({ ok: true }),
      close: () => Promise.resolve(),
      ...audit,
    },
    log,
    metrics: createMetrics(() => 0),
    inputRequests: new ParkedRequests(createSeal(randomBytes(32), 'input-request', maxStateLength)),
    streams,
    rights,
    saw: () => {},
    deliver,
    inspect,
    approvals,
    tasks: {
      registry: new MemoryRegistry<string>({
        maxEntries: 100,
        maxOfOwner: 50,
        lifetimeMs: 86_400_000,
        whenFull: 'refuse',
      }),
      seal: createSeal(randomBytes(32), 'task', 1_000_000),
      settle: settled,
      store: options.approvalStore?.() ?? {
        get: () => undefined,
        wait: () => {},
        stopWaiting: () => {},
        giveUp: settled,
      },
      onWithdrawn: () => Promise.resolve(),
    },
  });
  return {
    snapshot,
    stages,
    findings,
    limitEvents,
    calls,
    records,
    intents,
    take: (next) => {
      current = next;
    },
    identified: () => ({ ...receivedOf({}, { notify: () => {} }), caller: callerOf({ agent: 'a', roles: ['r'] }) }),
    async send(request) {
      const told: { method: string; params: JsonObject }[] = [];
      const notify: Channel['notify'] = (method, params) => void told.push({ method, params });
      const channel = request.requestInput === undefined ? { notify } : { notify, requestInput: request.requestInput };
      return { reply: await run(receivedOf(request, channel), current, stages), told };
    },
  };
}

function settled() {
  return Promise.resolve({ ok: true } as const);
}

function fail(): never {
  throw new Error('the configuration has no server');
}

function toyUpstream(server: ToyServer, calls: OutboundCall[]): UpstreamClient {
  const facts: ServerFacts = {
    era: 'modern',
    version: '2026-07-28',
    capabilities: { tools: {}, resources: {}, prompts: {} },
    ...server.facts,
  };
  return {
    server: 's',
    hasAccounts: false,
    isUntried: false,
    facts: () => facts,
    call: async (call) => {
      calls.push(call);
      return (await server.answer?.(call)) ?? result({ content: [{ type: 'text', text: 'done' }] });
    },
    list: async (kind): Promise<ListResult> => ({
      ok: true,
      items: kind === 'tools' ? (server.tools ?? [echo]) : ((kind === 'prompts' ? server.prompts : undefined) ?? []),
    }),
    secrets: () => server.secrets ?? [],
    hearing: undefined,
    watch: () => () => {},
    onNotification: () => () => {},
    hold: () => () => {},
    setLevel: () => {},
  };
}

let lastId = 0;

function receivedOf(request: ToyRequest, channel: Channel): Received {
  const { method = 'tools/call', params = { name: 'echo', arguments: { text: 'hi' } }, client } = request;
  return {
    id: `id-${++lastId}`,
    at: Date.now(),
    started: performance.now(),
    transport: 'http',
    address: undefined,
    identity: { ok: true, value: request.caller ?? callerOf({ agent: 'a', roles: ['r'] }) },
    endpoint: { kind: 'server', server: 's' },
    client: { era: 'modern', version: '2026-07-28', capabilities: {}, ...client },
    requestId: 1,
    operation: operationOf(client?.era ?? 'modern', method) ?? 'local',
    method,
    params,
    rawNumbers: false,
    headers: undefined,
    bytesIn: 10,
    cancellation: request.cancellation ?? new Cancellation(),
    channel,
    ...request.received,
  };
}
