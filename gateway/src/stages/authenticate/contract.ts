/** A way to authenticate callers. Adding one: a folder and a line in `list.ts`. */
import type { z } from 'zod';
import type { PlugIn } from '../../config/schema/plug-in.ts';
import type { Authenticator } from '../../pipeline/contracts/authenticate.ts';
import type { KeyRing } from './api-key/key-ring.ts';
import type { CallerSettings } from './caller.ts';
import type { TokenAuthenticator } from './jwt/authenticator.ts';
import type { Throttle } from './throttle.ts';

export interface AuthenticationParts {
  readonly configuration: CallerSettings;
  readonly keys: KeyRing;
  /** Absent where no token can be presented, as on the command line. */
  readonly tokens?: TokenAuthenticator;
  readonly throttle?: Throttle;
  /** Told when a source that failed too often begins to wait; milliseconds. */
  readonly onThrottled?: (address: string, pause: number) => void;
}

/** A caller of the configuration that options name, and where: the path below the key of the authenticator. */
export interface NamedCaller {
  readonly path: readonly (string | number)[];
  readonly caller: {
    readonly user?: string | undefined;
    readonly agent?: string | undefined;
    readonly application?: string | undefined;
  };
}

/** What the configuration may say under `authentication.<id>`, and the authenticator that is made of it. */
export interface AuthenticatorDefinition<Id extends string = string, Options extends z.ZodType = z.ZodType>
  extends PlugIn<Id, Options> {
  /** Callers that must be named under `callers`. */
  callers?(options: z.output<Options>): readonly NamedCaller[];
  /** Made for each revision. `undefined`: nothing can be presented to it. */
  create(options: z.output<Options>, parts: AuthenticationParts): Authenticator | undefined;
}

export function defineAuthenticator<const Id extends string, Options extends z.ZodType>(
  definition: AuthenticatorDefinition<Id, Options>,
): AuthenticatorDefinition<Id, Options> {
  return definition;
}
