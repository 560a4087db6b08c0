/** What one revision of the configuration became. A new revision makes a new one; nothing in it changes. */

import type { Catalogs } from '../catalog/index.ts';
import type { Revision } from '../config/revision.ts';
import type { Configuration } from '../config/schema/index.ts';
import { guardedFetch } from '../egress/fetch.ts';
import { egressGuard } from '../egress/guard.ts';
import type { SignIns } from '../pipeline/contracts/accounts.ts';
import type { Breaker } from '../pipeline/contracts/breaker.ts';
import type { Snapshot } from '../pipeline/contracts/snapshot.ts';
import type { KeyRing } from '../stages/authenticate/api-key/key-ring.ts';
import { type Authentication, makeAuthentication } from '../stages/authenticate/index.ts';
import { type TokenAuthenticator, tokenAuthenticator } from '../stages/authenticate/jwt/authenticator.ts';
import type { IssuerKeyRegistry } from '../stages/authenticate/jwt/directory.ts';
import { signIns } from '../stages/authenticate/sign-in/sign-in.ts';
import { compileLimits } from '../stages/limits/rules/compile.ts';
import type { ServerDirectory } from '../upstreams/index.ts';
import { type ServerControls, stricter } from './server-controls.ts';

/** What servers are: by the configuration, and by what operators switched off since. */
export function statusesOf(
  { servers }: Pick<Configuration, 'servers'>,
  controls: SnapshotParts['controls'],
): Pick<Snapshot, 'statusOf' | 'switched'> {
  return {
    statusOf(name) {
      const server = Object.hasOwn(servers, name) ? servers[name] : undefined;
      return server && stricter(server.status, controls.of(name)?.state);
    },
    switched: (name) => controls.of(name),
  };
}

/** What the road sees of it, and what listeners and pages need beside that. */
export interface RuntimeSnapshot extends Snapshot {
  readonly loaded: Revision;
  readonly authentication: Authentication;
  readonly tokens: TokenAuthenticator;
  readonly signIns: SignIns;
}

/** What survives reloads, and what a snapshot is made of beside its revision. */
export interface SnapshotParts {
  readonly keys: KeyRing;
  readonly upstreams: ServerDirectory;
  readonly catalogs: Catalogs;
  readonly breaker: Breaker;
  readonly controls: Pick<ServerControls, 'of'>;
  readonly issuerKeys: IssuerKeyRegistry;
  /** Told of an address whose credentials have failed too often, and for how many milliseconds it has to wait. */
  readonly onThrottled: (address: string, pause: number) => void;
}

export function snapshotOf(revision: Revision, policy: Snapshot['policy'], parts: SnapshotParts): RuntimeSnapshot {
  const { keys, upstreams, catalogs, breaker, controls, issuerKeys, onThrottled } = parts;
  const { configuration } = revision;
  const { bounds, servers } = configuration;
  const serverOf = (name: string) => (Object.hasOwn(servers, name) ? servers[name] : undefined);
  const snapshot: Snapshot = {
    revision: revision.digest,
    bounds,
    policy,
    limits: compileLimits(revision),
    upstreams,
    breaker,
    ...statusesOf(configuration, controls),
    catalog: (name, upstream) => {
      const config = serverOf(name);
      if (config === undefined) throw new Error(`no server ${name} in this revision`);
      return catalogs.of(upstream, config, bounds);
    },
  };
  const fetch = guardedFetch(egressGuard(configuration.egress.allow));
  issuerKeys.configure(configuration, fetch);
  const { proofs, throttle } = issuerKeys;
  const keysOf: IssuerKeyRegistry['of'] = (issuer) => issuerKeys.of(issuer);
  const tokens = tokenAuthenticator({ configuration, keysOf, fetch, proofs, throttle });
  const authentication = makeAuthentication({ configuration, keys, tokens, throttle, onThrottled });
  return { ...snapshot, loaded: revision, tokens, authentication, signIns: signIns(configuration, keysOf, fetch) };
}
