/**
 * Messages that wait to be sent, in the embedded database: what a restart interrupts goes on after it. A message counts once
 * for each channel, and is tried for about a day before it is kept as dead.
 */
import type { Json } from '../protocol/json.ts';
import type { Seal } from '../protocol/seal.ts';
import { createSeal } from '../secrets/seal.ts';
import { openDatabase, transaction } from '../stores/sqlite/driver.ts';
import type { Message } from './contract.ts';

export interface Waiting {
  readonly id: number;
  readonly channel: string;
  /** Undefined where it cannot be decrypted. */
  readonly message: Message | undefined;
  readonly attempts: number;
  readonly problem?: string;
}

export const outboxBounds = {
  /** Of one channel. What is over is not sent, which is said in the log. */
  waiting: 5_000,
  dead: 1_000,
  /** Milliseconds between attempts; after the last one a message is dead. */
  pausesMs: [1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000],
  /** Milliseconds for which one process may try. */
  claimMs: 60_000,
  /** Milliseconds for which dead ones are kept. */
  keptMs: 30 * 86_400_000,
  /** Characters of one message, sealed. */
  content: 1_048_576,
} as const;

export interface Outbox {
  /** False when the channel has too many that wait. One that is known is not added again. */
  add(channel: string, message: Message, now: number): boolean;
  /** The oldest that is due of each channel, for this process to send. */
  due(now: number, channels: readonly string[]): readonly Waiting[];
  sent(id: number): void;
  /** Tried again after a pause, or dead. Returns whether it is dead. */
  failed(waiting: Waiting, now: number, failure: { readonly problem: string; readonly isFinal: boolean }): boolean;
  dead(): readonly Waiting[];
  /** Dead ones of a channel are sent again. Returns how many. */
  revive(channel: string, now: number): number;
  counts(): readonly { readonly channel: string; readonly waiting: number; readonly dead: number }[];
  close(): void;
}

/** `master`: 32 secret bytes. Throws when the database cannot be opened. */
export function openOutbox(data: string, master: Buffer): Outbox {
  const database = openDatabase(data);
  const seal = createSeal(master, 'channel-message', outboxBounds.content);
  const insert = database.prepare(
    `INSERT OR IGNORE INTO channel_messages (channel, message_id, content, created_at, next_at, attempts, state)
     VALUES (?, ?, ?, ?, ?, 0, 'waiting')`,
  );
  const count = database.prepare("SELECT count(*) AS n FROM channel_messages WHERE channel = ? AND state = 'waiting'");
  // One that failed waits for its next attempt without holding up those after it.
  const oldest = database.prepare(
    "SELECT * FROM channel_messages WHERE channel = ? AND state = 'waiting' AND next_at <= ? ORDER BY id LIMIT 1",
  );
  // Another process may send as well. What is claimed and then lost with its process is tried again after this.
  const claim = database.prepare('UPDATE channel_messages SET next_at = ?1 WHERE id = ?2 AND next_at = ?3');
  const remove = database.prepare("UPDATE channel_messages SET state = 'sent', content = '' WHERE id = ?");
  const later = database.prepare(
    'UPDATE channel_messages SET attempts = attempts + 1, next_at = ?, problem = ?, state = ? WHERE id = ?',
  );
  const dead = database.prepare("SELECT * FROM channel_messages WHERE state = 'dead' ORDER BY id DESC LIMIT 1000");
  const revive = database.prepare(
    "UPDATE channel_messages SET state = 'waiting', attempts = 0, next_at = ? WHERE channel = ? AND state = 'dead'",
  );
  const forget = database.prepare("DELETE FROM channel_messages WHERE state IN ('sent', 'dead') AND created_at < ?");
  const trim = database.prepare(
    `DELETE FROM channel_messages WHERE state = 'dead' AND id NOT IN
       (SELECT id FROM channel_messages WHERE state = 'dead' ORDER BY id DESC LIMIT ?)`,
  );
  const counts = database.prepare(
    `SELECT channel, sum(state = 'waiting') AS waiting, sum(state = 'dead') AS dead FROM channel_messages GROUP BY channel`,
  );
  return {
    add: (channel, message, now) =>
      transaction(database, () => {
        forget.run(now - outboxBounds.keptMs);
        if (Number(count.get(channel)?.['n']) >= outboxBounds.waiting) return false;
        insert.run(channel, message.id, seal.close(message as unknown as Json), now, now);
        return true;
      }),
    due: (now, channels) =>
      channels.flatMap((channel) => {
        const row = oldest.get(channel, now);
        if (row === undefined) return [];
        const isMine =
          Number(claim.run(now + outboxBounds.claimMs, Number(row['id']), Number(row['next_at'])).changes) === 1;
        return isMine ? [waitingOf(row, seal)] : [];
      }),
    sent: (id) => void remove.run(id),
    failed({ id, attempts }, now, { problem, isFinal }) {
      const pause = isFinal ? undefined : outboxBounds.pausesMs[attempts];
      later.run(now + (pause ?? 0), problem.slice(0, 500), pause === undefined ? 'dead' : 'waiting', id);
      if (pause === undefined) trim.run(outboxBounds.dead);
      return pause === undefined;
    },
    dead: () => dead.all().map((row) => waitingOf(row, seal)),
    revive: (channel, now) => Number(revive.run(now, channel).changes),
    counts: () =>
      counts.all().map((row) => ({
        channel: String(row['channel']),
        waiting: Number(row['waiting']),
        dead: Number(row['dead']),
      })),
    close: () => database.close(),
  };
}

function waitingOf(row: Readonly<Record<string, unknown>>, seal: Seal): Waiting {
  const { problem } = row;
  return {
    id: Number(row['id']),
    channel: String(row['channel']),
    message: seal.open(String(row['content'])) as unknown as Message | undefined,
    attempts: Number(row['attempts']),
    ...(typeof problem === 'string' && { problem }),
  };
}
