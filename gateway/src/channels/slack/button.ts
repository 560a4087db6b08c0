/**
 * What a button in Slack stands for: the id of an approval, authenticated by the gateway. Slack signs each press, yet
 * what a button holds is chosen by the app or the person that posted it, who can give it another label.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface Button {
  /** The channel that the message was sent to. */
  readonly channel: string;
  readonly id: string;
  readonly digest: string;
}

/** Characters of base64url: 132 bits. */
const macLength = 22;

/** `<id>.<HMAC-SHA256>`. `key`: known to the gateway only. */
export function buttonValue(key: Buffer, { channel, id, digest }: Button): string {
  const mac = createHmac('sha256', key)
    .update(JSON.stringify([channel, id, digest]))
    .digest('base64url');
  return `${id}.${mac.slice(0, macLength)}`;
}

/** The id that a value names; nothing is proven by it. */
export function buttonId(value: string): string {
  return value.slice(0, Math.max(value.lastIndexOf('.'), 0));
}

/** Did the gateway send this value in a message of this channel, about this very approval? */
export function isButtonValue(key: Buffer, value: string, button: Button): boolean {
  const wanted = Buffer.from(buttonValue(key, button));
  const given = Buffer.from(value);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
