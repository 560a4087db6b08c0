/** What is worth a record about the gateway's own credentials: that one got into trouble, or out of it. */
import type { CredentialState } from './contract.ts';
import type { CredentialReport } from './index.ts';

export interface Transition {
  readonly server: string;
  readonly credential: string;
  readonly from: CredentialState;
  readonly to: CredentialState;
  /** Callers whose own credential went this way; 1 for one that is shared. */
  readonly count: number;
  /** What the last of them said; never repeats a secret. */
  readonly problem?: string;
}

type Reports = Readonly<Record<string, readonly CredentialReport[]>>;

const troubled: ReadonlySet<CredentialState> = new Set(['expiring', 'reauthorize', 'broken']);

/** One for each way that credentials of a server went, however many callers have one: an outage is not a flood. */
export function transitions(before: Reports, after: Reports): readonly Transition[] {
  const found = new Map<string, Transition>();
  for (const [server, reports] of Object.entries(after)) {
    const known = new Map(before[server]?.map((each) => [`${each.credential} ${each.caller}`, each.state]));
    for (const { credential, caller, state: to, problem } of reports) {
      const from = known.get(`${credential} ${caller}`) ?? 'unused';
      if (from === to || to === 'unused' || (!troubled.has(from) && !troubled.has(to))) continue;
      const key = `${server} ${credential} ${from} ${to}`;
      const count = (found.get(key)?.count ?? 0) + 1;
      found.set(key, { server, credential, from, to, count, ...(problem === undefined ? {} : { problem }) });
    }
  }
  return [...found.values()];
}

/**
 * What to compare with the next time: one that got into trouble and was made anew, because its configuration changed,
 * is still in trouble until it works.
 */
export function remembered(before: Reports, after: Reports): Reports {
  return Object.fromEntries(
    Object.entries(after).map(([server, reports]) => {
      const known = new Map(before[server]?.map((each) => [`${each.credential} ${each.caller}`, each]));
      return [
        server,
        reports.map((each) => {
          const earlier = known.get(`${each.credential} ${each.caller}`);
          return each.state === 'unused' && earlier !== undefined && troubled.has(earlier.state) ? earlier : each;
        }),
      ];
    }),
  );
}
