/** Which guardrails stand on the way to each server, from the outermost level. */
import type { Diagnostic } from '../../config/diagnostic.ts';
import type { Revision } from '../../config/revision.ts';
import type { DetectorUseConfig, GuardrailConfig, GuardrailReference } from '../../config/schema/guardrails.ts';
import { suggestion } from '../../config/suggest.ts';
import {
  type DetectorUse,
  type Guardrail,
  type GuardrailAction,
  type Guardrails,
  type GuardrailUse,
  noGuardrails,
} from '../../pipeline/contracts/guardrails.ts';
import { partsOf } from '../../protocol/pointer.ts';

type Level = GuardrailUse['level'];
type Direction = 'request' | 'response';
type Path = readonly (string | number)[];

/** What ships under the name `recommended`: one for each direction. */
const recommended: Readonly<Record<Direction, Guardrail>> = {
  request: shipped({ secrets: 'block', pii: 'observe', injection: 'observe' }),
  response: shipped({ secrets: 'redact', pii: 'observe', injection: 'warn' }),
};

export function recommendedGuardrail(direction: Direction): Guardrail {
  return recommended[direction];
}

function shipped(actions: Readonly<Record<string, GuardrailAction>>): Guardrail {
  const uses = Object.fromEntries(Object.entries(actions).map(([detector, action]) => [detector, useOf(action)]));
  return { name: 'recommended', uses, wordLists: [], onUnscanned: 'block', report: false };
}

function useOf(config: DetectorUseConfig): DetectorUse {
  if (typeof config === 'string')
    return {
      action: config,
      exceptClasses: [],
      minSeverity: 'low',
      minConfidence: 0.5,
      isOverridable: false,
      except: { fingerprints: [], tools: [], paths: [] },
    };
  const { action, classes, exceptClasses = [], minSeverity, minConfidence, overridable, except } = config;
  return {
    action,
    ...(classes !== undefined && { classes }),
    exceptClasses,
    minSeverity,
    minConfidence,
    isOverridable: overridable,
    except: { ...except, paths: except.paths.map(partsOf) },
  };
}

/** The guardrails of a configuration, each found once. */
export class CompiledGuardrails {
  readonly #revision: Revision;
  readonly #complaints: Diagnostic[];
  readonly #named = new Map<string, Guardrail>();
  readonly #gateway: Guardrails;
  readonly #byServer = new Map<string, Guardrails>();

  constructor(revision: Revision, complaints: Diagnostic[]) {
    this.#revision = revision;
    this.#complaints = complaints;
    const { guardrails, inspection, servers } = revision.configuration;
    for (const [name, config] of Object.entries(guardrails))
      this.#named.set(name, this.#made(config, name, ['guardrails', name]));
    this.#gateway = this.usesOf(inspection.guardrails, 'gateway', ['inspection', 'guardrails']);
    for (const [server, config] of Object.entries(servers)) {
      const uses = this.usesOf(config.guardrails, 'server', ['servers', server, 'guardrails']);
      const restored = Object.keys(guardrails).filter((name) => guardrails[name]?.restore?.includes(server));
      if (uses !== noGuardrails || restored.length > 0)
        this.#byServer.set(server, together([this.#gateway, uses, { request: [], response: [], restored }]));
    }
  }

  get names(): readonly string[] {
    return ['recommended', ...this.#named.keys()];
  }

  named(name: string, direction: Direction): Guardrail | undefined {
    return name === 'recommended' ? recommended[direction] : this.#named.get(name);
  }

  /** Of one place in the configuration. */
  usesOf(reference: GuardrailReference | undefined, level: Level, path: Path): Guardrails {
    if (reference === undefined) return noGuardrails;
    if (typeof reference !== 'string' && ('request' in reference || 'response' in reference))
      return {
        request: this.#one(reference.request, 'request', { level, path: [...path, 'request'] }),
        response: this.#one(reference.response, 'response', { level, path: [...path, 'response'] }),
        restored: [],
      };
    const both = reference as string | GuardrailConfig;
    return {
      request: this.#one(both, 'request', { level, path }),
      response: this.#one(both, 'response', { level, path }),
      restored: [],
    };
  }

  /** Of the gateway and of a server, to which those of connections come. */
  ofServer(server: string): Guardrails {
    return this.#byServer.get(server) ?? this.#gateway;
  }

  #one(
    reference: string | GuardrailConfig | undefined,
    direction: Direction,
    { level, path }: { readonly level: Level; readonly path: Path },
  ): readonly GuardrailUse[] {
    if (reference === undefined) return [];
    if (typeof reference !== 'string') {
      const name = path.slice(0, path.at(-1) === direction ? -2 : -1).join('.');
      return [{ level, guardrail: this.#made(reference, name, path) }];
    }
    const guardrail = this.named(reference, direction);
    if (guardrail !== undefined) return [{ level, guardrail }];
    // Said once, not once for each direction.
    if (direction === 'request' || path.at(-1) === 'response')
      this.#complaints.push({
        code: 'POL012',
        place: this.#revision.locate(path, 0),
        problem: `no guardrail is called ${reference}`,
        remedy: suggestion(reference, this.names, 'guardrail'),
      });
    return [];
  }

  #made(
    { patterns, onUnscanned, report, restore: _restore, ...detectors }: GuardrailConfig,
    name: string,
    path: Path,
  ): Guardrail {
    const uses: Record<string, DetectorUse> = {};
    for (const [detector, config] of Object.entries<DetectorUseConfig | undefined>(detectors))
      if (config !== undefined) uses[detector] = useOf(config);
    const wordLists = Object.entries(patterns).map(([label, { words, patterns: expressions }]) => ({
      label: `${name}.${label}`,
      words,
      patterns: expressions,
    }));
    for (const [label, { action }] of Object.entries(patterns)) uses[`words/${name}.${label}`] = useOf(action);
    return { name, place: this.#revision.place(path), uses, wordLists, onUnscanned, report };
  }
}

/** In the order of the levels. */
export function together(all: readonly Guardrails[]): Guardrails {
  const some = all.filter(({ request, response, restored }) => request.length + response.length + restored.length > 0);
  const [only] = some;
  if (only === undefined) return noGuardrails;
  if (some.length === 1) return only;
  return {
    request: some.flatMap(({ request }) => request),
    response: some.flatMap(({ response }) => response),
    restored: some.flatMap(({ restored }) => restored),
  };
}
