/** `sallyport limits show`: what a caller has left, as the running gateway counts it. */
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import type { Caller } from '../pipeline/contracts/caller.ts';
import { shownInLine } from '../protocol/shown.ts';
import { type LimitQuestion, type LimitRow, limitAddress } from '../state/limit-letters.ts';
import { openMailbox } from '../state/mailbox.ts';
import { openChanges } from '../state/sqlite/changes.ts';
import { findCaller, parseCaller } from './callers.ts';
import {
  type CommonOptions,
  type Context,
  configOption,
  fail,
  jsonOption,
  outJson,
  withConfiguration,
} from './context.ts';
import { exitCodes } from './exit-codes.ts';

/** How long a gateway that runs gets to answer, in milliseconds: it looks four times a second. */
const patienceMs = 10_000;

export function limitsCommand(context: Context): Command {
  return new Command('limits')
    .summary('show how much of their limits callers have used')
    .description('The limits of the configuration, as the running gateway counts them.')
    .addCommand(showCommand(context));
}

function showCommand(context: Context): Command {
  return new Command('show')
    .summary('show what a caller has used')
    .description('Shows the limits that count a caller, what is used of them, and when there is room again.')
    .requiredOption('--caller <kind:name...>', 'who calls, such as agent:demo or user:dana agent:demo')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport limits show --caller agent:demo')
    .action((options: CommonOptions & { readonly caller: string[] }) =>
      withConfiguration(context, options, async (configuration) => {
        const names = parseCaller(options.caller);
        if (names === undefined)
          return fail(context, options, {
            code: exitCodes.usage,
            problem: '--caller cannot be read',
            remedy: 'Write user:NAME, agent:NAME or application:NAME.',
          });
        const found = findCaller(configuration, names);
        if (!found.ok) return fail(context, options, { code: exitCodes.no, ...found });
        const rows = await askGateway(configuration.data, { caller: asked(found.caller) });
        if (rows === undefined)
          return fail(context, options, {
            code: exitCodes.no,
            problem: 'no running gateway answers',
            remedy: 'Only a gateway that runs knows what is used: start it with sallyport serve.',
          });
        if (options.json === true) return outJson(context, { ok: true, limits: rows });
        if (rows.length === 0) context.out('No limit counts this caller.');
        for (const row of rows) context.out(shownInLine(rowText({ ...row, ...nearby(row, context.cwd) })));
      }),
    );
}

export function asked({ key, user, agent, application, roles }: Caller): LimitQuestion['caller'] {
  return {
    key,
    roles,
    ...(user !== undefined && { user }),
    ...(agent !== undefined && { agent }),
    ...(application !== undefined && { application }),
  };
}

export function rowText({ limit, is, key, used, of, isObserved, retryAfterSeconds, place }: LimitRow): string {
  const again = retryAfterSeconds === undefined ? '' : `, again in ${retryAfterSeconds} s`;
  const observed = isObserved ? ', observed only' : '';
  return `${limit}  ${key}  ${used} of ${of} used (${is}${again}${observed})  ${place ?? 'built in'}`;
}

/** The gateway names the file from the root. */
function nearby({ place }: LimitRow, cwd: string): Pick<LimitRow, 'place'> {
  return place?.startsWith(`${cwd}/`) === true ? { place: place.slice(cwd.length + 1) } : {};
}

/** `undefined`: no gateway runs on this data folder, or it does not answer. */
export async function askGateway(
  data: string,
  question: LimitQuestion,
  withinMs = patienceMs,
): Promise<readonly LimitRow[] | undefined> {
  const mailbox = openMailbox(data);
  if (mailbox === undefined) return undefined;
  const changes = openChanges(data);
  try {
    const until = Date.now() + withinMs;
    const id = mailbox.send(limitAddress, { text: JSON.stringify(question), until }, Date.now());
    if (id === undefined) return undefined;
    changes.announce('letters');
    while (Date.now() < until) {
      const text = mailbox.answerTo(id, Date.now());
      if (text !== undefined) return JSON.parse(text) as LimitRow[];
      await pause(25);
    }
    mailbox.withdraw(id, Date.now());
    return undefined;
  } finally {
    changes.close();
    mailbox.close();
  }
}
