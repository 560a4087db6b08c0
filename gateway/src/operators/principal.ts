/** Who asks the admin API or opens a page, and what it may do now. */
import type { Operator, OperatorToken, Session } from './operator.ts';
import { operatorBounds } from './operator.ts';
import { type OperatorRole, type Permission, permissionsOf } from './roles.ts';
import { tokenPrefix } from './secret-text.ts';
import type { OperatorStore } from './store.ts';

export interface Principal {
  readonly operator: Operator;
  /** Of a token its own, which is never more than that of its operator. */
  readonly role: OperatorRole;
  readonly via:
    | { readonly kind: 'token'; readonly token: OperatorToken }
    | { readonly kind: 'session'; readonly session: Session };
}

export function may({ role, operator }: Principal, permission: Permission): boolean {
  // An operator of some servers would lift its own limit, or make one without.
  if (operator.servers !== undefined && permission.startsWith('operators.')) return false;
  // A token outlives a change of its operator's role, and its rights do not.
  return permissionsOf[role].has(permission) && permissionsOf[operator.role].has(permission);
}

/** Was it proven a moment ago who is there? A token is what a script has: no person can be asked. */
export function isFresh({ via }: Principal, now: number): boolean {
  return via.kind === 'token' || now - via.session.provenAt < operatorBounds.freshMs;
}

export function byToken(store: OperatorStore, authorization: string, now: number): Principal | undefined {
  const [, text = ''] = /^Bearer +([A-Za-z0-9_-]{40,128})$/i.exec(authorization) ?? [];
  if (!text.startsWith(tokenPrefix)) return undefined;
  const token = store.tokens.use(text, now);
  const operator = token === undefined ? undefined : inForce(store, token.operator);
  if (token === undefined || operator === undefined) return undefined;
  return { operator, role: token.role, via: { kind: 'token', token } };
}

export function bySession(store: OperatorStore, text: string, now: number): Principal | undefined {
  const session = store.sessions.use(text, now);
  const operator = session === undefined ? undefined : inForce(store, session.operator);
  if (session === undefined || operator === undefined) return undefined;
  return { operator, role: operator.role, via: { kind: 'session', session } };
}

/** Is what it proved itself with still good, and the operator what it was? Cheap: asked for each event that one watches. */
export function isInForce(store: OperatorStore, { operator, via }: Principal, now: number): boolean {
  return via.kind === 'token'
    ? store.tokens.stands(via.token.id, operator, now)
    : store.sessions.stands(via.session.id, operator, now);
}

function inForce(store: OperatorStore, id: string): Operator | undefined {
  const operator = store.get(id);
  return operator?.revokedAt === undefined ? operator : undefined;
}
