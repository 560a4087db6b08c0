/** Presses of buttons in Slack: who pressed which, proven by the signature of the request. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isObject } from '../../protocol/json.ts';

export interface Press {
  /** Id of the Slack user: the name that it shows is its own choice, and proves nothing. */
  readonly user: string;
  readonly action: 'approve' | 'reject';
  /** What the button holds, as it came: see `button.ts`. */
  readonly value: string;
}

/** Seconds that a request may be old (docs.slack.dev, verifying requests). */
const maxAgeSeconds = 300;

export interface SignedRequest {
  readonly timestamp: string;
  readonly signature: string;
  readonly body: string;
}

/** Undefined when the signature does not fit, the request is old, or it is about something else. */
export function pressOf({ timestamp, signature, body }: SignedRequest, secret: string, now: number): Press | undefined {
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now / 1_000 - Number(timestamp)) > maxAgeSeconds) return undefined;
  const wanted = Buffer.from(`v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`);
  const given = Buffer.from(signature);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
  return readPress(new URLSearchParams(body).get('payload') ?? '');
}

function readPress(payload: string): Press | undefined {
  let read: unknown;
  try {
    read = JSON.parse(payload);
  } catch {
    return undefined;
  }
  if (!isObject(read)) return undefined;
  const { type, user, actions } = read;
  const action = Array.isArray(actions) && actions.length === 1 ? actions[0] : undefined;
  if (type !== 'block_actions' || !isObject(user) || typeof user.id !== 'string' || !isObject(action)) return undefined;
  const { action_id: name, value } = action;
  if ((name !== 'approve' && name !== 'reject') || typeof value !== 'string') return undefined;
  return { user: user.id, action: name, value };
}
