/** Passwords (Argon2id, RFC 9106) with a second factor (TOTP, RFC 6238): the fallback of those who have no passkey. */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Secret, TOTP } from 'otpauth';

const derive = promisify(argon2);
/** Memory in KiB. A check takes some tens of milliseconds and 19 MiB, so few run at once. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const tagLength = 32;
const maxAtOnce = 2;
const maxWaiting = 32;

export const passwordBounds = { minLength: 12, maxLength: 256 } as const;
const period = 30;

let running = 0;
const waiting: (() => void)[] = [];

/** Undefined when too many wait. */
async function inTurn<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  if (running >= maxAtOnce) {
    if (waiting.length >= maxWaiting) return undefined;
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else running++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}

/** In the PHC string format. Undefined when too many are being made. */
export function hashOf(password: string): Promise<string | undefined> {
  return inTurn(async () => {
    const nonce = randomBytes(16);
    const tag = await derive('argon2id', { message: password.normalize('NFC'), nonce, tagLength, ...cost });
    const { memory, passes, parallelism } = cost;
    return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${plain(nonce)}$${plain(tag)}`;
  });
}

const phc = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{16,64})\$([A-Za-z0-9+/]{16,128})$/;

/** An unknown operator costs as much as a known one. */
const unknown = `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** `undefined` for the hash: there is none, which takes as long. `busy`: too many wait. */
export async function passwordFits(password: string, hash: string | undefined): Promise<boolean | 'busy'> {
  const [, memory = '', passes = '', parallelism = '', nonce = '', tag = ''] = phc.exec(hash ?? unknown) ?? [];
  const wanted = Buffer.from(tag, 'base64');
  if (wanted.length < 16) return false;
  const made = await inTurn(() =>
    derive('argon2id', {
      message: password.slice(0, passwordBounds.maxLength).normalize('NFC'),
      nonce: Buffer.from(nonce, 'base64'),
      tagLength: wanted.length,
      memory: Number(memory),
      passes: Number(passes),
      parallelism: Number(parallelism),
    }),
  );
  if (made === undefined) return 'busy';
  return timingSafeEqual(made, wanted) && hash !== undefined;
}

function plain(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

export interface SecondFactor {
  /** Base32. */
  readonly secret: string;
  /** `otpauth:` URI for the program of the person. */
  readonly uri: string;
}

export function newSecondFactor(name: string): SecondFactor {
  const secret = new Secret({ size: 20 });
  return { secret: secret.base32, uri: totpOf(secret.base32, name).toString() };
}

/** The step of time that the code belongs to, this one or a neighbour; undefined when it does not fit. */
export function stepOfCode(secret: string, code: string, now: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const delta = totpOf(secret, '').validate({ token: code, timestamp: now, window: 1 });
  return delta === null ? undefined : Math.floor(now / 1_000 / period) + delta;
}

function totpOf(secret: string, label: string): TOTP {
  return new TOTP({
    issuer: 'Sallyport',
    label,
    period,
    digits: 6,
    algorithm: 'SHA1',
    secret: Secret.fromBase32(secret),
  });
}
