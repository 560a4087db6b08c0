/** The calls: every subject under every load, the subjects taking turns so that a slow minute hits all of them. */
import { type Shape, type Size, shapes, sizeNames, sizes, toolName } from './catalogue.ts';
import { type Cell, measure, type Sample, summarise, warmUp } from './measure.ts';
import { toolCall } from './message.ts';
import { bareProxy, type Subject } from './subjects.ts';

export interface Load {
  readonly shape: Shape;
  readonly size: Size;
  readonly connections: number;
}

export interface Pace {
  readonly rounds: number;
  readonly seconds: number;
  readonly loads: readonly Load[];
}

const connections = [1, 32, 256];

export const full: Pace = {
  rounds: 3,
  seconds: 3,
  loads: shapes.flatMap((shape) =>
    sizeNames.flatMap((size) => connections.map((count) => ({ shape, size, connections: count }))),
  ),
};

export const quick: Pace = {
  rounds: 2,
  seconds: 1,
  loads: [
    { shape: 'json', size: '0.3', connections: 32 },
    { shape: 'sse', size: '0.3', connections: 32 },
    { shape: 'json', size: '64', connections: 32 },
  ],
};

export interface Row extends Load {
  readonly subject: string;
  readonly cell: Cell;
  /** To the bare Node proxy under the same load; undefined when either is void. */
  readonly ratio: {
    readonly thread: number | undefined;
    readonly process: number | undefined;
    readonly p99: number | undefined;
  };
}

function nameFor({ toolName: named }: Subject, tool: string): string {
  return named === undefined ? tool : named(tool);
}

async function sample(subject: Subject, load: Load, seconds: number): Promise<Sample> {
  return measure({
    url: subject.url,
    pid: subject.pid,
    request: toolCall(nameFor(subject, toolName(subject.kind, load.shape, load.size)), subject.headers),
    connections: load.connections,
    seconds,
    least: sizes[load.size],
    rests: true,
  });
}

export async function runMatrix(
  subjects: readonly Subject[],
  pace: Pace,
  report: (rows: readonly Row[]) => void,
): Promise<readonly Row[]> {
  for (const subject of subjects)
    await warmUp(() => sample(subject, { shape: 'json', size: '0.3', connections: 32 }, 1));
  const rows: Row[] = [];
  for (const load of pace.loads) {
    const samples = new Map<string, Sample[]>(subjects.map((subject) => [subject.name, []]));
    for (let round = 0; round < pace.rounds; round += 1)
      for (const subject of subjects) samples.get(subject.name)?.push(await sample(subject, load, pace.seconds));
    const cells = new Map([...samples].map(([name, of]) => [name, summarise(of)]));
    const base = cells.get(bareProxy);
    const done = subjects.map(({ name }) => {
      const cell = cells.get(name) ?? summarise([]);
      return { ...load, subject: name, cell, ratio: ratioOf(cell, base) };
    });
    report(done);
    rows.push(...done);
  }
  return rows;
}

function ratioOf(cell: Cell, base: Cell | undefined): Row['ratio'] {
  const divide = (a: number | undefined, b: number | undefined) =>
    cell.void !== undefined || base?.void !== undefined || a === undefined || b === undefined || b === 0
      ? undefined
      : a / b;
  return {
    thread: divide(cell.threadPerCall, base?.threadPerCall),
    process: divide(cell.processPerCall, base?.processPerCall),
    p99: divide(cell.p99, base?.p99),
  };
}
