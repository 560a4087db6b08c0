/** A mailbox of two registries, one of letters and one of answers, wherever these are kept. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { databasePath, emptyJournal, openDatabase } from '../stores/sqlite/driver.ts';
import type { Local } from './contract/later.ts';
import type { Mailbox } from './contract/mailbox.ts';
import type { Registry, RegistryBounds } from './contract/registry.ts';
import { sqliteRegistry } from './sqlite/registry.ts';

/** Letters handed out at one time; the rest wait for the next. */
const maxAtOnce = 16;
/** Of letters: an hour is what the longest work of a gateway may take. A flood is refused, and takes no other's room. */
export const letterBounds: RegistryBounds = {
  maxEntries: 1_000,
  maxOfOwner: 100,
  lifetimeMs: 3_600_000,
  whenFull: 'refuse',
};
/** Of answers: those that no process asks for any more go first. */
export const answerBounds: RegistryBounds = { ...letterBounds, whenFull: 'evict' };

/** What is kept is text. */
export interface Kept {
  readonly text: string;
}

export function mailboxOf(letters: Local<Registry<Kept>>, answers: Local<Registry<Kept>>): Local<Mailbox> {
  return {
    send(to, { text, until }, now) {
      const id = randomBytes(16).toString('hex');
      const put = letters.put({ key: id, owner: to, value: { text }, expiresAt: until }, now, 'absent');
      return put.ok ? id : undefined;
    },
    receive: (to, now) =>
      letters
        .list(to, now)
        .slice(0, maxAtOnce)
        .flatMap(({ key }) => {
          const taken = letters.take(key, now);
          return taken === undefined ? [] : [{ id: key, text: taken.value.text }];
        }),
    answer({ to, id, text }, now) {
      answers.put({ key: id, owner: to, value: { text } }, now);
    },
    answerTo(id, now) {
      // Asked again and again: nothing is written before it is there.
      return answers.get(id, now) === undefined ? undefined : answers.take(id, now)?.value.text;
    },
    withdraw(id, now) {
      letters.take(id, now);
    },
  };
}

export interface OpenMailbox extends Local<Mailbox> {
  close(): void;
}

/** The mailbox of a data folder, which has a database as soon as a gateway runs there; `undefined` before. */
export function openMailbox(data: string): OpenMailbox | undefined {
  if (!existsSync(databasePath(data))) return undefined;
  const database = openDatabase(data);
  const letters = sqliteRegistry<Kept>(database, { ...letterBounds, name: 'letters', read: readKept });
  const answers = sqliteRegistry<Kept>(database, { ...answerBounds, name: 'answers', read: readKept });
  const mailbox = mailboxOf(letters, answers);
  // Letters can name a person who is to be erased.
  const gone = <Value>(value: Value): Value => {
    try {
      emptyJournal(database);
    } catch {
      // A disk that fails for it: what was taken must be handed out all the same, and the next letter empties it.
    }
    return value;
  };
  return {
    ...mailbox,
    receive(to, now) {
      const received = mailbox.receive(to, now);
      return received.length === 0 ? received : gone(received);
    },
    answerTo(id, now) {
      const text = mailbox.answerTo(id, now);
      return text === undefined ? undefined : gone(text);
    },
    withdraw: (id, now) => gone(mailbox.withdraw(id, now)),
    close: () => database.close(),
  };
}

function readKept(value: unknown): Kept | undefined {
  const { text } = (value ?? {}) as { readonly text?: unknown };
  return typeof text === 'string' ? { text } : undefined;
}
