/** The catalogues of all ways, one for each, living as long as the way does. */
import type { Bounds } from '../config/schema/index.ts';
import type { ServerConfig } from '../config/schema/servers.ts';
import type { Link } from '../pipeline/upstream.ts';
import { Catalog, type CatalogLog, type OnTool } from './catalog.ts';

export class Catalogs {
  readonly #known = new WeakMap<Link, Catalog>();
  readonly #log: CatalogLog;
  readonly #onTool: OnTool;

  constructor(log: CatalogLog, onTool: OnTool) {
    this.#log = log;
    this.#onTool = onTool;
  }

  of(link: Link, config: ServerConfig, bounds: Bounds): Catalog {
    const known = this.#known.get(link);
    if (known !== undefined) return known;
    const catalog = new Catalog(link, config, bounds, this.#log, this.#onTool);
    this.#known.set(link, catalog);
    return catalog;
  }
}
