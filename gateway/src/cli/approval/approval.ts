/** `sallyport approval`: calls that wait for a person, and the decisions about them. */
import { userInfo } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { shownInLine } from '../../protocol/shown.ts';
import { openMasterKey } from '../../secrets/master-key.ts';
import { approverProblems } from '../../stages/approve/approvers.ts';
import {
  type ApprovalState,
  type ApprovalStore,
  approvalStates,
  openApprovalStore,
  type Voted,
} from '../../stages/approve/store.ts';
import { isTold } from '../announce.ts';
import {
  type CommonOptions,
  type Context,
  configOption,
  fail,
  jsonOption,
  outJson,
  withConfiguration,
} from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { proveCommand } from './prove.ts';
import { rulesCommand } from './rules.ts';
import { lineOf, plain, printApproval } from './text.ts';

export function approvalCommand(context: Context): Command {
  return new Command('approval')
    .summary('decide about calls that wait for a person')
    .description('Calls that a rule holds until a person has approved exactly them.')
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(decideCommand(context, 'approve'))
    .addCommand(decideCommand(context, 'reject'))
    .addCommand(watchCommand(context))
    .addCommand(proveCommand(context))
    .addCommand(rulesCommand(context));
}

interface Opened {
  readonly store: ApprovalStore;
  readonly data: string;
}

async function withApprovals(
  context: Context,
  options: CommonOptions,
  work: (opened: Opened) => void | Promise<void>,
): Promise<void> {
  await withConfiguration(context, options, async ({ data }) => {
    const master = openMasterKey(data);
    if (!master.ok) {
      const { problem, remedy } = master;
      return fail(context, options, { code: exitCodes.data, problem, remedy });
    }
    const store = openApprovalStore(data, master.key);
    try {
      await work({ store, data });
    } finally {
      store.close();
    }
  });
}

function listCommand(context: Context): Command {
  return new Command('list')
    .summary('list approvals')
    .description('Lists approvals, the newest first: those that wait for a decision, or those of --state.')
    .option('--state <state>', `one of ${approvalStates.join(', ')}, or all`, 'pending')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport approval list')
    .action((options: CommonOptions & { readonly state: string }) =>
      withApprovals(context, options, ({ store }) => {
        const isState = (approvalStates as readonly string[]).includes(options.state);
        if (options.state !== 'all' && !isState)
          return fail(context, options, {
            code: exitCodes.usage,
            problem: `${options.state} is no state`,
            remedy: `Known: ${approvalStates.join(', ')}, all.`,
          });
        const state = isState ? (options.state as ApprovalState) : undefined;
        const now = Date.now();
        const found = store.list({ state }, now).filter((each) => state === undefined || each.state === state);
        if (options.json === true) return outJson(context, { ok: true, approvals: found.map(plain) });
        for (const approval of found) context.out(lineOf(approval, now));
        if (found.length === 0) context.out(state === undefined ? 'there are no approvals' : `nothing is ${state}`);
      }),
    );
}

function showCommand(context: Context): Command {
  return new Command('show')
    .summary('show exactly what would be called')
    .description('Shows a call that waits: caller, server, tool, rule, and every argument, with what is hidden in it.')
    .argument('<id>', 'the approval')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport approval show ap_x7k2m9p4r8t3')
    .action((id: string, options: CommonOptions) =>
      withApprovals(context, options, ({ store }) => {
        const approval = store.get(id, Date.now());
        if (approval === undefined) return unknown(context, options, id);
        if (options.json === true)
          return outJson(context, { ok: true, approval: { ...plain(approval), content: approval.content } });
        printApproval(context, approval, Date.now());
      }),
    );
}

function unknown(context: Context, options: CommonOptions, id: string): void {
  fail(context, options, {
    code: exitCodes.no,
    problem: `there is no approval ${shownInLine(id)}`,
    remedy: 'See `sallyport approval list`.',
  });
}

interface DecideOptions extends CommonOptions {
  readonly reason?: string;
}

function decideCommand(context: Context, verb: 'approve' | 'reject'): Command {
  return new Command(verb)
    .summary(verb === 'approve' ? 'let the call be made' : 'refuse the call')
    .description(
      verb === 'approve'
        ? 'Approves exactly this call: the same caller, server, tool, arguments and definition, once unless the rule says otherwise.'
        : 'Rejects the call. The model is told the reason.',
    )
    .argument('<id>', 'the approval')
    .option('--reason <text>', 'why, for the log; after a rejection the model is told as well')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `\nWho decides is the user of this machine that runs the command.\n\nExample:\n  sallyport approval ${verb} ap_x7k2m9p4r8t3 --reason "${verb === 'approve' ? 'agreed in #42' : 'not in production'}"`,
    )
    .action((id: string, options: DecideOptions) =>
      withApprovals(context, options, async ({ store, data }) => {
        const { reason } = options;
        const by = `os:${userInfo().username}`;
        const vote = { by, kind: 'machine', at: Date.now(), ...(reason !== undefined && { reason }) } as const;
        const voted = await store.vote(id, verb, vote);
        if (!voted.ok) return complain(context, options, { id, voted });
        if (!isTold(context, { ...options, data, topic: 'approvals' })) return;
        const { approval } = voted;
        if (options.json === true) return outJson(context, { ok: true, approval: plain(approval) });
        const missing = approval.terms.quorum - approval.votes.length;
        context.out(
          approval.state === 'pending'
            ? `${id}: approved by ${by}, ${missing} more needed`
            : `${id} is ${approval.state}`,
        );
      }),
    );
}

function complain(
  context: Context,
  options: CommonOptions,
  { id, voted }: { readonly id: string; readonly voted: Extract<Voted, { readonly ok: false }> },
): void {
  const code = exitCodes.no;
  switch (voted.problem) {
    case 'unknown':
      return unknown(context, options, id);
    case 'twice':
      return fail(context, options, {
        code,
        problem: 'you have decided about it already',
        remedy: 'Another person must decide as well.',
      });
    case 'no-reason':
      return fail(context, options, {
        code: exitCodes.usage,
        problem: 'the rule asks for a reason',
        remedy: 'Say it with --reason.',
      });
    case 'over':
      return fail(context, options, { code, problem: `${id} is ${voted.approval?.state ?? 'over'} already` });
    case 'unreadable':
      return fail(context, options, {
        code: exitCodes.data,
        problem: `${id} cannot be decrypted, so that what it is about cannot be known`,
        remedy: 'Reject it, and have the call made again.',
      });
    case 'unkept':
      return fail(context, options, {
        code: exitCodes.data,
        problem: `the disk has not taken the decision about ${id}, so that it may not count`,
        remedy: 'Mend the disk, and look at the approval again before you decide anew.',
      });
    case 'elsewhere':
    case 'no-approver':
    case 'own-request':
    case 'person-unknown':
    case 'proof-required':
      return fail(context, options, { code, ...approverProblems[voted.problem] });
  }
}

const watchMs = 500;

function watchCommand(context: Context): Command {
  return new Command('watch')
    .summary('print new approvals until it is interrupted')
    .description('Prints each call that starts to wait for a decision, and how the approval ends.')
    .option('--for <seconds>', 'end after this many seconds')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport approval watch')
    .action((options: CommonOptions & { readonly for?: string }) =>
      withApprovals(context, options, async ({ store }) => {
        const ends = options.for === undefined ? Number.POSITIVE_INFINITY : Date.now() + Number(options.for) * 1_000;
        const said = new Map<string, ApprovalState>();
        for (;;) {
          const now = Date.now();
          for (const approval of store.list({ limit: 200 }, now).toReversed()) {
            const isNews = said.get(approval.id) !== approval.state && (said.size > 0 || approval.state === 'pending');
            if (isNews || !said.has(approval.id)) said.set(approval.id, approval.state);
            if (!isNews) continue;
            if (options.json === true) context.out(JSON.stringify(plain(approval)));
            else context.out(lineOf(approval, now));
          }
          if (now >= ends) return;
          await pause(watchMs);
        }
      }),
    );
}
