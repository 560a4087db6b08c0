/**
 * Remembers ids that were given up although they would still open, such as those of deleted sessions, until they expire.
 * The ids are not secret. What is remembered survives a restart in a file of lines, as far as that can be written: it is
 * best effort, as losing it only gives back to its own owner what that owner gave up.
 */
import { createHash } from 'node:crypto';
import { readRegularSync } from './regular-file.ts';
import { appendLine, writeWhole } from './whole-file.ts';

export interface EndedIds {
  /** `expires`: milliseconds since the epoch, after which the id would not open anyway. */
  add(owner: string, id: string, expires: number): void;
  has(owner: string, id: string): boolean;
}

/** Of one owner, which forgets its own oldest beyond that, and of all. */
const maxOfOwner = 1_000;
const maxIds = 100_000;
/** Lines that are appended until the file is written anew without those that are over. */
const maxAppended = 10_000;
/** Bytes of an owner's digest, two numbers and an id. */
const maxLineBytes = 128;
const line = /^([\w-]{22}) ([\w-]{1,64}) (\d{1,15})$/;

/** `onTrouble` hears once why the file cannot be used. Nothing is thrown. */
export function openEndedIds(path: string, onTrouble: (problem: unknown) => void = () => {}): EndedIds {
  const owners = new Map<string, Map<string, number>>();
  let count = 0;
  let appended = 0;
  let troubled = false;

  const put = (owner: string, id: string, expires: number): boolean => {
    const own = owners.get(owner) ?? new Map<string, number>();
    if (own.has(id)) return false;
    if (own.size >= maxOfOwner || (count >= maxIds && own.size > 0)) {
      own.delete(own.keys().next().value ?? '');
      count--;
    }
    // Those of others stay: an owner that comes last is the one whose ids are not remembered.
    if (count >= maxIds) return false;
    owners.set(owner, own.set(id, expires));
    count++;
    return true;
  };
  const attempt = (write: () => void): void => {
    try {
      write();
    } catch (error) {
      if (!troubled) onTrouble(error);
      troubled = true;
    }
  };
  const read = (): number => {
    const found = readRegularSync(path, (maxIds + maxAppended) * maxLineBytes);
    if (!found.ok) {
      if (found.why !== 'missing') attempt(() => throwProblem(found.problem));
      return 0;
    }
    const lines = found.bytes.toString('latin1').split('\n').slice(0, -1);
    const now = Date.now();
    for (const text of lines) {
      const [, owner = '', id = '', expires = '0'] = line.exec(text) ?? [];
      if (Number(expires) > now) put(owner, id, Number(expires));
    }
    return lines.length;
  };
  const rewrite = (): void => {
    // Another gateway of the same data folder may have appended to it.
    read();
    appended = 0;
    const now = Date.now();
    const text = [...owners].flatMap(([owner, own]) =>
      [...own].flatMap(([id, expires]) => (expires > now ? [`${owner} ${id} ${expires}\n`] : [])),
    );
    attempt(() => writeWhole(path, text.join(''), { durability: 'soon' }));
  };

  if (read() > count) rewrite();
  return {
    add(owner, id, expires) {
      const digest = digestOf(owner);
      if (!put(digest, id, expires)) return;
      attempt(() => appendLine(path, `${digest} ${id} ${expires}`));
      if (++appended >= maxAppended) rewrite();
    },
    has: (owner, id) => owners.get(digestOf(owner))?.has(id) === true,
  };
}

/** Names of callers stay out of the file. */
function digestOf(owner: string): string {
  return createHash('sha256').update(owner).digest('base64url').slice(0, 22);
}

function throwProblem(problem: string): never {
  throw new Error(problem);
}
