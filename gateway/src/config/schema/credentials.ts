/** What the gateway presents to a server: sections that are assembled from the kinds of credential there are. */
import { z } from 'zod';
import type { CredentialDefinition } from '../../upstreams/credentials/contract.ts';
import { credentialKinds } from '../../upstreams/credentials/kinds.ts';
import { type OptionalKeys, optionalKeys } from './plug-in.ts';
import { callerName, name, oneOrMore } from './units.ts';

const selector = z
  .strictObject({
    tier: z.enum(['read', 'write', 'destructive']).optional().describe('Calls of tools of this tier.'),
    user: oneOrMore(callerName).optional().describe('Calls of these users.'),
    agent: oneOrMore(callerName).optional().describe('Calls of these agents.'),
    application: oneOrMore(callerName).optional().describe('Calls of these applications.'),
    role: oneOrMore(name).optional().describe('Calls of callers with one of these roles.'),
  })
  .refine((value) => Object.keys(value).length > 0, 'must say for which tier or caller')
  .describe('Which calls: every key that is given must match.');

function exactlyOne(ids: readonly string[]) {
  return [
    (value: object) =>
      Object.entries(value).filter(([id, options]) => ids.includes(id) && options !== undefined).length === 1,
    `must have exactly one of ${ids.join(', ')}`,
  ] as const;
}

/** The credential of a whole server, and those of some calls only, from these kinds. */
export function credentialSections<const Kinds extends readonly CredentialDefinition[]>(kinds: Kinds) {
  const all: OptionalKeys<Kinds> = optionalKeys(kinds);
  const ids = kinds.map(({ id }) => id);
  const shared = kinds.filter(({ hasAccounts }) => hasAccounts !== true).map(({ id }) => id);
  const ofCalls = Object.fromEntries(Object.entries(all).filter(([id]) => shared.includes(id))) as OptionalKeys<Kinds>;
  const calls = z
    .array(z.strictObject({ for: selector, ...ofCalls }).refine(...exactlyOne(shared)))
    .max(64)
    .default([])
    .describe('Credentials for some calls only; the first that fits counts, before `credential`.');
  const standby = z
    .strictObject(ofCalls)
    .refine(...exactlyOne(shared))
    .optional()
    .describe(
      'Takes the place of `credential` once the server refuses that, until the configuration changes. Not beside one that each caller has of its own.',
    );
  return {
    credential: z
      .strictObject(all)
      .refine(...exactlyOne(ids))
      .optional()
      .describe('What the gateway presents to this server. The credential of the caller never goes there.'),
    credentials: z
      .union([calls, z.strictObject({ standby, calls })])
      .prefault([])
      .describe('Credentials for some calls only, as a list; or these as `calls`, beside a `standby`.'),
  };
}

export const { credential, credentials } = credentialSections(credentialKinds);

export type CredentialConfig = NonNullable<z.output<typeof credential>>;

type CredentialsConfig = z.output<typeof credentials>;
export type CallCredential = Extract<CredentialsConfig, readonly unknown[]>[number];

/** Those of some calls only, and where they stand below `credentials`. */
export function callCredentials(section: CredentialsConfig): {
  readonly list: readonly CallCredential[];
  readonly path: readonly string[];
} {
  return Array.isArray(section) ? { list: section, path: [] } : { list: section.calls, path: ['calls'] };
}

export function standbyOf(section: CredentialsConfig) {
  return Array.isArray(section) ? undefined : section.standby;
}

/** The kind that a section names, with its options as they were read. */
export function chosenKind<const Kinds extends readonly CredentialDefinition[]>(
  section: object | undefined,
  kinds: Kinds,
): { readonly kind: CredentialDefinition; readonly options: unknown } | undefined {
  for (const kind of kinds) {
    const options: unknown = section === undefined ? undefined : Reflect.get(section, kind.id);
    if (options !== undefined) return { kind, options };
  }
  return undefined;
}

/** Made from the token that a caller presented, so that one must be kept while the caller is known. */
export function needsCallerToken(section: CredentialConfig | undefined): boolean {
  return chosenKind(section, credentialKinds)?.kind.needsCallerToken === true;
}
