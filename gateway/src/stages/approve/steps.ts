/** The steps of the store of approvals, each in one transaction of the embedded database. */
import { randomBytes } from 'node:crypto';
import type { ApprovalTerms } from '../../pipeline/contracts/approval.ts';
import type { Json } from '../../protocol/json.ts';
import type { Seal } from '../../protocol/seal.ts';
import type { Unrecorded } from '../../stores/recording.ts';
import { type Database, transaction } from '../../stores/sqlite/driver.ts';
import { unrecordedOf } from '../../stores/sqlite/unrecorded.ts';
import {
  type Approval,
  type ApprovalContent,
  type ApprovalLine,
  type ApprovalState,
  type ApprovalSummary,
  approvalBounds,
  summaryOfContent,
  type Vote,
  wantedOf,
} from './approval.ts';
import { approverProblem, personOf } from './approvers.ts';
import type { ApprovalStore, Request, Requested, Use, Voted } from './store.ts';
import { type Waits, waitsOf } from './waits.ts';

/** What is done at once, and is not on the disk yet. */
export interface Steps
  extends Pick<
    ApprovalStore,
    'grants' | 'get' | 'stateOf' | 'isRecorded' | 'list' | 'lastChange' | 'changedSince' | 'version'
  > {
  request(requested: Requested): Request;
  vote(id: string, verdict: 'approve' | 'reject', vote: Vote): Voted;
  /** Undefined where it is over: of all that try, one gets it. */
  spend(id: string, now: number): Use | undefined;
  revoke(id: string, now: number): void;
  giveBack(use: Use, now: number): void;
  readonly waits: Waits;
  /** Ends what is over first. */
  readonly unrecorded: Unrecorded<Approval>;
}

/** Short enough to say on the telephone, and never guessed: 60 bits without letters that look alike. */
function newId(): string {
  const letters = 'abcdefghjkmnpqrstvwxyz23456789';
  const bytes = randomBytes(12);
  return `ap_${Array.from(bytes, (byte) => letters[byte % letters.length]).join('')}`;
}

export function stepsOf(database: Database, seal: Seal): Steps {
  const inForce = database.prepare(
    `SELECT * FROM approvals WHERE digest = ? AND state IN ('pending', 'approved', 'rejected') AND expires_at > ?`,
  );
  const one = database.prepare('SELECT * FROM approvals WHERE id = ?');
  const contentOf = database.prepare('SELECT content FROM approval_contents WHERE id = ?');
  const addContent = database.prepare('INSERT INTO approval_contents (id, content) VALUES (?, ?)');
  const restoreContent = database.prepare('INSERT OR IGNORE INTO approval_contents (id, content) VALUES (?, ?)');
  const restoreSummary = database.prepare("UPDATE approvals SET summary = ? WHERE id = ? AND summary = ''");
  const dropContent = database.prepare('DELETE FROM approval_contents WHERE id = ?');
  const stateOf = database.prepare('SELECT state, expires_at FROM approvals WHERE id = ?');
  const unrecorded = database.prepare('SELECT 1 FROM approvals WHERE id = ? AND is_recorded != 1');
  const waits = waitsOf(database);
  const pending = database.prepare(
    "SELECT count(*) AS n FROM approvals INDEXED BY approvals_by_end WHERE state = 'pending' AND expires_at > ?",
  );
  const pendingOf = database.prepare(
    "SELECT count(*) AS n FROM approvals INDEXED BY approvals_of_owner WHERE state = 'pending' AND owner = ? AND expires_at > ?",
  );
  const insert = database.prepare(
    `INSERT INTO approvals (id, digest, scope, owner, server, name, state, created_at, expires_at, terms, votes, uses, summary, is_recorded)
     VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, '[]', 0, ?, 0)`,
  );
  const inScope = database.prepare(
    "SELECT * FROM approvals WHERE scope = ? AND state = 'approved' AND expires_at > ? ORDER BY created_at DESC LIMIT 32",
  );
  const page = `AND (created_at, id) < (?1, ?2) AND (?3 IS NULL OR server IN (SELECT value FROM json_each(?3)))
     ORDER BY created_at DESC, id DESC LIMIT ?4`;
  const all = database.prepare(`SELECT * FROM approvals WHERE TRUE ${page}`);
  const byState = database.prepare(`SELECT * FROM approvals WHERE state = ?5 ${page}`);
  const decide = database.prepare(
    "UPDATE approvals SET state = ?, votes = ?, expires_at = ?, is_recorded = 0 WHERE id = ? AND state = 'pending'",
  );
  const consume = database.prepare(
    `UPDATE approvals SET state = 'consumed', uses = uses + 1, is_recorded = 0
     WHERE id = ? AND state = 'approved' AND expires_at > ?`,
  );
  const use = database.prepare(
    `UPDATE approvals SET uses = uses + 1, state = iif(uses + 1 >= ?3, 'consumed', state), is_recorded = iif(uses + 1 >= ?3, 0, is_recorded)
     WHERE id = ?1 AND state = 'approved' AND expires_at > ?2 AND uses < ?3`,
  );
  const revoke = database.prepare(
    `UPDATE approvals SET state = 'withdrawn', is_recorded = 0 WHERE id = ? AND state = 'approved' AND expires_at > ?`,
  );
  const unspend = database.prepare(
    `UPDATE approvals SET state = 'approved', uses = uses - 1, is_recorded = 0
     WHERE id = ? AND state IN ('consumed', 'approved') AND uses > 0 AND expires_at > ?`,
  );
  const expire = database.prepare(
    `UPDATE approvals SET state = CASE WHEN uses > 0 THEN 'consumed' ELSE 'expired' END, is_recorded = 0
     WHERE state IN ('pending', 'approved') AND expires_at <= ?`,
  );
  const expireAhead = database.prepare(
    `UPDATE approvals SET state = CASE WHEN uses > 0 THEN 'consumed' ELSE 'expired' END, is_recorded = 0
     WHERE state IN ('pending', 'approved') AND expires_at > ?1 + coalesce(
       iif(state = 'approved', json_extract(terms, '$.grant.for'), NULL), json_extract(terms, '$.within'))`,
  );
  const ended = database.prepare(
    `SELECT 1 FROM approvals WHERE state IN ('pending', 'approved') AND expires_at <= ? LIMIT 1`,
  );
  const dropSummary = database.prepare("UPDATE approvals SET summary = '' WHERE id = ?");
  const lastChange = database.prepare('SELECT last FROM approval_changes');
  const changedSince = database.prepare('SELECT * FROM approvals WHERE change > ? ORDER BY change DESC LIMIT ?');
  const trim = database.prepare(
    `DELETE FROM approvals WHERE state NOT IN ('pending', 'approved') AND rowid NOT IN
       (SELECT rowid FROM approvals ORDER BY created_at DESC LIMIT ?)`,
  );
  const forget = database.prepare(
    "DELETE FROM approvals WHERE created_at < ? AND state NOT IN ('pending', 'approved')",
  );
  let trimmedAt = 0;
  /** The latest time that the clock has shown: before the first look it may have shown any. */
  let latest = Number.POSITIVE_INFINITY;
  const dataVersion = database.prepare('PRAGMA data_version');
  const written = database.prepare('SELECT total_changes() AS n');
  let seen: { readonly others: unknown; readonly own: unknown; readonly count: number } = {
    others: undefined,
    own: undefined,
    count: 0,
  };
  const line = (row: Row): ApprovalLine => lineOf(row, seal);
  const read = (row: Row): Approval => {
    const kept = contentOf.get(String(row['id']))?.['content'];
    const content = typeof kept === 'string' ? (seal.open(kept) as unknown as ApprovalContent | undefined) : undefined;
    return { ...line(row), content };
  };
  const changed = unrecordedOf(database, {
    table: 'approvals',
    columns: '*',
    key: 'id',
    order: 'created_at',
    limit: 100,
    read,
    // What is over is kept as a line, without what it was about: the log has that.
    onRecorded({ id, state }) {
      if (isOpen(state)) return;
      dropSummary.run(id);
      dropContent.run(id);
      waits.forget(id);
    },
  });

  return {
    request: ({ content, digest, scope, waiter, now }) =>
      transaction(database, () => {
        const known = inForce.get(digest, now);
        if (known !== undefined) {
          if (known['state'] === 'pending') waits.wait(String(known['id']), waiter, now + beginningMs);
          return { ok: true, approval: read(known), isNew: false };
        }
        const all = Number(pending.get(now)?.['n']);
        const own = Number(pendingOf.get(content.caller, now)?.['n']);
        if (all >= approvalBounds.pending || own >= approvalBounds.pendingOfOne) return { ok: false, reason: 'full' };
        if (JSON.stringify(content).length > approvalBounds.content) return { ok: false, reason: 'too-large' };
        const id = newId();
        const { caller, server, capability, terms } = content;
        insert.run(
          id,
          digest,
          scope,
          caller,
          server,
          capability.name,
          now,
          now + terms.within,
          JSON.stringify(terms),
          seal.close(summaryOfContent(content)),
        );
        addContent.run(id, seal.close(content as unknown as Json));
        waits.wait(id, waiter, now + beginningMs);
        const made = one.get(id);
        if (made === undefined) throw new Error('an approval is gone as soon as it was made');
        return { ok: true, approval: read(made), isNew: true };
      }),
    get(id, now) {
      const row = one.get(id);
      return row === undefined ? undefined : current(read(row), now);
    },
    grants: (scope, now) => inScope.all(scope, now).map(read),
    stateOf(id, now) {
      const row = stateOf.get(id);
      if (row === undefined) return undefined;
      const state = String(row['state']) as ApprovalState;
      return isOpen(state) && Number(row['expires_at']) <= now ? 'expired' : state;
    },
    isRecorded: (id) => unrecorded.get(id) === undefined,
    lastChange: () => Number(lastChange.get()?.['last']),
    changedSince: (change, limit, now) =>
      changedSince
        .all(change, limit)
        .map((row) => current(line(row), now))
        .toReversed(),
    list({ state, limit = 1_000, servers, after }, now) {
      const from = [after?.createdAt ?? Number.MAX_SAFE_INTEGER, after?.id ?? ''] as const;
      const where = [...from, servers === undefined ? null : JSON.stringify(servers), limit] as const;
      const rows = state === undefined ? all.all(...where) : byState.all(...where, state);
      return rows.map((row) => current(line(row), now));
    },
    vote: (id, verdict, vote) =>
      transaction(database, () => {
        const row = one.get(id);
        if (row === undefined) return { ok: false, problem: 'unknown' };
        const approval = current(read(row), vote.at);
        const { state, votes, terms } = approval;
        if (state !== 'pending') return { ok: false, problem: 'over', approval };
        const problem = approverProblem(vote, wantedOf(approval), verdict);
        if (problem !== undefined) return { ok: false, problem, approval };
        // What cannot be shown cannot be approved.
        if (verdict === 'approve' && approval.content === undefined)
          return { ok: false, problem: 'unreadable', approval };
        if (votes.some((each) => personOf(each) === personOf(vote))) return { ok: false, problem: 'twice', approval };
        if (terms.reason === 'required' && (vote.reason ?? '').trim() === '')
          return { ok: false, problem: 'no-reason', approval };
        const together = [...votes, vote];
        const next = verdict === 'reject' ? 'rejected' : together.length >= terms.quorum ? 'approved' : 'pending';
        // A decision counts for as long as there was to make it; a use that repeats has its own time.
        const ends =
          next === 'pending'
            ? approval.expiresAt
            : vote.at + (next === 'approved' ? (terms.grant?.for ?? terms.within) : terms.within);
        decide.run(next, JSON.stringify(together), ends, id);
        return { ok: true, approval: { ...approval, state: next, votes: together, expiresAt: ends } };
      }),
    spend: (id, now) =>
      transaction(database, () => {
        const row = one.get(id);
        if (row === undefined) return undefined;
        const { terms, expiresAt } = line(row);
        if (expiresAt > now + clockSlackMs + (terms.grant?.for ?? terms.within)) return undefined;
        const taken =
          terms.grant === undefined
            ? consume.run(id, now)
            : use.run(id, now, terms.grant.calls ?? Number.MAX_SAFE_INTEGER);
        if (Number(taken.changes) !== 1) return undefined;
        const content = contentOf.get(id)?.['content'];
        return { id, summary: String(row['summary']), ...(typeof content === 'string' && { content }) };
      }),
    giveBack: ({ id, summary, content }, now) =>
      transaction(database, () => {
        if (Number(unspend.run(id, now).changes) !== 1) return;
        // The record of its use may have dropped them.
        restoreSummary.run(summary, id);
        if (content !== undefined) restoreContent.run(id, content);
      }),
    revoke: (id, now) => void revoke.run(id, now),
    waits,
    unrecorded: {
      recorded: (approvals) => changed.recorded(approvals),
      release: (approvals) => changed.release(approvals),
      keep: (approvals, now) => changed.keep(approvals, now),
      take(which, now) {
        const isSetBack = now + clockSlackMs < latest;
        latest = isSetBack ? now : Math.max(now, latest);
        if (isSetBack || ended.get(now) !== undefined)
          transaction(database, () => {
            expire.run(now);
            if (isSetBack) expireAhead.run(now + clockSlackMs);
          });
        const taken = changed.take(which, now);
        if (taken.length > 0 && (now - trimmedAt > 60_000 || now < trimmedAt)) {
          trimmedAt = now;
          transaction(database, () => {
            waits.forgetPast(now);
            forget.run(now - approvalBounds.keptMs);
            trim.run(approvalBounds.over);
          });
        }
        return taken;
      },
    },
    version() {
      const { data_version: others } = dataVersion.get() ?? {};
      const { n: own } = written.get() ?? {};
      if (others !== seen.others || own !== seen.own) seen = { others, own, count: seen.count + 1 };
      return seen.count;
    },
  };
}

/**
 * What has longer to go than its terms say was made, or decided, by a clock that has been set back since: it would be in force
 * for that time more. Clocks are corrected by less all the time.
 */
const clockSlackMs = 60_000;
/** Milliseconds within which one that asked for an approval has begun to wait, however slow the disk is. */
const beginningMs = 60_000;

type Row = Readonly<Record<string, unknown>>;

function isOpen(state: ApprovalState): boolean {
  return state === 'pending' || state === 'approved';
}

/** What is past its end is over, whether a sweep has seen it or not. */
function current<Line extends ApprovalLine>(approval: Line, now: number): Line {
  return isOpen(approval.state) && approval.expiresAt <= now ? { ...approval, state: 'expired' } : approval;
}

function lineOf(row: Row, seal: Seal): ApprovalLine {
  const summary = String(row['summary']);
  return {
    id: String(row['id']),
    digest: String(row['digest']),
    owner: String(row['owner']),
    server: String(row['server']),
    name: String(row['name']),
    state: String(row['state']) as ApprovalState,
    createdAt: Number(row['created_at']),
    expiresAt: Number(row['expires_at']),
    terms: JSON.parse(String(row['terms'])) as ApprovalTerms,
    votes: JSON.parse(String(row['votes'])) as readonly Vote[],
    uses: Number(row['uses']),
    summary: summary === '' ? undefined : (seal.open(summary) as unknown as ApprovalSummary | undefined),
  };
}
