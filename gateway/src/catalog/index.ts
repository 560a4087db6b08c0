/** The catalogues of all sessions, one for each, living as long as the session does. */
import type { Bounds } from '../config/schema/index.ts';
import type { ServerConfig } from '../config/schema/servers.ts';
import type { Pins } from '../pipeline/contracts/pins.ts';
import type { UpstreamClient } from '../pipeline/contracts/upstream.ts';
import type { Deliver } from '../pipeline/deliver.ts';
import type { JsonObject } from '../protocol/json.ts';
import { Catalog, type CatalogEvents, type CatalogLog, type LastRead } from './catalog.ts';
import type { ToolReport } from './report.ts';
import type { NamedVerdict } from './tools.ts';

/** The tools of a server as some session at it read them last. */
interface KnownTools {
  readonly schemas: ReadonlyMap<string, JsonObject>;
  readonly verdicts: readonly NamedVerdict[];
}

export interface CatalogsEvents {
  /** A tool and its input schema, each time that its list is read. */
  onTool(server: string, tool: string, inputSchema: JsonObject): void;
  /** What is said of the tools of some server changed. */
  onReport(report: ToolReport): void;
}

export interface CatalogsParts {
  readonly log: CatalogLog;
  readonly events: CatalogsEvents;
  readonly deliver: Deliver;
  readonly pins: Pins;
}

export class Catalogs {
  readonly #known = new WeakMap<UpstreamClient, Catalog>();
  readonly #lastRead = new WeakMap<ServerConfig, LastRead>();
  readonly #tools = new Map<string, KnownTools>();
  readonly #log: CatalogLog;
  readonly #events: CatalogsEvents;
  readonly #deliver: Deliver;
  readonly #pins: Pins;
  #reported = '';

  constructor({ log, events, deliver, pins }: CatalogsParts) {
    this.#log = log;
    this.#events = events;
    this.#deliver = deliver;
    this.#pins = pins;
  }

  of(upstream: UpstreamClient, config: ServerConfig, bounds: Bounds): Catalog {
    const known = this.#known.get(upstream);
    if (known !== undefined) return known;
    const lastRead: LastRead = this.#lastRead.get(config) ?? new Map();
    this.#lastRead.set(config, lastRead);
    const events: CatalogEvents = {
      onTool: (server, tool, schema) => this.#events.onTool(server, tool, schema),
      onTools: (server, schemas, verdicts) => {
        this.#tools.set(server, { schemas, verdicts });
        this.#report();
      },
    };
    const parts = { log: this.#log, events, lastRead, deliver: this.#deliver, pins: this.#pins };
    const catalog = new Catalog(upstream, config, bounds, parts);
    this.#known.set(upstream, catalog);
    return catalog;
  }

  /** Forgets the servers that are configured no more. */
  configure(servers: Readonly<Record<string, ServerConfig>>): void {
    for (const server of this.#tools.keys()) if (!Object.hasOwn(servers, server)) this.#tools.delete(server);
    this.#report();
  }

  /** Every tool that is known, with the definition that was read last. */
  *tools(): Generator<readonly [server: string, tool: string, inputSchema: JsonObject]> {
    // A copy: lists are read again while it is walked.
    const known = [...this.#tools];
    for (const [server, { schemas }] of known) for (const [tool, schema] of schemas) yield [server, tool, schema];
  }

  #report(): void {
    const report = Object.fromEntries([...this.#tools].map(([server, { verdicts }]) => [server, verdicts]));
    const text = JSON.stringify(report);
    if (text === this.#reported) return;
    this.#reported = text;
    this.#events.onReport(report);
  }
}
