/**
 * Makes the program that is published out of the sources. A gateway has 800 modules, and finding, reading and linking each
 * of them is a fifth of the CPU that its start takes: what is always loaded together becomes one file. Libraries stay
 * outside: they are installed beside it, and updated without it.
 */
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { rolldown } from 'rolldown';

const packageFolder = join(import.meta.dirname, '..');
const sources = join(packageFolder, 'src');

/** What `process/program.ts` starts: a literal path each, so that it can be found here. */
const started = /\b(?:startThread|programFile)\('([\w/-]+)'/g;

/** Whether Node finds it where the package is installed. Anything else has to be in the files. */
function outside(): (id: string) => boolean {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
    readonly dependencies: object;
    readonly peerDependencies: object;
  };
  const libraries = Object.keys({ ...dependencies, ...peerDependencies });
  return (id) => id.startsWith('node:') || libraries.some((library) => id === library || id.startsWith(`${library}/`));
}

function entries(): Record<string, string> {
  const paths = globSync('**/*.ts', { cwd: sources })
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap((file) => [...readFileSync(join(sources, file), 'utf8').matchAll(started)].map(([, path]) => path ?? ''));
  return Object.fromEntries(['cli/main', ...paths].map((path) => [path, join(sources, `${path}.ts`)]));
}

/** A stack trace names the folder of the sources that most of a shared file comes from. */
function chunkName({ moduleIds }: { readonly moduleIds: readonly string[] }): string {
  const counts = new Map<string, number>();
  for (const id of moduleIds) {
    const [folder = ''] = relative(sources, id).split('/');
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const [name = 'shared'] = [...counts].toSorted(([, a], [, b]) => b - a)[0] ?? [];
  return `chunks/${name.replace(/\.ts$/, '')}-[hash].js`;
}

/** Writes `cli/main.js`, each thread and program under the path of its module, and what they share, into the empty folder. */
export async function bundle(folder: string): Promise<void> {
  const build = await rolldown({
    input: entries(),
    platform: 'node',
    external: outside(),
    // A warning is a fault: a name that nothing exports, a circle.
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  try {
    await build.write({
      dir: folder,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: chunkName,
    });
  } finally {
    await build.close();
  }
}
