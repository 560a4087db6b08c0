/** What the admin API and the pages of operators work with, and what they know of a request. */
import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { type RelyingParty, relyingPartyOf } from '../operators/passkeys.ts';
import type { Principal } from '../operators/principal.ts';
import type { SignIn } from '../operators/sign-in.ts';
import type { OperatorStore } from '../operators/store.ts';
import type { AuditEvent } from '../pipeline/contracts/audit.ts';
import type { AskHistory } from '../pipeline/contracts/history.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { Seal } from '../protocol/seal.ts';
import type { ApprovalStore } from '../stages/approve/store.ts';
import type { ApprovalFeed } from './approval-feed.ts';

export interface AdminParts {
  readonly operators: OperatorStore;
  readonly approvals: ApprovalStore;
  readonly signIn: SignIn;
  readonly feed: ApprovalFeed;
  /** For what a form carries along. */
  readonly seal: Seal;
  readonly note: (event: AuditEvent) => void;
  /** Told of each operator that was identified on a connection. False: it has its share, and the connection ends with the answer. */
  readonly mayConnect: (on: HttpBindings, operator: string) => boolean;
  /** Answers nothing where nothing is recorded. */
  readonly history: AskHistory;
  /** An approval was decided: calls that wait look again, and other processes are told. */
  readonly onDecided: () => void;
  /** Reasons for not being ready; empty when ready. */
  readonly problems: () => readonly string[];
  /** The URL under which operators reach the listener, where that is not what it listens on. */
  readonly publicUrl: string | undefined;
}

export interface AdminEnv {
  Bindings: HttpBindings;
  Variables: { principal: Principal };
}

export type AdminRequest = Context<AdminEnv>;
export type AdminStep = MiddlewareHandler<AdminEnv>;

export function addressOf({ env }: AdminRequest): string | undefined {
  return env.incoming.socket.remoteAddress;
}

/** Where this request came to. The listener has checked its Host. */
export function baseOf(request: AdminRequest, { publicUrl }: Pick<AdminParts, 'publicUrl'>): string {
  const { incoming } = request.env;
  const scheme = 'encrypted' in incoming.socket ? 'https' : 'http';
  return publicUrl ?? `${scheme}://${incoming.headers.host ?? 'localhost'}`;
}

export function partyOf(request: AdminRequest, parts: Pick<AdminParts, 'publicUrl'>): RelyingParty {
  return relyingPartyOf(baseOf(request, parts));
}

/**
 * Did the page of another site send it? Browsers say so of every request, and no script can change it (Fetch Metadata);
 * older ones name the origin of whatever changes something.
 */
export function isCrossSite(request: AdminRequest, parts: Pick<AdminParts, 'publicUrl'>): boolean {
  const site = request.req.header('sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin';
  return request.req.header('origin') !== new URL(baseOf(request, parts)).origin;
}

/** A record of what an operator did. */
export function noteBy(
  request: AdminRequest,
  { note }: Pick<AdminParts, 'note'>,
  { kind, detail }: { readonly kind: AuditEvent['kind']; readonly detail: JsonObject },
): void {
  const principal = request.get('principal');
  const address = addressOf(request);
  note({
    kind,
    at: Date.now(),
    detail: { by: `operator:${principal.operator.name}`, via: principal.via.kind, ...detail },
    ...(address !== undefined && { address }),
  });
}
