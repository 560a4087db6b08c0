/**
 * The authorization server of one server: found out by asking the server, held to the one that was agreed to, and its
 * metadata remembered for a while.
 */
import { metadataProblem } from '../../../oauth/authorization.ts';
import { discover, type ServerMetadata } from '../../../oauth/discovery.ts';
import { discoverResource, type ResourceFacts } from '../../../oauth/resource.ts';
import type { TokenPlace } from '../../../oauth/token-endpoint.ts';
import type { AccountOutcome } from '../../../pipeline/contracts/accounts.ts';
import type { BookParts } from './book.ts';
import { type IssuerPin, readPin, writePin } from './pins.ts';
import type { AccountSettings } from './server-accounts.ts';

const metadataLifeMs = 3_600_000;
/** A server is not asked more often than this whose tokens it wants, however many accounts there are to renew. */
const verifyPauseMs = 10_000;

/** An authorization server that may be used, and what the server says beside its name. */
export interface Agreed {
  readonly metadata: ServerMetadata;
  readonly facts: ResourceFacts;
}

export class Authority {
  readonly #server: string;
  readonly #parts: BookParts;
  readonly #metadata = new Map<string, { readonly metadata: ServerMetadata; readonly until: number }>();
  #settings: AccountSettings;
  #pin: IssuerPin | undefined;
  #verifying: Promise<void> | undefined;
  #verifiedAt = Number.NEGATIVE_INFINITY;

  constructor(server: string, settings: AccountSettings, parts: BookParts) {
    this.#server = server;
    this.#parts = parts;
    this.#settings = settings;
    this.#pin = readPin(parts.data, server);
  }

  configure(settings: AccountSettings): void {
    this.#settings = settings;
  }

  /** An operator may have agreed to another one by command. */
  look(): void {
    const pin = readPin(this.#parts.data, this.#server);
    if (pin !== undefined && this.#pin?.named !== undefined && pin.named === undefined) {
      const detail = { before: this.#pin.issuer, issuer: pin.issuer };
      this.#parts.log.info({ server: this.#server, ...detail }, 'an operator agreed to an authorization server');
      this.#parts.note({ kind: 'issuer-agreed', at: Date.now(), server: this.#server, detail });
    }
    this.#pin = pin;
  }

  /** Why no credential goes to the server at the moment; for the operator. */
  blocked(): string | undefined {
    const named = this.#pinned()?.named;
    const agreed = this.issuer();
    return named === undefined || named === agreed
      ? undefined
      : `the server names the authorization server ${named}, and ${String(agreed)} was agreed to; if that is right: sallyport server trust ${this.#server} --issuer ${named}`;
  }

  /** The one that was agreed to: by the configuration, else by a command, else by the first account. */
  issuer(): string | undefined {
    return this.#settings.config.issuer ?? this.#pinned()?.issuer;
  }

  /** The first account was connected with this one. */
  agreeTo(issuer: string): void {
    if (this.#pinned() === undefined) this.#setPin({ url: this.#settings.url, issuer, since: Date.now() });
  }

  /** Asks the server whose tokens it wants; what it says is known afterwards. */
  verify(): Promise<void> {
    if (this.#verifying !== undefined) return this.#verifying;
    const now = performance.now();
    if (now - this.#verifiedAt < verifyPauseMs) return Promise.resolve();
    this.#verifiedAt = now;
    this.#verifying = this.#facts()
      .then((found) => {
        if (found.ok) this.#choose(found.value);
      })
      .finally(() => {
        this.#verifying = undefined;
      });
    return this.#verifying;
  }

  /** Asks the server anew, and reads the metadata of the one that it names. */
  async find(): Promise<AccountOutcome<Agreed>> {
    const facts = await this.#facts();
    if (!facts.ok) return facts;
    const issuer = this.#choose(facts.value);
    if (!issuer.ok) return issuer;
    const metadata = await this.metadataOf(issuer.value, { fresh: true });
    if (!metadata.ok) return metadata;
    const problem = metadataProblem(metadata.value) ?? this.#endpointProblem(metadata.value);
    return problem === undefined
      ? { ok: true, value: { metadata: metadata.value, facts: facts.value } }
      : { ok: false, problem };
  }

  async metadataOf(issuer: string, { fresh = false } = {}): Promise<AccountOutcome<ServerMetadata>> {
    const known = this.#metadata.get(issuer);
    if (!fresh && known !== undefined && Date.now() < known.until) return { ok: true, value: known.metadata };
    const { config, url, fetch } = this.#settings;
    if (!URL.canParse(issuer)) return { ok: false, problem: 'the issuer is no URL' };
    // The operator chose it: the configured issuer, or an issuer on the origin of the configured server.
    const operator = issuer === config.issuer || new URL(issuer).origin === new URL(url).origin;
    const found = await discover({ issuer, operator }, fetch);
    if (!found.ok) return found;
    this.#metadata.clear();
    this.#metadata.set(issuer, { metadata: found.metadata, until: Date.now() + metadataLifeMs });
    return { ok: true, value: found.metadata };
  }

  async #facts(): Promise<AccountOutcome<ResourceFacts>> {
    const { url, config, fetch } = this.#settings;
    const found = await discoverResource(url, fetch);
    if (found.ok) return { ok: true, value: found.facts };
    // An operator who names the issuer needs no document for it.
    if (found.missing === true && config.issuer !== undefined)
      return { ok: true, value: { resource: url, issuers: [config.issuer], scopes: [], challenged: [] } };
    return { ok: false, problem: found.problem };
  }

  /** The issuer to use: the one that was agreed to, as long as the server still names it. */
  #choose({ issuers }: ResourceFacts): AccountOutcome<string> {
    const agreed = this.issuer();
    const [first = ''] = issuers;
    if (agreed === undefined) return { ok: true, value: first };
    if (issuers.includes(agreed)) {
      const blocked = this.blocked();
      return blocked === undefined ? { ok: true, value: agreed } : { ok: false, problem: blocked };
    }
    const pin = this.#pinned();
    if (pin?.named !== first) {
      this.#setPin({ url: this.#settings.url, issuer: agreed, since: pin?.since ?? Date.now(), named: first });
      this.#parts.log.error(
        { server: this.#server, agreed, named: first },
        'THE SERVER NAMES ANOTHER AUTHORIZATION SERVER: no credential goes there until an operator agrees',
      );
      this.#parts.note({
        kind: 'issuer-changed',
        at: Date.now(),
        server: this.#server,
        detail: { agreed, named: first },
      });
    }
    return { ok: false, problem: this.blocked() ?? 'the server names another authorization server' };
  }

  /** The pin, if it is for the current URL of the server: consent for another URL does not count. */
  #pinned(): IssuerPin | undefined {
    return this.#pin?.url === this.#settings.url ? this.#pin : undefined;
  }

  #setPin(pin: IssuerPin): void {
    this.#pin = pin;
    writePin(this.#parts.data, this.#server, pin);
    this.#parts.announce('issuers');
  }

  /** A browser is sent there, with whatever the user has at that origin. */
  #endpointProblem(metadata: ServerMetadata): string | undefined {
    const endpoint = metadata.url('authorization_endpoint');
    if (endpoint === undefined) return 'the authorization server names no authorization_endpoint';
    if (tokenPlace(metadata) === undefined) return 'the authorization server names no token_endpoint';
    const url = new URL(endpoint.url);
    if (url.hash !== '') return 'the authorization_endpoint has a fragment';
    if (endpoint.operator && /^https?:$/.test(url.protocol)) return undefined;
    const problem = this.#settings.guard.refusal(url);
    return problem === undefined ? undefined : `the authorization_endpoint ${problem}`;
  }
}

export function tokenPlace(metadata: ServerMetadata): TokenPlace | undefined {
  const endpoint = metadata.url('token_endpoint');
  return endpoint === undefined ? undefined : { ...endpoint, issuer: metadata.issuer };
}
