/** Looks at one server from the gateway's side: how it answers the handshake and what it lists, step by step. */
import { randomUUID } from 'node:crypto';
import type { Bounds } from '../config/schema/index.ts';
import type { ServerConfig } from '../config/schema/servers.ts';
import { guardedFetch } from '../egress/fetch.ts';
import { egressGuard } from '../egress/guard.ts';
import type { ServerIdentity } from '../pipeline/contracts/identity.ts';
import type { UpstreamFailure } from '../pipeline/contracts/upstream.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { ListKind } from '../protocol/methods.ts';
import { hideSecrets } from '../secrets/hide.ts';
import { ServerClient } from './client.ts';
import { failureText, plain } from './failures.ts';
import { GivenSecrets } from './given-secrets.ts';
import { type HealthState, stateOf } from './health.ts';
import { Server } from './server.ts';
import { Supervisor } from './stdio/supervisor.ts';

export interface ProbeStep {
  readonly step: string;
  readonly ok: boolean;
  /** Milliseconds that the step took. */
  readonly ms: number;
  readonly detail: string;
  /** What there is to say about single items of a list. */
  readonly notes?: readonly string[];
  /** Of TLS: until the certificate of the server ends. */
  readonly certificateDays?: number;
  /** Of one that failed. */
  readonly state?: HealthState;
}

/** Says what there is to say about the items of a list; empty when there is nothing. */
export type Judge = (kind: ListKind, items: readonly JsonObject[]) => readonly string[];

const silent = { debug: () => {}, info: () => {}, warn: () => {} };
const kinds: readonly ListKind[] = ['tools', 'prompts', 'resources', 'templates'];

/**
 * Connects as the gateway would, with the gateway's own credential, and leaves nothing running. `egress`: what the
 * operator opened (`egress.allow`).
 */
export interface ProbeParts {
  readonly bounds: Bounds;
  /** Addresses that are allowed beside public ones. */
  readonly egress: readonly string[];
  readonly judge: Judge;
  readonly onInstructions?: (text: string) => void;
  readonly onIdentity?: (identity: ServerIdentity) => void;
}

export async function probeServer(
  name: string,
  config: ServerConfig,
  { bounds, egress, judge, onInstructions, onIdentity }: ProbeParts,
): Promise<readonly ProbeStep[]> {
  const supervisor = new Supervisor(`probe-${randomUUID()}`);
  const guard = egressGuard(egress);
  const server = new Server(name, config, bounds, supervisor, silent, {
    fetch: guardedFetch(guard),
    guard,
    given: new GivenSecrets(),
    onIdentity,
  });
  const upstream = new ServerClient(server, {}, 'modern', bounds);
  const sweeper = setInterval(() => upstream.sweep(performance.now()), 250);
  const steps: ProbeStep[] = [];
  const timed = async (
    step: string,
    work: () => Promise<{ ok: boolean; detail: string; notes?: readonly string[]; state?: HealthState }>,
  ): Promise<boolean> => {
    const started = performance.now();
    const { ok, detail, notes = [], state } = await work();
    const ms = Math.round(performance.now() - started);
    const more = { ...(notes.length > 0 && { notes }), ...(state !== undefined && { state }) };
    steps.push({ step, ok, ms, detail, ...more });
    return ok;
  };
  try {
    const connected = await timed('handshake', async () => {
      const facts = await upstream.facts();
      if ('failure' in facts) return failed(facts.failure);
      if (facts.instructions !== undefined) onInstructions?.(hideSecrets(facts.instructions, upstream.secrets()));
      const named = typeof facts.info?.name === 'string' ? plain(facts.info.name) : 'a server without a name';
      return { ok: true, detail: `${facts.era} era, version ${facts.version}, ${named}` };
    });
    if (!connected) return steps;
    const facts = await upstream.facts();
    for (const kind of kinds) {
      const capability = kind === 'templates' ? 'resources' : kind;
      if ('failure' in facts || facts.capabilities[capability] === undefined) continue;
      await timed(kind, async () => {
        const list = await upstream.list(kind);
        return list.ok
          ? {
              ok: true,
              detail: `${list.items.length} listed`,
              notes: hideSecrets(judge(kind, hideSecrets(list.items, upstream.secrets())), upstream.secrets()),
            }
          : failed(list.failure);
      });
    }
    return steps;
  } finally {
    clearInterval(sweeper);
    await server.identified();
    await upstream.close();
    server.close();
    supervisor.close();
  }
}

function failed(failure: UpstreamFailure): {
  readonly ok: false;
  readonly detail: string;
  readonly state: HealthState;
} {
  return { ok: false, detail: failureText(failure), state: stateOf(failure) };
}
