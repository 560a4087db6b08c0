/**
 * A request that is repeated with the same `Idempotency-Key` gets the answer of the first one (draft-ietf-httpapi-
 * idempotency-key-header). Kept in memory, of each operator on its own.
 */
import { createHash } from 'node:crypto';
import { problemResponse } from './api/define.ts';
import type { AdminStep } from './context.ts';

const maxOfOne = 100;
const maxAll = 2_000;
const keptMs = 600_000;

/** Answers with a link or a token. */
const secretPaths = /\/operators(?:\/[^/]+\/(?:tokens|links))?$/;
const madeAlready = {
  status: 409,
  type: 'application/problem+json',
  body: JSON.stringify({
    type: 'about:blank',
    title: 'Conflict',
    status: 409,
    detail: 'it was made by the first request, whose answer had a secret that is not kept',
    remedy: 'List what there is, and make another with another key where the secret is lost.',
  }),
};

interface Kept {
  readonly operator: string;
  /** Digest of method, path and body. */
  readonly request: string;
  readonly until: number;
  /** Undefined while the first one is under way. */
  answer?: { readonly status: number; readonly type: string; readonly body: string } | undefined;
}

export class Idempotency {
  /** The oldest first. */
  readonly #kept = new Map<string, Kept>();

  get size(): number {
    return this.#kept.size;
  }

  readonly step: AdminStep = async (request, next) => {
    const given = request.req.header('idempotency-key');
    if (given === undefined || ['GET', 'HEAD'].includes(request.req.method)) return next();
    if (given.length > 128)
      return problemResponse({
        status: 422,
        problem: 'Idempotency-Key is too long',
        remedy: 'At most 128 characters.',
      });
    const { operator, via } = request.get('principal');
    const { id } = operator;
    // Of one credential, with the rights that it had: another one is asked for its permissions.
    const credential = via.kind === 'token' ? via.token.id : via.session.id;
    const key = `${credential} ${operator.version} ${given}`;
    const body = await request.req.text();
    const digest = createHash('sha256').update(`${request.req.method} ${request.req.path}\n${body}`).digest('hex');
    const now = Date.now();
    const known = this.#kept.get(key);
    if (known !== undefined && known.until > now) {
      if (known.request !== digest)
        return problemResponse({
          status: 422,
          problem: 'this Idempotency-Key was used for another request',
          remedy: 'Choose another key.',
        });
      if (known.answer === undefined)
        return problemResponse({ status: 409, problem: 'the first request is under way', remedy: 'Repeat it later.' });
      const { status, type, body: text } = known.answer;
      return new Response(text === '' ? null : text, { status, headers: { 'content-type': type } });
    }
    const entry: Kept = { operator: id, request: digest, until: now + keptMs };
    this.#keep(key, entry, now);
    try {
      await next();
    } finally {
      const { res } = request;
      // What failed on our side may be tried again.
      if (res.status >= 500) this.#kept.delete(key);
      // What carries a secret is not kept.
      else if (secretPaths.test(request.req.path) && res.status < 300) entry.answer = madeAlready;
      else
        entry.answer = {
          status: res.status,
          type: res.headers.get('content-type') ?? 'application/json',
          body: await res.clone().text(),
        };
    }
    return undefined;
  };

  #keep(key: string, entry: Kept, now: number): void {
    for (const [known, { until }] of this.#kept) {
      if (until > now) break;
      this.#kept.delete(known);
    }
    const own = [...this.#kept].filter(([, { operator }]) => operator === entry.operator);
    if (own.length >= maxOfOne) this.#kept.delete(own[0]?.[0] ?? '');
    else if (this.#kept.size >= maxAll) this.#kept.delete(this.#kept.keys().next().value ?? '');
    this.#kept.delete(key);
    this.#kept.set(key, entry);
  }
}
