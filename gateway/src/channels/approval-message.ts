/** What people are told of an approval. Arguments are in it only where the configuration lets them leave. */

import type { JsonObject } from '../protocol/json.ts';
import { shownInLine } from '../protocol/shown.ts';
import type { Message, MessageType } from './contract.ts';

export interface TellableApproval {
  readonly id: string;
  readonly state: string;
  readonly server: string;
  readonly name: string;
  readonly caller: string;
  readonly tier?: string;
  readonly rule?: string;
  readonly digest: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly quorum: number;
  readonly votes: readonly { readonly by: string; readonly at: number; readonly reason?: string }[];
  readonly arguments?: JsonObject;
}

const verbs: Readonly<Record<string, string>> = {
  pending: 'waits for a person',
  approved: 'is approved',
  rejected: 'is rejected',
  expired: 'has expired',
  consumed: 'was made',
  withdrawn: 'was withdrawn',
};

/** `link`: the page of the approval. `content`: arguments may leave. */
export function approvalMessage(
  approval: TellableApproval,
  { now, link, content }: { readonly now: number; readonly link: string | undefined; readonly content: boolean },
): Message {
  const { id, state, server, name, caller, tier, rule, expiresAt, votes, quorum } = approval;
  const { arguments: args, ...rest } = approval;
  const last = votes.at(-1);
  const lines = [
    `caller: ${caller}`,
    ...(tier === undefined ? [] : [`tier: ${tier}`]),
    ...(rule === undefined ? [] : [`rule: ${rule}`]),
    ...(state === 'pending'
      ? [`until: ${new Date(expiresAt).toISOString()}`, `approved by ${votes.length} of ${quorum}`]
      : []),
    ...(last === undefined ? [] : [`by: ${last.by}${last.reason === undefined ? '' : `, ${last.reason}`}`]),
    `approval: ${id}`,
    ...(content && args !== undefined ? [`arguments: ${JSON.stringify(args)}`] : []),
  ];
  return {
    // The same state of the same approval is told once.
    id: `${id}.${state}`,
    type: `approval.${state}` as MessageType,
    at: now,
    title: shownInLine(`${server}/${name} ${verbs[state] ?? state}`),
    lines: lines.map(shownInLine),
    ...(link !== undefined && { link }),
    data: {
      ...(rest as unknown as JsonObject),
      ...(link !== undefined && { link }),
      ...(content && args !== undefined && { arguments: args }),
    },
  };
}
