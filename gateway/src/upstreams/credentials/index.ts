/** The credentials of one server: which one a caller's call gets, and how each of them is. */
import { callCredentials, chosenKind, standbyOf } from '../../config/schema/credentials.ts';
import type { HttpServerConfig } from '../../config/schema/servers.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Tier } from '../../pipeline/contracts/policy.ts';
import type { Credential, CredentialDefinition, CredentialKind, CredentialParts, CredentialState } from './contract.ts';
import { credentialKinds } from './kinds.ts';
import { withStandby } from './standby.ts';

export interface CredentialReport {
  readonly credential: string;
  readonly caller: string;
  readonly state: CredentialState;
  readonly expiresAt?: number;
  readonly problem?: string;
}

const none: { readonly credential: undefined; readonly key: '' } = { credential: undefined, key: '' };

interface Choice {
  readonly name: string;
  readonly kind: CredentialKind;
  readonly tier: Tier | undefined;
  readonly matches: (caller: Caller | undefined) => boolean;
}

function kindOf(section: object, server: HttpServerConfig, parts: ServerParts): CredentialKind {
  const { kinds = credentialKinds, ...rest } = parts;
  const chosen = chosenKind(section, kinds);
  if (chosen === undefined) throw new Error('a credential of no kind passed the schema');
  return chosen.kind.create(chosen.options, { ...rest, resource: server.url.replace(/#.*$/, '') });
}

/** What the credentials of one server are made with. `kinds`: in place of those that ship. */
export interface ServerParts extends Omit<CredentialParts, 'resource'> {
  /** The standby of this server takes the place of its credential. */
  readonly onStandby?: ((server: string) => void) | undefined;
  readonly kinds?: readonly CredentialDefinition[];
}

export class ServerCredentials {
  readonly #choices: readonly Choice[];
  readonly #hasAccounts: boolean;

  constructor(server: HttpServerConfig, parts: ServerParts) {
    const first = (section: object): Choice => {
      const kind = kindOf(section, server, parts);
      return {
        name: 'credential',
        kind: second === undefined ? kind : withStandby(kind, second, () => parts.onStandby?.(parts.name)),
        tier: undefined,
        matches: () => true,
      };
    };
    const special = callCredentials(server.credentials).list.map(({ for: selector, ...config }, index): Choice => {
      const { tier, user, agent, application, role } = selector;
      const named = { user, agent, application };
      return {
        name: `credentials[${index}]`,
        kind: kindOf(config, server, parts),
        tier,
        matches: (caller) =>
          Object.entries(named).every(
            ([kind, names]) =>
              names === undefined || names.includes(caller?.[kind as 'user' | 'agent' | 'application'] ?? ''),
          ) &&
          (role === undefined || role.some((each) => caller?.roles.includes(each) === true)),
      };
    });
    const standby = standbyOf(server.credentials);
    const second = standby && kindOf(standby, server, parts);
    this.#choices = [...special, ...(server.credential === undefined ? [] : [first(server.credential)])];
    this.#hasAccounts = chosenKind(server.credential, parts.kinds ?? credentialKinds)?.kind.hasAccounts === true;
  }

  /** The credential of a session to the server; `key` tells sessions with different credentials apart. */
  session(caller: Caller | undefined): { readonly credential: Credential | undefined; readonly key: string } {
    if (this.#choices.length === 0) return none;
    let credential: Credential | undefined;
    const names: string[] = [];
    for (const { tier, kind, name, matches } of this.#choices) {
      if (!matches(caller) || (tier === undefined && credential !== undefined)) continue;
      const own = kind.of(caller);
      if (tier === undefined) credential = own;
      names.push(kind.perCaller ? `${name} ${kind.keyOf?.(caller) ?? caller?.key ?? ''}` : name);
    }
    return { credential, key: names.join(' ') };
  }

  /** The credential of one call, where tools of its tier have one of their own. */
  ofTier(caller: Caller | undefined, tier: Tier): Credential | undefined {
    return this.#choices.find((each) => each.tier === tier && each.matches(caller))?.kind.of(caller);
  }

  /** Secrets of the credentials that are the same for every caller and never renewed. */
  fixed(): readonly string[] {
    return this.#choices.flatMap(({ kind }) => (kind.perCaller ? [] : kind.of(undefined).secrets()));
  }

  /** True when users have accounts of their own there. */
  get hasAccounts(): boolean {
    return this.#hasAccounts;
  }

  /** True when nothing is presented. */
  get isEmpty(): boolean {
    return this.#choices.length === 0;
  }

  /** True while the standby takes the place of the credential that is the same for every caller. */
  get isOnStandby(): boolean {
    return this.#choices.some(({ kind }) => kind.isOnStandby?.() === true);
  }

  /** True where a session without a caller has another credential than the sessions of callers, or none. */
  get isOfCallers(): boolean {
    return this.#hasAccounts || this.#choices.some(({ kind }) => kind.perCaller);
  }

  get hasTiers(): boolean {
    return this.#choices.some(({ tier }) => tier !== undefined);
  }

  report(): readonly CredentialReport[] {
    return this.#choices.flatMap(({ name, kind }) =>
      [...kind.all()].map(([caller, credential]) => ({ credential: name, caller, ...credential.state() })),
    );
  }
}
