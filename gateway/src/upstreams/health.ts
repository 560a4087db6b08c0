/** One look at a server, step by step, over connections of its own: what state it is in, and why. */

import type { HealthConfig } from '../config/schema/health.ts';
import type { Bounds } from '../config/schema/index.ts';
import { Cancellation } from '../pipeline/cancellation.ts';
import type { Step, UpstreamFailure } from '../pipeline/contracts/upstream.ts';
import type { ListKind } from '../protocol/methods.ts';
import { hideSecrets } from '../secrets/hide.ts';
import { inBackground } from '../telemetry/background.ts';
import { ServerClient } from './client.ts';
import { failureText, plain } from './failures.ts';
import { ownCall } from './own-call.ts';
import type { ProbeStep } from './probe.ts';
import { probeNetwork } from './probe-network.ts';
import type { Server } from './server.ts';

export const healthStates = ['healthy', 'degraded', 'unauthorised', 'unreachable', 'misbehaving', 'unknown'] as const;
export type HealthState = (typeof healthStates)[number];

export interface Checked {
  readonly state: HealthState;
  /** Absent for one that is healthy. */
  readonly why?: string;
  readonly steps: readonly ProbeStep[];
  /** Until the certificate of the server ends. */
  readonly certificateDays?: number;
}

/** A certificate that ends within so many days is a reason to say so. */
const soonDays = 14;
const kinds: readonly ListKind[] = ['tools', 'prompts', 'resources', 'templates'];

/** What a failure says of the server. */
export function stateOf(failure: UpstreamFailure): HealthState {
  switch (failure.kind) {
    case 'unavailable': {
      const { status, fault } = failure;
      if (status === 401 || status === 403) return 'unauthorised';
      if (status !== undefined) return status === 429 ? 'degraded' : 'misbehaving';
      return fault === 'none' ? 'degraded' : 'unreachable';
    }
    case 'timeout':
      return 'unreachable';
    case 'misbehaved':
    case 'too-large':
      return 'misbehaving';
    case 'account-required':
      return 'healthy';
    case 'cancelled':
      return 'unknown';
  }
}

export interface CheckParts {
  readonly bounds: Bounds;
  readonly health: Pick<HealthConfig, 'canary' | 'timeout'>;
}

/** Calls and connections of others are left as they are; a credential that is refused is so for them as well. */
export async function checkServer(server: Server, { bounds, health }: CheckParts): Promise<Checked> {
  const until = performance.now() + health.timeout;
  const { config } = server;
  const network = 'url' in config ? await probeNetwork(config, Math.min(bounds.connectTimeout, health.timeout)) : [];
  const days = network.find(({ certificateDays }) => certificateDays !== undefined)?.certificateDays;
  const certificate = days === undefined ? {} : { certificateDays: days };
  const broken = network.find(({ ok }) => !ok);
  if (broken !== undefined)
    return { state: 'unreachable', why: `${broken.step}: ${broken.detail}`, steps: network, ...certificate };
  const upstream = new ServerClient(server, {}, 'modern', bounds);
  const sweeper = setInterval(() => upstream.sweep(performance.now()), 250);
  const { promise: over, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), Math.max(1, until - performance.now()));
  const steps: ProbeStep[] = [];
  try {
    const { isOfCallers = false } = server.credentials ?? {};
    const asking = { canary: health.canary, isOfCallers, hasCredential: server.credentials?.isEmpty === false };
    const asked = await Promise.race([ask(upstream, asking, steps), over]);
    const all = [...network, ...steps];
    if (asked === 'late') return { ...tooLate(steps, health.timeout), steps: all, ...certificate };
    if (asked !== undefined) return { ...asked, steps: all, ...certificate };
    const soon = days !== undefined && days < soonDays ? `its certificate ends in ${days} days` : undefined;
    const standby = server.credentials?.isOnStandby === true ? 'the standby credential is presented' : undefined;
    const why = [soon, standby].filter((each) => each !== undefined).join('; ');
    return { ...(why === '' ? { state: 'healthy' } : { state: 'degraded', why }), steps: all, ...certificate };
  } finally {
    clearTimeout(timer);
    clearInterval(sweeper);
    // What hangs is given up without being waited for.
    inBackground('end health check', upstream.close());
  }
}

/** A server that greeted is there, however slow it is after that. */
function tooLate(steps: readonly ProbeStep[], timeoutMs: number): Worst {
  const last = steps.at(-1)?.step;
  const why = `not done within ${timeoutMs} ms: nothing after ${last ?? 'the connection'}`;
  return { state: last === undefined ? 'unreachable' : 'degraded', why };
}

interface Worst {
  readonly state: HealthState;
  readonly why: string;
}

interface Looked {
  readonly ok: boolean;
  readonly detail: string;
  readonly state?: HealthState;
}

interface Asking {
  readonly canary: HealthConfig['canary'];
  readonly isOfCallers: boolean;
  readonly hasCredential: boolean;
}

/** Stops after the first step that fails: what follows would only say it again. Says what is wrong, if anything is. */
async function ask(
  upstream: ServerClient,
  { canary, isOfCallers, hasCredential }: Asking,
  steps: ProbeStep[],
): Promise<Worst | undefined> {
  const timed = async (step: string, work: () => Promise<Looked>): Promise<Worst | undefined> => {
    const started = performance.now();
    const { ok, detail, state = 'healthy' } = await work();
    // Whatever was asked first: what failed is this.
    const name = state === 'unauthorised' ? 'authentication' : step;
    steps.push({ step: name, ok, ms: Math.round(performance.now() - started), detail });
    return state === 'healthy' ? undefined : { state, why: `${name}: ${detail}` };
  };
  const greeting = upstream.facts();
  const greeted = await timed('handshake', async () => {
    const facts = await greeting;
    if ('failure' in facts) return isOfCallers ? notOurs(facts.failure) : failed(facts.failure);
    return { ok: true, detail: `${facts.era} era, version ${facts.version}` };
  });
  const facts = await greeting;
  if (greeted !== undefined || 'failure' in facts) return greeted;
  for (const kind of kinds) {
    if (facts.capabilities[kind === 'templates' ? 'resources' : kind] === undefined) continue;
    const wrong = await timed(kind, async () => {
      const list = await upstream.list(kind);
      return list.ok ? { ok: true, detail: `${list.items.length} listed` } : failedLater(list.failure);
    });
    if (wrong !== undefined) return wrong;
  }
  if (hasCredential) steps.push({ step: 'authentication', ok: true, ms: 0, detail: 'the credential was taken' });
  if (canary === undefined) return undefined;
  return timed('canary', async () =>
    judged(await upstream.call(canaryCall(canary)), (text) => hideSecrets(text, upstream.secrets())),
  );
}

function canaryCall({ tool, arguments: args }: NonNullable<HealthConfig['canary']>) {
  const call = ownCall('tools/call', { name: tool, arguments: args }, new Cancellation());
  return { ...call, tier: 'read' as const, isSafe: true };
}

function judged(step: Step, shown: (text: string) => string): Looked {
  switch (step.kind) {
    case 'result':
      return step.result.isError === true
        ? { ok: false, detail: 'the tool answered with an error', state: 'degraded' }
        : { ok: true, detail: 'answered' };
    case 'error':
      return { ok: false, detail: plain(shown(`error ${step.error.code}: ${step.error.message}`)), state: 'degraded' };
    case 'failed':
      return failedLater(step.failure);
    case 'input-required':
      step.abandon();
      return { ok: false, detail: 'it asks for input', state: 'degraded' };
  }
}

/** Callers have credentials of their own, and the gateway has none to present: the server is there, and no more is known. */
function notOurs(failure: UpstreamFailure): Looked {
  const isUnasked = failure.kind === 'account-required' || ('fault' in failure && failure.fault === 'none');
  const state = stateOf(failure);
  if (!isUnasked && state !== 'unauthorised') return { ok: false, detail: failureText(failure), state };
  return { ok: true, detail: `not checked, as callers have credentials of their own: ${failureText(failure)}` };
}

function failed(failure: UpstreamFailure): Looked {
  return { ok: false, detail: failureText(failure), state: stateOf(failure) };
}

/** The server is there: what it does not answer now it may answer later. */
function failedLater(failure: UpstreamFailure): Looked {
  const state = stateOf(failure);
  return { ok: false, detail: failureText(failure), state: state === 'unreachable' ? 'degraded' : state };
}

/** Programs that run already: the first that answers stands for all. */
export async function checkRunning(clients: Iterable<ServerClient>): Promise<Checked | undefined> {
  let worst: Checked | undefined;
  for (const client of clients) {
    const started = performance.now();
    const asking = client.ping();
    if (asking === undefined) continue;
    const step = await asking;
    const looked = step.kind === 'failed' ? failedLater(step.failure) : { ok: true, detail: 'answered' };
    const steps = [{ step: 'ping', ok: looked.ok, ms: Math.round(performance.now() - started), detail: looked.detail }];
    if (looked.ok) return { state: 'healthy', steps };
    worst = { state: looked.state ?? 'degraded', why: `ping: ${looked.detail}`, steps };
  }
  return worst;
}
