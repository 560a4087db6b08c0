/** Where the gateway tells people something. Adding a channel: a folder and a line in `list.ts`. */
import { z } from 'zod';
import type { PlugIn } from '../config/schema/plug-in.ts';
import { secret } from '../config/schema/units.ts';
import type { Fetch } from '../egress/fetch.ts';
import type { JsonObject } from '../protocol/json.ts';

export const messageTypes = [
  'approval.pending',
  'approval.approved',
  'approval.rejected',
  'approval.expired',
  'approval.consumed',
  'approval.withdrawn',
] as const;
export type MessageType = (typeof messageTypes)[number];

export interface Message {
  /** The same for every attempt: a receiver that has seen it drops it. */
  readonly id: string;
  readonly type: MessageType;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** One line. Texts of callers and servers in it are shown with what is hidden in them. */
  readonly title: string;
  readonly lines: readonly string[];
  /** A page of the gateway. */
  readonly link?: string;
  readonly data: JsonObject;
}

/** `isFinal`: trying again changes nothing. `problem` is for the operator. */
export type Sent = { readonly ok: true } | { readonly ok: false; readonly problem: string; readonly isFinal: boolean };

export interface Channel {
  send(message: Message): Promise<Sent>;
}

export interface ChannelParts {
  readonly fetch: Fetch;
  /** Name of the channel in the configuration. */
  readonly name: string;
  /** Secret of this gateway: what a button stands for is authenticated with it. */
  readonly buttonKey: Buffer;
}

export interface ChannelDefinition<Id extends string, Options extends z.ZodType> extends PlugIn<Id, Options> {
  open(options: z.output<Options>, parts: ChannelParts): Channel;
}

export function defineChannel<const Id extends string, Options extends z.ZodType>(
  definition: ChannelDefinition<Id, Options>,
): ChannelDefinition<Id, Options> {
  return definition;
}

/** A URL without a password, or a reference to one. */
export function addressOption(protocol: RegExp) {
  const open = z
    .url({ protocol })
    .refine((text) => new URL(text).password === '', 'holds a password: write a reference');
  return z.union([open, secret]);
}

/** Milliseconds for one attempt. */
export const attemptMs = 10_000;

/** What an answer of HTTP means: trouble of theirs may pass, a refusal does not. */
export function sentBy(answered: Awaited<ReturnType<Fetch>>): Sent {
  if (!answered.ok) return { ok: false, problem: answered.problem, isFinal: answered.refused };
  if (answered.status >= 200 && answered.status < 300) return { ok: true };
  const isFinal = answered.status >= 400 && answered.status < 500 && ![408, 425, 429].includes(answered.status);
  return { ok: false, problem: `it answered ${answered.status}`, isFinal };
}
