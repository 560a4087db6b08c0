/**
 * Counts and times exchanges, and writes them in the Prometheus text format (version 0.0.4). The metrics library hashes
 * and validates labels at every observation, which costs more than all decisions about a call; here an observation is
 * two look-ups and a few additions.
 */

export interface Names {
  readonly total: string;
  readonly totalHelp: string;
  readonly seconds: string;
  readonly secondsHelp: string;
}

/** Upper bounds of the latency buckets, in seconds. */
const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

interface Cell {
  readonly labels: string;
  readonly outcomes: Map<string, number>;
  readonly buckets: number[];
  sum: number;
  count: number;
}

export class Tally {
  readonly #names: Names;
  readonly #cells = new Map<string, Map<string, Cell>>();

  constructor(names: Names) {
    this.#names = names;
  }

  /** Every value must come from a fixed table or from the configuration: cells are never dropped. */
  observe(server: string, method: string, outcome: string, seconds: number): void {
    const cell = this.#cells.get(server)?.get(method) ?? this.#make(server, method);
    cell.outcomes.set(outcome, (cell.outcomes.get(outcome) ?? 0) + 1);
    cell.sum += seconds;
    cell.count++;
    let index = 0;
    while (index < bounds.length && seconds > (bounds[index] ?? 0)) index++;
    cell.buckets[index] = (cell.buckets[index] ?? 0) + 1;
  }

  text(): string {
    const { total, totalHelp, seconds, secondsHelp } = this.#names;
    const totals = [`# HELP ${total} ${totalHelp}`, `# TYPE ${total} counter`];
    const times = [`# HELP ${seconds} ${secondsHelp}`, `# TYPE ${seconds} histogram`];
    for (const methods of this.#cells.values())
      for (const { labels, outcomes, buckets, sum, count } of methods.values()) {
        for (const [outcome, number] of outcomes)
          totals.push(`${total}{${labels},outcome=${quoted(outcome)}} ${number}`);
        let below = 0;
        for (const [index, bound] of bounds.entries()) {
          below += buckets[index] ?? 0;
          times.push(`${seconds}_bucket{${labels},le="${bound}"} ${below}`);
        }
        times.push(`${seconds}_bucket{${labels},le="+Inf"} ${count}`);
        times.push(`${seconds}_sum{${labels}} ${sum}`, `${seconds}_count{${labels}} ${count}`);
      }
    return `${[...totals, ...times].join('\n')}\n`;
  }

  #make(server: string, method: string): Cell {
    const cell: Cell = {
      labels: `server=${quoted(server)},method=${quoted(method)}`,
      outcomes: new Map(),
      buckets: [],
      sum: 0,
      count: 0,
    };
    const methods = this.#cells.get(server) ?? new Map<string, Cell>();
    this.#cells.set(server, methods.set(method, cell));
    return cell;
  }
}

function quoted(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
