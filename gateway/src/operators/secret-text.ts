/** Secret texts that operators carry: tokens, sessions, one-time links. Only their HMAC is kept. */
import { createHmac, randomBytes } from 'node:crypto';

/** `sop_` lets scanners find a leaked token; 256 random bits. */
export const tokenPrefix = 'sop_';

export function newSecret(prefix = ''): string {
  return prefix + randomBytes(32).toString('base64url');
}

/** Public name of a thing: letters that are not mixed up when they are read aloud. */
export function newName(prefix: string): string {
  const letters = 'abcdefghjkmnpqrstvwxyz23456789';
  return prefix + Array.from(randomBytes(12), (byte) => letters[byte % letters.length]).join('');
}

/** `purpose` keeps a session from being used as a token, and the other way round. In hex. */
export function macOf(key: Buffer, purpose: 'token' | 'session' | 'link', text: string): string {
  return createHmac('sha256', key).update(`${purpose}\n${text}`).digest('hex');
}
