/** What forms of pages carry: a sealed token that counts in one session and for one page, and challenges of passkeys. */

import { newChallenge } from '../../operators/sign-in.ts';
import { isObject } from '../../protocol/json.ts';
import type { Seal } from '../../protocol/seal.ts';

/** For how long a page may lie open, in milliseconds. */
const lifetimeMs = 1_800_000;
const challengeMs = 300_000;

export function formToken(seal: Seal, session: string, page: string): string {
  return seal.close({ f: session, p: page, e: Date.now() + lifetimeMs });
}

export function formFits(
  seal: Seal,
  { session, page, token }: { readonly session: string; readonly page: string; readonly token: string },
): boolean {
  const opened = seal.open(token);
  return (
    isObject(opened) &&
    opened.f === session &&
    opened.p === page &&
    typeof opened.e === 'number' &&
    opened.e > Date.now()
  );
}

/** A challenge that is not kept anywhere: the page brings it back, sealed. */
export function openChallenge(seal: Seal, use: string): { readonly challenge: Buffer; readonly sealed: string } {
  const challenge = newChallenge();
  const sealed = seal.close({ c: challenge.toString('base64url'), u: use, e: Date.now() + challengeMs });
  return { challenge, sealed };
}

export function challengeIn(seal: Seal, use: string, sealed: string): Buffer | undefined {
  const opened = seal.open(sealed);
  if (!isObject(opened) || opened.u !== use || typeof opened.e !== 'number' || opened.e <= Date.now()) return undefined;
  return typeof opened.c === 'string' ? Buffer.from(opened.c, 'base64url') : undefined;
}

/** A text that the page brings back unread, such as the secret of a second factor that is not kept yet. */
export function sealedText(seal: Seal, use: string, text: string): string {
  return seal.close({ t: text, u: use, e: Date.now() + lifetimeMs });
}

export function textIn(seal: Seal, use: string, sealed: string): string | undefined {
  const opened = seal.open(sealed);
  if (!isObject(opened) || opened.u !== use || typeof opened.e !== 'number' || opened.e <= Date.now()) return undefined;
  return typeof opened.t === 'string' ? opened.t : undefined;
}

export type Fields = (name: string) => string;

/** Fields of a form. A file, or a field that is given twice, is no text. */
export async function fieldsOf(request: {
  readonly parseBody: () => Promise<Readonly<Record<string, unknown>>>;
}): Promise<Fields> {
  // What is no form has no fields.
  const body: Readonly<Record<string, unknown>> = await request.parseBody().catch(() => ({}));
  return (name) => {
    const value = Object.hasOwn(body, name) ? body[name] : undefined;
    return typeof value === 'string' ? value : '';
  };
}

/** A JSON text of the script of the page. */
export function answerIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // It proves nothing, which is what is said of it.
    return undefined;
  }
}

/** Where to go after a sign-in: within these pages only. */
export function safePath(path: string): string {
  return /^\/approvals(?:\/ap_[a-z2-9]{1,32})?$/.test(path) ? path : '/approvals';
}
