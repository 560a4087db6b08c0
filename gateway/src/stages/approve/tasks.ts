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
import type { Seal } from '../../protocol/seal.ts';
import type { Local } from '../../state/contract/later.ts';
import type { PutResult, Registry } from '../../state/contract/registry.ts';
import type { Settled } from '../../stores/sqlite/journal.ts';
import type { Approval, ApprovalStore } from './store.ts';
import { type Asked, ended, type Outcome, told } from './task-end.ts';

export const taskBounds = {
  tasks: 10_000,
  ofOne: 50,
  /** Milliseconds for which a task is kept. */
  lifetimeMs: 24 * 3_600_000,
  pollMs: 5_000,
  /** Milliseconds after which a call that is under way, and of which its process says nothing more, has an end that is unknown. */
  silentMs: 15_000,
  /** Characters of one task, sealed. */
  content: 2_097_152,
} as const;

interface Task {
  readonly endpoint: string;
  readonly params: JsonObject;
  readonly approval: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly asked?: Asked;
  /**
   * `answered`: the client gave what the server asked for, so the call goes on. `under-way`: it is being made, by a process
   * that says so until the end of `until`; after that, nothing says how it ended.
   */
  readonly step?: 'answered' | 'under-way';
  /** Milliseconds since the epoch. */
  readonly until?: number;
  readonly outcome?: Outcome;
}

/** A task as it was read. */
interface Known {
  readonly task: Task;
  readonly version: number;
}

type Written = PutResult | { readonly ok: false; readonly reason: 'too-long' };

export interface TasksParts {
  /** Sealed tasks. */
  readonly registry: Local<Registry<string>>;
  /** Answers when everything that was written is on the disk. */
  readonly settle: () => Promise<Settled>;
  readonly seal: Seal;
  readonly store: Pick<ApprovalStore, 'get' | 'wait' | 'stopWaiting' | 'giveUp'>;
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

  function read(id: unknown, { caller, endpoint }: Pick<Admitted, 'caller' | 'endpoint'>): Known | undefined {
    const entry = typeof id === 'string' ? registry.get(id, Date.now()) : undefined;
    if (entry === undefined || entry.owner !== caller.key) return undefined;
    const task = seal.open(entry.value) as unknown as Task | undefined;
    return task?.endpoint === JSON.stringify(endpoint) ? { task, version: entry.version } : undefined;
  }

  /** It is on the disk with the next `settle`. `over`: the version that it was made from, where another process may have changed it. */
  function write(id: string, owner: string, task: Task, over?: number): Written {
    const value = seal.close(task as unknown as Json);
    // A longer one would not be opened.
    if (value.length > taskBounds.content) return { ok: false, reason: 'too-long' };
    const expiresAt = task.createdAt + taskBounds.lifetimeMs;
    return registry.put({ key: id, owner, value, expiresAt }, Date.now(), over);
  }

  /** Where the task is now, after whatever can be done was done. */
  async function advance(id: string, exchange: Admitted, known: Known): Promise<Task> {
    const { task } = known;
    if (task.outcome !== undefined || task.asked !== undefined) return task;
    const running = making.get(id);
    if (running !== undefined) return running;
    const approval = store.get(task.approval, Date.now());
    if (approval?.state === 'pending' || isUnderWay(task)) return task;
    const begun = make(id, exchange, { ...known, approval }).finally(() => making.delete(id));
    making.set(id, begun);
    return begun;
  }

  async function make(
    id: string,
    exchange: Admitted,
    { approval, ...known }: Known & { readonly approval: Approval | undefined },
  ): Promise<Task> {
    const { step, until: _until, ...rest } = known.task;
    if (step === 'answered' || (step === undefined && approval?.state === 'approved'))
      return called(id, exchange, known);
    // Its server asked for input before: it has a part of the call.
    const resumed = rest.params['requestState'] !== undefined;
    const disposition = resumed ? 'outcome-unknown' : 'denied-not-executed';
    let outcome: Outcome;
    if (step === 'under-way')
      outcome = told(
        'The end of the call was not seen: it may have been made. Find out before it is made again',
        'outcome-unknown',
      );
    else if (approval?.state === 'rejected') {
      const reason = approval.votes.at(-1)?.reason;
      const refusal = {
        reason: 'approval-rejected',
        id: rest.approval,
        ...(reason !== undefined && { message: reason }),
      } as const;
      outcome = told(
        toWire(refusal, { era: 'modern', reference: exchange.id, resumed: resumed && 'over' }).error.message,
        disposition,
      );
      // Also where another call has used it: this one would be `under-way`, or over.
    } else
      outcome = told(
        `The approval of this call is over, and it was not ${resumed ? 'continued' : 'made'}`,
        disposition,
      );
    // What it was about is not needed any more.
    return kept(id, exchange, { ...rest, updatedAt: Date.now(), params: {}, outcome }, known.version);
  }

  /** Writes how it ended, without the result where that is too long: a task that is gone could be taken for one not made. */
  async function kept(id: string, exchange: Admitted, task: Task, over?: number): Promise<Task> {
    const written = write(id, exchange.caller.key, task, over);
    let now = task;
    if (!written.ok)
      now =
        written.reason === 'too-long' ? shortened(id, exchange.caller.key, task) : (read(id, exchange)?.task ?? task);
    // The end of a call is told also where the disk fails: as it was written, it is `under-way` there, and not made again.
    await settle();
    return now;
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

  async function called(id: string, exchange: Admitted, known: Known): Promise<Task> {
    const { step: _step, ...task } = known.task;
    const owner = exchange.caller.key;
    // An approval that can be used again would not tell that this call was made. Of several processes one begins.
    const underWay: Task = { ...task, params: {}, updatedAt: Date.now(), step: 'under-way' };
    const begun = write(id, owner, { ...underWay, until: Date.now() + taskBounds.silentMs }, known.version);
    if (!begun.ok) return read(id, exchange)?.task ?? task;
    // Nothing was spent yet: it is tried again when its client asks again.
    if (!(await settle()).ok) return kept(id, exchange, known.task, begun.version);
    const stop = sayUnderWay(id, owner, underWay, begun.version);
    if (stop === undefined) return read(id, exchange)?.task ?? task;
    try {
      // Nothing but a word on its silence can be there meanwhile, and this is known.
      return await kept(id, exchange, await madeOf(id, exchange, task));
    } finally {
      stop();
    }
  }

  /** To other processes, until it is stopped. Nothing where one of them has told its end meanwhile: it is not made then. */
  function sayUnderWay(id: string, owner: string, task: Task, version: number): (() => void) | undefined {
    let over = version;
    const say = (): boolean => {
      try {
        const said = write(id, owner, { ...task, until: Date.now() + taskBounds.silentMs }, over);
        if (said.ok) over = said.version;
        return said.ok;
      } catch {
        // The disk fails: the end of the call is written over what others make of it.
        return true;
      }
    };
    // The disk may have taken as long as that.
    if (!say()) return undefined;
    const timer = setInterval(say, taskBounds.silentMs / 3);
    timer.unref();
    return () => clearInterval(timer);
  }

  async function madeOf(id: string, exchange: Admitted, task: Task): Promise<Task> {
    const { checks: _checks, caller: _caller, ...received } = exchange;
    const { params } = task;
    const call = newId();
    const reply = await again({
      ...received,
      id: call,
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
      store.stopWaiting(reply.refusal.id, call);
      return { ...task, updatedAt: Date.now(), approval: reply.refusal.id };
    }
    const end = ended(reply, call);
    return { ...task, updatedAt: Date.now(), ...(end.outcome !== undefined && { params: {} }), ...end };
  }

  return {
    async begin(message, refusal) {
      if (!message.identity.ok || message.rawNumbers) {
        store.stopWaiting(refusal.id, message.id);
        return undefined;
      }
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
      const isWritten = write(id, identity.value.key, task).ok;
      if (isWritten) store.wait(refusal.id, id, now + taskBounds.lifetimeMs);
      // The task waits in place of its call.
      store.stopWaiting(refusal.id, message.id);
      return isWritten && (await settle()).ok
        ? ownWords<JsonObject>({ resultType: 'task', ...shownTask(id, task) })
        : undefined;
    },
    async answer(exchange) {
      const { taskId: id, inputResponses } = exchange.params;
      if (!offersTasks(exchange.client))
        return { kind: 'refused', refusal: { reason: 'capability-missing', required: `extensions.${tasksExtension}` } };
      const known = read(id, exchange);
      if (known === undefined || typeof id !== 'string') return { kind: 'refused', refusal: unknownTask };
      const { task, version } = known;
      switch (exchange.method) {
        case 'tasks/get':
          return complete({ ...shownTask(id, await advance(id, exchange, known)) });
        case 'tasks/cancel': {
          const cancelled: Task = { ...task, updatedAt: Date.now(), outcome: { status: 'cancelled' } };
          const isOpen = task.outcome === undefined && task.step !== 'under-way' && !making.has(id);
          if (isOpen && write(id, exchange.caller.key, cancelled, version).ok) {
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
          const next: Task = { ...rest, params: answered, step: 'answered', updatedAt: Date.now() };
          const written = write(id, exchange.caller.key, next, version);
          if (!written.ok) {
            const problem =
              written.reason === 'too-long' ? 'the answers are too large' : 'the task was answered or cancelled';
            return { kind: 'refused', refusal: { reason: 'bad-params', problem } };
          }
          const settled = await settle();
          return settled.ok
            ? complete({})
            : { kind: 'refused', refusal: { reason: 'record-unavailable', detail: settled.problem } };
        }
      }
    },
  };
}

/** Its process says so; a clock that was set back makes it say so for no longer. */
function isUnderWay({ step, until = 0 }: Task): boolean {
  const left = until - Date.now();
  return step === 'under-way' && left > 0 && left <= taskBounds.silentMs;
}

function complete(members: JsonObject): Reply {
  return { kind: 'result', result: ownWords<JsonObject>({ resultType: 'complete', ...members }) };
}

function shownTask(taskId: string, task: Task): JsonObject {
  const { createdAt, updatedAt, outcome, asked } = task;
  const status = outcome?.status ?? (asked === undefined ? 'working' : 'input_required');
  const waits = isUnderWay(task) ? 'The call is being made' : 'Waits for the approval of a person';
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
