/**
 * Tasks of held calls. A task is the call as it came, bound to its caller and endpoint; it is made once its approval is there, when
 * its client asks, on the whole road and by the rights of that moment. The approval is spent in one atomic step, so the
 * call is made once, whatever asks at the same time.
 */
import { randomBytes } from 'node:crypto';
import { Cancellation } from '../../pipeline/cancellation.ts';
import { ownWords } from '../../pipeline/deliver.ts';
import type { Admitted, Received, Reply } from '../../pipeline/exchange.ts';
import type { Refusal } from '../../pipeline/refusal.ts';
import { dispositionKey, offersTasks, type Tasks, tasksExtension } from '../../pipeline/tasks.ts';
import { toWire } from '../../pipeline/wire-error.ts';
import { isObject, type Json, type JsonObject } from '../../protocol/json.ts';
import type { RpcError } from '../../protocol/jsonrpc.ts';
import type { Seal } from '../../protocol/seal.ts';
import type { Local } from '../../state/contract/later.ts';
import type { Registry } from '../../state/contract/registry.ts';
import type { Settled } from '../../stores/sqlite/journal.ts';
import type { Approval, ApprovalStore } from './store.ts';

export const taskBounds = {
  tasks: 10_000,
  ofOne: 50,
  /** Milliseconds for which a task is kept. */
  lifetimeMs: 24 * 3_600_000,
  pollMs: 5_000,
  /** Characters of one task, sealed. */
  content: 2_097_152,
} as const;

type Disposition = 'approved-executed' | 'denied-not-executed' | 'execution-error' | 'outcome-unknown';

interface Outcome {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly result?: JsonObject;
  readonly error?: RpcError;
  readonly disposition?: Disposition;
}

interface Task {
  readonly endpoint: string;
  readonly params: JsonObject;
  readonly approval: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** What the server asks before it goes on (2026-07-28, MRTR). */
  readonly asked?: { readonly inputRequests: JsonObject; readonly requestState?: string };
  /**
   * `answered`: the client gave what the server asked for, so the call goes on. `under-way`: it is being made; found so by
   * another process, or after a restart, nothing says how it ended.
   */
  readonly step?: 'answered' | 'under-way';
  readonly outcome?: Outcome;
}

export interface TasksParts {
  /** Sealed tasks. */
  readonly registry: Local<Registry<string>>;
  /** Answers when everything that was written is on the disk. */
  readonly settle: () => Promise<Settled>;
  readonly seal: Seal;
  readonly store: Pick<ApprovalStore, 'get' | 'wait' | 'giveUp'>;
  /** Takes the call through the whole road again. */
  readonly again: (message: Received) => Promise<Reply>;
  readonly newId: () => string;
  /** An approval was withdrawn. */
  readonly onWithdrawn: () => Promise<void>;
}

const unknownTask: Refusal = { reason: 'bad-params', problem: 'there is no such task' };

export function createTasks({ registry, settle, seal, store, again, newId, onWithdrawn }: TasksParts): Tasks {
  /** Tasks that are being made, by id: of all that ask at the same time one makes it. */
  const making = new Map<string, Promise<Task>>();

  function read(id: unknown, { caller, endpoint }: Pick<Admitted, 'caller' | 'endpoint'>): Task | undefined {
    const entry = typeof id === 'string' ? registry.get(id, Date.now()) : undefined;
    if (entry === undefined || entry.owner !== caller.key) return undefined;
    const task = seal.open(entry.value) as unknown as Task | undefined;
    return task?.endpoint === JSON.stringify(endpoint) ? task : undefined;
  }

  /** False where it cannot be kept. It is on the disk with the next `settle`. */
  function write(id: string, owner: string, task: Task): boolean {
    const value = seal.close(task as unknown as Json);
    // A longer one would not be opened.
    if (value.length > taskBounds.content) return false;
    return registry.put({ key: id, owner, value, expiresAt: task.createdAt + taskBounds.lifetimeMs }, Date.now()).ok;
  }

  /** Where the task is now, after whatever can be done was done. */
  async function advance(id: string, exchange: Admitted, task: Task): Promise<Task> {
    if (task.outcome !== undefined || task.asked !== undefined) return task;
    const approval = store.get(task.approval, Date.now());
    if (approval?.state === 'pending') return task;
    const running = making.get(id);
    if (running !== undefined) return running;
    const begun = make(id, exchange, { task, approval }).finally(() => making.delete(id));
    making.set(id, begun);
    return begun;
  }

  async function make(
    id: string,
    exchange: Admitted,
    { task, approval }: { readonly task: Task; readonly approval: Approval | undefined },
  ): Promise<Task> {
    const updatedAt = Date.now();
    const { step, ...rest } = task;
    const next: Task = { ...rest, updatedAt };
    // What it was about is not needed any more.
    const after = (outcome: Outcome): Task => ({ ...next, params: {}, outcome });
    let made: Task | undefined;
    // What was spent by an attempt whose end was not seen may have been made. An answered one was, to the server's question.
    if (step === 'under-way' || (approval?.state === 'consumed' && step !== 'answered'))
      made = after(
        told(
          'The end of the call was not seen: it may have been made. Find out before it is made again',
          'outcome-unknown',
        ),
      );
    else if (step === 'answered') made = await called(id, exchange, next);
    else if (approval?.state === 'rejected') {
      const reason = approval.votes.at(-1)?.reason;
      const refusal = {
        reason: 'approval-rejected',
        id: task.approval,
        ...(reason !== undefined && { message: reason }),
      } as const;
      made = after(
        told(toWire(refusal, { era: 'modern', reference: exchange.id }).error.message, 'denied-not-executed'),
      );
    } else if (approval?.state !== 'approved')
      made = after(told('The approval of this call is over, and it was not made', 'denied-not-executed'));
    else made = await called(id, exchange, next);
    return kept(id, exchange.caller.key, made ?? task);
  }

  /** Writes how it ended, without the result where that is too long: a task that is gone could be taken for one not made. */
  async function kept(id: string, owner: string, task: Task): Promise<Task> {
    const whole = write(id, owner, task) ? task : shortened(id, owner, task);
    // The end of a call is told also where the disk fails: as it was written, it is `under-way` there, and not made again.
    await settle();
    return whole;
  }

  function shortened(id: string, owner: string, task: Task): Task {
    const { asked, ...rest } = task;
    const outcome =
      asked === undefined
        ? told(
            'outcome: the call was made, its result is too large to be kept',
            task.outcome?.disposition ?? 'approved-executed',
          )
        : told('outcome: the server asks for input that is too large to be kept', 'execution-error');
    const short = { ...rest, params: {}, outcome };
    write(id, owner, short);
    return short;
  }

  /** Undefined where nothing was begun. */
  async function called(id: string, exchange: Admitted, task: Task): Promise<Task | undefined> {
    // An approval that can be used again would not tell that this call was made.
    if (!write(id, exchange.caller.key, { ...task, step: 'under-way' }))
      return { ...task, params: {}, outcome: told('The call cannot be kept, and was not made', 'denied-not-executed') };
    // Nothing was spent yet: it is tried again when its client asks again.
    if (!(await settle()).ok) return undefined;
    const { checks: _checks, caller: _caller, ...received } = exchange;
    const { params } = task;
    const reply = await again({
      ...received,
      id: newId(),
      at: Date.now(),
      started: performance.now(),
      operation: 'call',
      method: 'tools/call',
      params,
      rawNumbers: false,
      headers: undefined,
      bytesIn: JSON.stringify(params).length,
      // It goes on when its client hangs up: the next time that it asks it is told the end.
      cancellation: new Cancellation(),
      channel: { notify: () => {} },
    });
    if (reply.kind === 'refused' && reply.refusal.reason === 'approval-pending') {
      store.wait(reply.refusal.id, id, task.createdAt + taskBounds.lifetimeMs);
      return { ...task, approval: reply.refusal.id };
    }
    const end = ended(reply, exchange.id);
    return { ...task, ...(end.outcome !== undefined && { params: {} }), ...end };
  }

  return {
    async begin(message, refusal) {
      if (!message.identity.ok || message.rawNumbers) return undefined;
      const now = Date.now();
      const id = randomBytes(24).toString('base64url');
      const { endpoint, params, identity } = message;
      const task: Task = {
        endpoint: JSON.stringify(endpoint),
        params,
        approval: refusal.id,
        createdAt: now,
        updatedAt: now,
      };
      const isWritten = write(id, identity.value.key, task);
      if (isWritten) store.wait(refusal.id, id, now + taskBounds.lifetimeMs);
      return isWritten && (await settle()).ok
        ? ownWords<JsonObject>({ resultType: 'task', ...shownTask(id, task) })
        : undefined;
    },
    async answer(exchange) {
      const { taskId: id, inputResponses } = exchange.params;
      if (!offersTasks(exchange.client))
        return { kind: 'refused', refusal: { reason: 'capability-missing', required: `extensions.${tasksExtension}` } };
      const task = read(id, exchange);
      if (task === undefined || typeof id !== 'string') return { kind: 'refused', refusal: unknownTask };
      switch (exchange.method) {
        case 'tasks/get':
          return complete({ ...shownTask(id, await advance(id, exchange, task)) });
        case 'tasks/cancel': {
          if (task.outcome === undefined && task.step !== 'under-way' && !making.has(id)) {
            write(id, exchange.caller.key, { ...task, updatedAt: Date.now(), outcome: { status: 'cancelled' } });
            // One that is approved already can still be given up: the call was not made.
            await store.giveUp(task.approval, id, Date.now());
            await onWithdrawn();
            await settle();
          }
          return complete({});
        }
        default: {
          const { asked } = task;
          if (asked === undefined || !isObject(inputResponses))
            return { kind: 'refused', refusal: { reason: 'bad-params', problem: 'the task asks for nothing' } };
          const { asked: _asked, ...rest } = task;
          // The state of an earlier question belongs to that one.
          const { requestState: _state, ...params } = task.params;
          const state = asked.requestState === undefined ? {} : { requestState: asked.requestState };
          const answered = { ...params, inputResponses, ...state };
          if (!write(id, exchange.caller.key, { ...rest, params: answered, step: 'answered', updatedAt: Date.now() }))
            return { kind: 'refused', refusal: { reason: 'bad-params', problem: 'the answers are too large' } };
          const settled = await settle();
          return settled.ok
            ? complete({})
            : { kind: 'refused', refusal: { reason: 'record-unavailable', detail: settled.problem } };
        }
      }
    },
  };
}

function complete(members: JsonObject): Reply {
  return { kind: 'result', result: ownWords<JsonObject>({ resultType: 'complete', ...members }) };
}

/** A result that says that the call was not made, or that it is not known. */
function told(text: string, disposition: Disposition): Outcome {
  const result = { resultType: 'complete', content: [{ type: 'text', text }], isError: true };
  return { status: 'completed', result, disposition };
}

function ended(reply: Reply, reference: string): Pick<Task, 'outcome' | 'asked'> {
  const result = resultOf(reply);
  if (result !== undefined) {
    const { inputRequests, requestState } = result;
    if (result.resultType === 'input_required' && isObject(inputRequests))
      return { asked: { inputRequests, ...(typeof requestState === 'string' && { requestState }) } };
    const disposition = result.isError === true ? 'execution-error' : 'approved-executed';
    return { outcome: { status: 'completed', result, disposition } };
  }
  if (reply.kind === 'error')
    return { outcome: { status: 'failed', error: reply.error, disposition: 'execution-error' } };
  if (reply.kind !== 'refused') return {};
  const { error, denial } = toWire(reply.refusal, { era: 'modern', reference, note: reply.note });
  const isMade = denial?.['made'] === true;
  return { outcome: told(error.message, isMade ? 'outcome-unknown' : 'denied-not-executed') };
}

/** What `deliver` has let through, whichever way it was written. */
function resultOf(reply: Reply): JsonObject | undefined {
  switch (reply.kind) {
    case 'result':
      return reply.result;
    case 'text':
      return JSON.parse(reply.text) as JsonObject;
    case 'pieces':
      return JSON.parse(`${reply.before}${reply.middle.toString()}${reply.after}`) as JsonObject;
    case 'error':
    case 'refused':
      return undefined;
  }
}

function shownTask(taskId: string, { createdAt, updatedAt, outcome, asked }: Task): JsonObject {
  const status = outcome?.status ?? (asked === undefined ? 'working' : 'input_required');
  const waits = 'Waits for the approval of a person';
  return {
    taskId,
    status,
    ...(status === 'working' && { statusMessage: waits }),
    createdAt: new Date(createdAt).toISOString(),
    lastUpdatedAt: new Date(updatedAt).toISOString(),
    ttlMs: taskBounds.lifetimeMs,
    pollIntervalMs: taskBounds.pollMs,
    ...(outcome?.result !== undefined && { result: outcome.result }),
    ...(outcome?.error !== undefined && { error: outcome.error as unknown as JsonObject }),
    ...(asked !== undefined && { inputRequests: asked.inputRequests }),
    ...(outcome?.disposition !== undefined && { _meta: { [dispositionKey]: outcome.disposition } }),
  };
}
