/** What the log says of a caller, and of what was approved for it. */
import type { CallHistory, HistoryQuestion, PastCall } from '../../../pipeline/contracts/history.ts';
import type { Archive, ArchivedRecord } from '../read/archive.ts';
import { capabilityOf, type IndexFile, type Search } from '../search-index/index-file.ts';

/** Records that one search looks at. */
const maxScanned = 200;
const maxRecent = 8;
/** Characters of arguments that are compared. */
const maxArguments = 300_000;
/** Asked for one by one: lists, of which a caller can make any number, must not hide what it called. */
const calls = ['tools/call', 'prompts/get', 'resources/read'];

export interface SearchedLog {
  readonly archive: Archive;
  readonly index: IndexFile;
  readonly size: number;
}

export function historyIn(log: SearchedLog, question: HistoryQuestion): CallHistory {
  const approved = lastApproved(log, question);
  return { recent: recentCalls(log, question), ...(approved !== undefined && { approved }) };
}

function* found(
  { archive, index, size }: SearchedLog,
  words: Search['words'],
): Generator<{ readonly record: ArchivedRecord; readonly outcomeSeq: number | undefined }> {
  for (const { seq, outcomeSeq } of index.search({ words, limit: maxScanned })) {
    const record = archive.record(seq, size);
    if (record !== undefined) yield { record, outcomeSeq };
  }
}

function recentCalls(log: SearchedLog, { caller, servers }: HistoryQuestion): readonly PastCall[] {
  const { user, agent, application } = caller;
  const words = {
    ...(user !== undefined && { user }),
    ...(agent !== undefined && { agent }),
    ...(application !== undefined && { application }),
  };
  if (Object.keys(words).length === 0) return [];
  const recent = calls.flatMap((method) => {
    const seen: PastCall[] = [];
    for (const { record, outcomeSeq } of found(log, { ...words, method })) {
      const { fields, about } = record;
      const isSame = about?.user === user && about?.agent === agent && about?.application === application;
      const { server } = fields;
      if (!isSame || server === undefined || servers?.includes(server) === false) continue;
      const end = outcomeSeq === undefined ? fields : log.archive.record(outcomeSeq, log.size)?.fields;
      const name = capabilityOf(fields);
      seen.push({
        at: fields.time ?? fields.written,
        method,
        server,
        ...(name !== undefined && { name }),
        ...(fields.decision !== undefined && { decision: fields.decision.effect }),
        ...(end?.outcome !== undefined && { outcome: end.outcome }),
        ...(end?.reason !== undefined && { reason: end.reason }),
      });
      if (seen.length === maxRecent) break;
    }
    return seen;
  });
  return recent.toSorted((one, other) => other.at - one.at).slice(0, maxRecent);
}

function lastApproved(log: SearchedLog, { approval, owner, server, name }: HistoryQuestion): CallHistory['approved'] {
  for (const { record } of found(log, { kind: 'approval-approved', server })) {
    const { detail, time, written } = record.fields;
    if (detail?.['caller'] !== owner || detail['name'] !== name || detail['id'] === approval) continue;
    const text = record.parts?.arguments ?? '';
    if (text !== '' && text.length <= maxArguments) return { at: time ?? written, arguments: text };
  }
  return undefined;
}
