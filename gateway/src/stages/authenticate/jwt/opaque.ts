/**
 * Which issuer a token is of that says nothing by itself. Issuers are asked in their order, and an answer counts once all
 * before it said no. One that does not answer delays no token of another, as long as that one says that the token is its own.
 */
import type { Fetch } from '../../../egress/fetch.ts';
import type { JsonObject } from '../../../protocol/json.ts';
import { introspect } from './introspect.ts';
import type { IssuerConfig } from './options.ts';
import { claimFault, invalid, type Verified } from './verify.ts';

export interface Asking {
  readonly issuers: readonly IssuerConfig[];
  readonly fetch: Fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds for which what was found is trusted. */
  readonly trustMs: number;
}

export type Asked =
  | { readonly ok: true; readonly issuer: IssuerConfig; readonly claims: JsonObject }
  | (Verified & { readonly ok: false });

/** Milliseconds after which the next issuer is asked as well. */
const patienceMs = 250;

const unasked: Asked = invalid('unknown', 'the token is no JWT, and no issuer can be asked about it');

export function askAbout(token: string, asking: Asking): Promise<Asked> {
  const { issuers } = asking;
  const { promise, resolve, reject } = Promise.withResolvers<Asked>();
  const answers: Asked[] = [];
  let asked = 0;
  let timer: NodeJS.Timeout | undefined;
  const next = (): void => {
    clearTimeout(timer);
    const at = asked;
    const issuer = issuers[at];
    if (issuer === undefined) return;
    asked++;
    timer = setTimeout(next, patienceMs);
    askOne(token, issuer, asking).then((answer) => {
      answers[at] = answer;
      const decided = decidedBy(answers, issuers.length);
      if (decided === undefined) return at === asked - 1 ? next() : undefined;
      clearTimeout(timer);
      resolve(decided);
    }, reject);
  };
  if (issuers.length === 0) resolve(unasked);
  else next();
  return promise;
}

/** `undefined` while another answer may change it. */
function decidedBy(answers: readonly (Asked | undefined)[], count: number): Asked | undefined {
  const own = answers.find((answer) => answer?.ok === true && answer.claims.iss === answer.issuer.issuer);
  if (own !== undefined) return own;
  let unreachable: Asked | undefined;
  let last: Asked = unasked;
  for (let at = 0; at < count; at++) {
    const answer = answers[at];
    if (answer === undefined) return undefined;
    // An earlier one that could not be asked may name another caller for it.
    if (answer.ok) return unreachable ?? answer;
    if (answer.unreachable) unreachable ??= answer;
    last = answer;
  }
  return unreachable ?? last;
}

async function askOne(token: string, issuer: IssuerConfig, { fetch, now, trustMs }: Asking): Promise<Asked> {
  if (issuer.introspection === undefined) return unasked;
  const verified = await introspect(token, issuer.introspection, fetch);
  if (!verified.ok) return verified;
  const { claims } = verified;
  // Introspection may leave out the issuer and the end, but must not contradict what is asked of every token.
  const complete = { iss: issuer.issuer, exp: Math.ceil((now() + trustMs) / 1_000), ...claims };
  const fault = claimFault(complete, issuer, now());
  return fault === undefined ? { ok: true, issuer, claims } : invalid(...fault);
}
