/** The catalogues of all ways, one for each, living as long as the way does. */
import type { Bounds } from '../config/schema/index.ts';
import type { ServerConfig } from '../config/schema/servers.ts';
import type { Link } from '../pipeline/upstream.ts';
import { Catalog, type CatalogLog, type LastRead, type OnTool } from './catalog.ts';

export class Catalogs {
  readonly #known = new WeakMap<Link, Catalog>();
  readonly #lastRead = new WeakMap<ServerConfig, LastRead>();
  readonly #log: CatalogLog;
  readonly #onTool: OnTool;

  constructor(log: CatalogLog, onTool: OnTool) {
    this.#log = log;
    this.#onTool = onTool;
  }

  of(link: Link, config: ServerConfig, bounds: Bounds): Catalog {
    const known = this.#known.get(link);
    if (known !== undefined) return known;
    const lastRead: LastRead = this.#lastRead.get(config) ?? new Map();
    this.#lastRead.set(config, lastRead);
    const catalog = new Catalog(link, config, bounds, this.#log, this.#onTool, lastRead);
    this.#known.set(link, catalog);
    return catalog;
  }
}
