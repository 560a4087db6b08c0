/** The keys of every issuer. Survives reloads: an issuer that did not change is not asked again. */
import type { Configuration } from '../../../config/schema/index.ts';
import type { Fetch } from '../../../egress/fetch.ts';
import { UsedProofs } from '../dpop/proof.ts';
import { Throttle } from '../throttle.ts';
import { IssuerKeys, type KeyLog } from './keys.ts';
import type { IssuerConfig } from './options.ts';

export class IssuerKeyRegistry {
  /** DPoP proofs that were used. */
  readonly proofs = new UsedProofs();
  readonly throttle = new Throttle();
  readonly #log: KeyLog;
  /** Egress rules are part of what an issuer's keys were read under. */
  #egress = '';
  #known = new Map<string, IssuerKeys>();

  constructor(log: KeyLog) {
    this.#log = log;
  }

  configure({ authentication, egress }: Configuration, fetch: Fetch): void {
    const known = new Map<string, IssuerKeys>();
    this.#egress = JSON.stringify(egress);
    for (const issuer of Object.values(authentication.issuers)) {
      const name = this.#nameOf(issuer);
      known.set(name, this.#known.get(name) ?? new IssuerKeys(issuer, fetch, this.#log));
    }
    this.#known = known;
  }

  of(issuer: IssuerConfig): IssuerKeys {
    const keys = this.#known.get(this.#nameOf(issuer));
    if (keys === undefined) throw new Error(`no keys for ${issuer.issuer} in this revision`);
    return keys;
  }

  #nameOf({ issuer, keys }: IssuerConfig): string {
    return JSON.stringify([issuer, keys, this.#egress]);
  }
}
