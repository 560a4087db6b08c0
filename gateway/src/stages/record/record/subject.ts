/** The subject of a record, and what a record says of a caller. */
import type { AuditEvent } from '../../../pipeline/contracts/audit.ts';

/** Who it is about. Roles, claims and scopes are not recorded: the revision and the rule say what they led to. */
export interface Who {
  readonly user?: string;
  readonly agent?: string;
  readonly application?: string;
  readonly credential?: { readonly kind: string; readonly id: string };
}

export type Names = NonNullable<AuditEvent['caller']>;

/** The subject of records without a known caller. */
export const unknownSubject = 'unknown';

/** The subject of a record: the person if there is one, else the agent, else the application. */
export function subjectOf(who: Who | undefined): string {
  if (who?.user !== undefined) return `user:${who.user}`;
  if (who?.agent !== undefined) return `agent:${who.agent}`;
  if (who?.application !== undefined) return `application:${who.application}`;
  return unknownSubject;
}

/** The members of a caller that a record names; `undefined` ones are left out by JSON. */
export function whoOf({ user, agent, application, credential }: Names): { readonly [Name in keyof Who]: unknown } {
  return {
    user,
    agent,
    application,
    credential: credential === undefined ? undefined : { kind: credential.kind, id: credential.id },
  };
}
