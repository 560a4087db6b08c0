/**
 * Placeholders for values that a client must not see and may send back. Each holds its value, encrypted so that nothing has
 * to be remembered (deterministic authenticated encryption, as in RFC 5297): the same value of the same caller under the same
 * guardrail has the same placeholder, and it opens for that caller and guardrail only.
 */
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';

export interface Owner {
  /** Of the caller. */
  readonly caller: string;
  readonly guardrail: string;
}

export interface Placeholders {
  /** `undefined` for a value that is too long for one. `found`: the class that stands in it for people and models. */
  close(value: string, found: string, owner: Owner): string | undefined;
  /** The text with the values of those of its placeholders that open for one of these guardrails. */
  open(text: string, caller: string, guardrails: readonly string[]): string;
}

const maxValueLength = 512;
/** In one text. */
const maxOpened = 200;
const tagSize = 16;
const padding = 16;
const pattern = /\[\[([a-z][\w-]{0,63}):([\w-]{43,1500})\]\]/g;

/** `key`: 64 secret bytes. */
export function createPlaceholders(key: Buffer): Placeholders {
  const macKey = key.subarray(0, 32);
  const cipherKey = key.subarray(32, 64);
  const tagOf = (plain: Buffer, found: string, { caller, guardrail }: Owner): Buffer =>
    createHmac('sha256', macKey)
      .update(JSON.stringify([caller, guardrail, found]))
      .update('\n')
      .update(plain)
      .digest()
      .subarray(0, tagSize);

  const openOne = (found: string, body: string, owner: Owner): string | undefined => {
    const bytes = Buffer.from(body, 'base64url');
    if (bytes.length <= tagSize || bytes.toString('base64url') !== body) return undefined;
    const tag = bytes.subarray(0, tagSize);
    const plain = createDecipheriv('aes-256-ctr', cipherKey, tag).update(bytes.subarray(tagSize));
    if (!timingSafeEqual(tagOf(plain, found, owner), tag)) return undefined;
    return plain.subarray(0, plain.lastIndexOf(0x80)).toString('utf8');
  };

  return {
    close(value, found, owner) {
      if (value.length > maxValueLength) return undefined;
      const plain = padded(value);
      const tag = tagOf(plain, found, owner);
      const sealed = createCipheriv('aes-256-ctr', cipherKey, tag).update(plain);
      return `[[${found}:${Buffer.concat([tag, sealed]).toString('base64url')}]]`;
    },
    open(text, caller, guardrails) {
      if (guardrails.length === 0 || !text.includes('[[')) return text;
      let left = maxOpened;
      return text.replace(pattern, (whole, found: string, body: string) => {
        if (left-- <= 0) return whole;
        for (const guardrail of guardrails) {
          const value = openOne(found, body, { caller, guardrail });
          if (value !== undefined) return value;
        }
        return whole;
      });
    },
  };
}

/** To a multiple of 16 bytes, so that a placeholder says little about the length of its value. */
function padded(value: string): Buffer {
  const bytes = Buffer.from(value);
  const plain = Buffer.alloc(Math.ceil((bytes.length + 1) / padding) * padding);
  bytes.copy(plain);
  plain[bytes.length] = 0x80;
  return plain;
}
