/** What the configuration says about the definitions of a server. */
import type { Configuration } from '../config/schema/index.ts';
import type { PinSettings } from '../config/schema/pins.ts';

export function pinsOf({ pins, servers }: Configuration, server: string): PinSettings {
  const own = Object.hasOwn(servers, server) ? servers[server]?.pins : undefined;
  return {
    mode: own?.mode ?? pins.mode,
    onChange: own?.onChange ?? pins.onChange,
    every: own?.every ?? pins.every,
  };
}

/** Servers to which a connection leads that has a rule with `includeNew`. */
export function serversWithNew({ connections }: Configuration): ReadonlySet<string> {
  const including = connections.filter(({ tools, prompts, resources }) =>
    [...tools, ...prompts, ...resources].some(({ includeNew }) => includeNew === true),
  );
  return new Set(including.flatMap(({ to }) => to));
}
