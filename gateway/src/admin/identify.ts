/** Who sent a request: a token of an operator, or the session that a cookie names. */

import { bySession, byToken, type Principal } from '../operators/principal.ts';
import type { FailureThrottle } from '../operators/sign-in.ts';
import type { OperatorStore } from '../operators/store.ts';
import { type AdminRequest, addressOf } from './context.ts';

/** Whether browsers come by https. */
export interface Secured {
  readonly isSecure: boolean;
}

/**
 * Cookies do not know of ports: two gateways of one machine would sign each other's operators out. Without https, on this
 * machine, a cookie cannot have the prefix that only https may set.
 */
function cookieName(request: AdminRequest, what: 'operator' | 'attempt', { isSecure }: Secured): string {
  const port = /:(\d{1,5})$/.exec(request.req.header('host') ?? '')?.[1];
  return `${isSecure ? '__Host-' : ''}sallyport-${what}${port === undefined ? '' : `-${port}`}`;
}

const maxCookies = 16_384;

/** 256 bits in base64url. */
function cookieOf(request: AdminRequest, wanted: string): string | undefined {
  for (const pair of (request.req.header('cookie') ?? '').slice(0, maxCookies).split(';')) {
    const [name = '', value = ''] = pair.trim().split('=', 2);
    if (name === wanted) return /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined;
  }
  return undefined;
}

export function sessionCookie(request: AdminRequest, text: string, wanted: Secured & Lasting): string {
  return setting(cookieName(request, 'operator', wanted), text, wanted);
}

/** Names the browser that went to an issuer, until it comes back. */
export function attemptCookie(request: AdminRequest, text: string, wanted: Secured & Lasting): string {
  return setting(cookieName(request, 'attempt', wanted), text, wanted);
}

export function attemptTextOf(request: AdminRequest, { isSecure }: Secured): string | undefined {
  return cookieOf(request, cookieName(request, 'attempt', { isSecure }));
}

interface Lasting {
  readonly maxAgeSeconds: number;
}

/** Lax, so that a link in a message leads to a page; whatever changes something needs its own origin as well. */
function setting(name: string, text: string, { isSecure, maxAgeSeconds }: Secured & Lasting): string {
  const secure = isSecure ? '; Secure' : '';
  return `${name}=${text}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${secure}`;
}

/** Failures of one address that cost nothing. */
const freeFailures = 10;

export function sessionTextOf(request: AdminRequest, { isSecure }: Secured): string | undefined {
  return cookieOf(request, cookieName(request, 'operator', { isSecure }));
}

/** The operator whose session the cookie of a browser names. */
export function sessionPrincipal(
  request: AdminRequest,
  { operators, isSecure }: Secured & { readonly operators: OperatorStore },
): Principal | undefined {
  const text = sessionTextOf(request, { isSecure });
  return text === undefined ? undefined : bySession(operators, text, Date.now());
}

export type Identified =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly reason: 'none' | 'wrong' | 'throttled' };

export function identify(
  request: AdminRequest,
  {
    operators,
    throttle,
    isSecure,
  }: {
    readonly operators: OperatorStore;
    readonly throttle: FailureThrottle;
    readonly isSecure: boolean;
  },
): Identified {
  const now = Date.now();
  const authorization = request.req.header('authorization');
  if (authorization !== undefined) {
    const address = addressOf(request) ?? 'unknown';
    const principal = byToken(operators, authorization, now);
    if (principal !== undefined) return { ok: true, principal };
    if (throttle.pause(address, undefined, now, freeFailures) > 0) return { ok: false, reason: 'throttled' };
    throttle.failed(address, undefined, now, freeFailures);
    return { ok: false, reason: 'wrong' };
  }
  const principal = sessionPrincipal(request, { operators, isSecure });
  return principal === undefined ? { ok: false, reason: 'none' } : { ok: true, principal };
}
