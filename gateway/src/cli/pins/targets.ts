/** `SERVER` or `SERVER/NAME` on the command line, and the rows that it means. */
import { suggestion } from '../../config/suggest.ts';
import { type Reviewed, reviewed } from '../../pins/review.ts';
import { openExistingPinStore, type PinStore } from '../../pins/store.ts';
import { type CommonOptions, type Context, fail, loadOrComplain } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';

type Loaded = NonNullable<Awaited<ReturnType<typeof loadOrComplain>>>;

export interface Opened extends Loaded {
  readonly store: PinStore;
  readonly rows: readonly Reviewed[];
}

/** Runs the work with the pins of the data folder, or says why it cannot. */
export async function withPins(
  context: Context,
  options: CommonOptions,
  work: (opened: Opened) => void | Promise<void>,
): Promise<void> {
  const loaded = await loadOrComplain(context, options);
  if (loaded === undefined) return;
  const store = openExistingPinStore(loaded.revision.configuration.data);
  if (store === undefined) {
    const remedy = 'Run `sallyport server discover`, or start the gateway and let a client list tools.';
    return fail(context, options, { code: exitCodes.no, problem: 'no definition was seen yet', remedy });
  }
  try {
    await work({ ...loaded, store, rows: reviewed(store) });
  } finally {
    store.close();
  }
}

/** The rows of a target; complains where there are none. */
export function rowsOf(
  context: Context,
  options: CommonOptions,
  { opened: { rows, revision }, target }: { readonly opened: Opened; readonly target: string | undefined },
): readonly Reviewed[] | undefined {
  if (target === undefined) return rows;
  const slash = target.indexOf('/');
  const server = slash < 0 ? target : target.slice(0, slash);
  const name = slash < 0 ? undefined : target.slice(slash + 1);
  const ofServer = rows.filter(({ stored }) => stored.server === server);
  if (ofServer.length === 0) {
    const known = [
      ...new Set([...rows.map(({ stored }) => stored.server), ...Object.keys(revision.configuration.servers)]),
    ];
    const remedy = known.includes(server)
      ? `Run \`sallyport server discover ${server}\`.`
      : suggestion(server, known, 'server');
    fail(context, options, {
      code: exitCodes.no,
      problem: `no definition of the server "${server}" was seen yet`,
      remedy,
    });
    return undefined;
  }
  if (name === undefined) return ofServer;
  const found = ofServer.filter(({ stored }) => stored.name === name);
  if (found.length > 0) return found;
  const names = [...new Set(ofServer.map(({ stored }) => stored.name))];
  fail(context, options, {
    code: exitCodes.no,
    problem: `the server "${server}" has no definition "${name}"`,
    remedy: suggestion(name, names, 'definition'),
  });
  return undefined;
}
