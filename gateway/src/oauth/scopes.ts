/** Which scopes a client asks for (2026-07-28, authorization, scope selection strategy). Pure. */

export interface ScopeFacts {
  /** Needed beyond what was granted so far, from a 403 of the server. */
  readonly wanted: readonly string[];
  readonly challenged: readonly string[];
  readonly configured: readonly string[];
  /** Of the resource. */
  readonly supported: readonly string[];
  /** Of the authorization server; `undefined` when it does not say. */
  readonly offered: readonly string[] | undefined;
  /** What the user has agreed to before: asking for less would take it away. */
  readonly granted: readonly string[];
}

const offline = 'offline_access';

export function scopesToAskFor(facts: ScopeFacts): readonly string[] {
  const { wanted, challenged, configured, supported, offered, granted } = facts;
  const base = [challenged, configured, supported].find((scopes) => scopes.length > 0) ?? [];
  const scopes = new Set([...granted, ...base, ...wanted]);
  // Only where the authorization server says that it knows it (SEP-2207).
  if (offered?.includes(offline) === true) scopes.add(offline);
  else if (!configured.includes(offline)) scopes.delete(offline);
  return [...scopes];
}
