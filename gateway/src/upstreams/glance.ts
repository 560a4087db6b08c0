/** A look at what a server defines that no client asked for: it keeps nothing alive that would otherwise end. */
import { Cancellation } from '../pipeline/cancellation.ts';
import type { ListResult, ServerFacts } from '../pipeline/contracts/upstream.ts';
import type { ListKind } from '../protocol/methods.ts';
import type { ServerClient } from './client.ts';

export interface Glance {
  readonly server: string;
  /** `undefined` where the server cannot be reached. */
  facts(): Promise<ServerFacts | undefined>;
  list(kind: ListKind): Promise<ListResult>;
  /** What the server was given and must not come back out of it. */
  secrets(): readonly string[];
  /** Gives up what is under way. */
  end(): void;
}

/** Over a connection that there is, and that is as idle afterwards as it was. */
export function glanceOver(client: ServerClient): Glance {
  const cancellation = new Cancellation();
  return {
    server: client.server,
    facts: () => Promise.resolve(client.connectedFacts),
    list: (kind) => client.glance(kind, cancellation),
    secrets: () => client.secrets(),
    end: () => cancellation.cancel(),
  };
}

/** Over a connection of its own. `close`: takes the upstream client back. */
export function glanceThrough(client: ServerClient, close: () => void): Glance {
  return {
    server: client.server,
    async facts() {
      const facts = await client.facts();
      return 'failure' in facts ? undefined : facts;
    },
    list: (kind) => client.list(kind),
    secrets: () => client.secrets(),
    end: close,
  };
}
