/**
 * A held call as a task (extension `io.modelcontextprotocol/tasks`, SEP-2663; names and states of the draft SEP-2848): a client
 * that offers the extension with its call gets a task to ask about, in place of an error.
 */
import { isObject, type JsonObject } from '../protocol/json.ts';
import type { Delivered } from './deliver.ts';
import type { Admitted, Client, Received, Reply } from './exchange.ts';
import type { Refusal } from './refusal.ts';

export const tasksExtension = 'io.modelcontextprotocol/tasks';
export const dispositionKey = 'io.modelcontextprotocol/tool-approval-disposition';

export type PendingRefusal = Extract<Refusal, { reason: 'approval-pending' }>;

/** Only a client of 2026-07-28 can offer it, with each call, and only calls of tools become tasks. */
export function takesTasks({ client, method }: Pick<Received, 'client' | 'method'>): boolean {
  return method === 'tools/call' && offersTasks(client);
}

export function offersTasks({ era, capabilities: { extensions } }: Pick<Client, 'era' | 'capabilities'>): boolean {
  return era === 'modern' && isObject(extensions) && isObject(extensions[tasksExtension]);
}

export interface Tasks {
  /** The task that stands for this call; undefined where there can be none. It is on the disk before it is answered. */
  begin(message: Received, refusal: PendingRefusal): Promise<Delivered<JsonObject> | undefined>;
  /** `tasks/get`, `tasks/update` and `tasks/cancel`. */
  answer(exchange: Admitted): Promise<Reply>;
}

/** Stands after the record, as pages do. `undefined` at once for all but held calls. */
export function asTask(
  message: Received,
  reply: Reply,
  tasks: Pick<Tasks, 'begin'>,
): Promise<Reply | undefined> | undefined {
  if (reply.kind !== 'refused' || reply.refusal.reason !== 'approval-pending' || !takesTasks(message)) return undefined;
  return tasks
    .begin(message, reply.refusal)
    .then((result) => (result === undefined ? undefined : { kind: 'result', result }));
}
