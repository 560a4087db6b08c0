/** What operators use: the admin API and the pages, put together from what the gateway has open. */
import type { RequestListener } from 'node:http';
import type { AppParts } from '../admin/app.ts';
import { ApprovalFeed } from '../admin/approval-feed.ts';
import type { Connections } from '../listeners/http/connections.ts';
import { SignIn } from '../operators/sign-in.ts';
import type { OperatorStore } from '../operators/store.ts';
import { createSeal, derivedKey } from '../secrets/seal.ts';
import { Throttle } from '../stages/authenticate/throttle.ts';
import { onDemand } from './on-demand.ts';
import type { Opened } from './open.ts';

export interface OperatorAppOptions {
  readonly publicUrl: string | undefined;
  readonly isSecure: boolean;
  readonly connections: Connections;
}

export function operatorApp(
  opened: Opened & { ok: true },
  { publicUrl, isSecure, connections }: OperatorAppOptions,
): RequestListener {
  const { gateway, audit, approvals, operators, history, masterKey, log } = opened;
  const throttle = new Throttle();
  const feed = new ApprovalFeed(approvals);
  gateway.onApprovals(() => feed.look());
  gateway.plane.metrics.table('operator_failures', () => throttle.size);
  const note = audit.note.bind(audit);
  const parts: AppParts = {
    operators,
    approvals,
    feed,
    note,
    history: (question) => history?.ask(question) ?? Promise.resolve(undefined),
    signIns: () => gateway.plane.snapshot.signIns,
    problems: () => opened.problems(),
    publicUrl,
    isSecure,
    mayConnect({ incoming, outgoing }, operator) {
      if (connections.known(incoming.socket, operator)) return true;
      if ('shouldKeepAlive' in outgoing) outgoing.shouldKeepAlive = false;
      return false;
    },
    throttle,
    signIn: new SignIn({
      store: operators,
      throttle,
      note,
      groupRoles: () => gateway.plane.revision.configuration.console.groups,
    }),
    seal: createSeal(masterKey, 'operator-form'),
    onDecided: () => gateway.approvalDecided(),
    onBug: (error) => log.error({ err: error }, 'bug: please report it'),
    table: gateway.plane.metrics.table,
    buttonKey: derivedKey(masterKey, 'slack-button'),
    slackButtons(channel) {
      const { channels } = gateway.plane.revision.configuration;
      const found = Object.hasOwn(channels, channel) ? channels[channel] : undefined;
      const buttons = found?.slack?.buttons;
      return buttons === undefined ? undefined : { ...buttons, servers: found?.servers };
    },
  };
  // With the libraries that they need, the pages and the API take 10 MiB.
  return onDemand({ load: async () => (await import('../admin/app.ts')).createApp(parts), onBug: parts.onBug });
}

/** The one-time link that makes the first administrator; undefined where there is one. */
export function firstAdministrator(operators: OperatorStore, base: string): string | undefined {
  const isThere = operators.list().some(({ role, revokedAt }) => role === 'administrator' && revokedAt === undefined);
  if (isThere) return undefined;
  const link = operators.sessions.link({ role: 'administrator' }, Date.now());
  return link === undefined ? undefined : `${base}/join/${link.text}`;
}
