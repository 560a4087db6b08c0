/** `sallyport channel`: where people are told of approvals, and what could not be sent. */
import { Command } from 'commander';
import { approvalMessage } from '../channels/approval-message.ts';
import { type Outbox, openOutbox } from '../channels/outbox.ts';
import type { Configuration } from '../config/schema/index.ts';
import { shownInLine } from '../protocol/shown.ts';
import { openMasterKey } from '../secrets/master-key.ts';
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

export function channelCommand(context: Context): Command {
  return new Command('channel')
    .summary('list messages to people, and resend failed ones')
    .description('Channels tell people of approvals: signed webhooks, Slack, mail.')
    .addCommand(listCommand(context))
    .addCommand(testCommand(context))
    .addCommand(deadCommand(context))
    .addCommand(retryCommand(context));
}

async function withOutbox(
  context: Context,
  options: CommonOptions,
  work: (outbox: Outbox, configuration: Configuration) => void,
): Promise<void> {
  await withConfiguration(context, options, (configuration) => {
    const master = openMasterKey(configuration.data);
    if (!master.ok) {
      const { problem, remedy } = master;
      return fail(context, options, { code: exitCodes.data, problem, remedy });
    }
    const outbox = openOutbox(configuration.data, master.key);
    try {
      work(outbox, configuration);
    } finally {
      outbox.close();
    }
  });
}

function listCommand(context: Context): Command {
  return new Command('list')
    .summary('list channels')
    .description('Lists channels, with how many messages wait and how many were given up.')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport channel list')
    .action((options: CommonOptions) =>
      withOutbox(context, options, (outbox, { channels }) => {
        const counts = new Map(outbox.counts().map((each) => [each.channel, each]));
        const found = Object.entries(channels).map(([name, { events, webhook, slack }]) => ({
          name,
          kind: webhook !== undefined ? 'webhook' : slack !== undefined ? 'slack' : 'email',
          events,
          waiting: counts.get(name)?.waiting ?? 0,
          dead: counts.get(name)?.dead ?? 0,
        }));
        if (options.json === true) return outJson(context, { ok: true, channels: found });
        for (const { name, kind, events, waiting, dead } of found)
          context.out(shownInLine(`${name}  ${kind}  ${events.join(', ')}  ${waiting} wait, ${dead} given up`));
        if (found.length === 0) context.out('there are no channels');
      }),
    );
}

function named(context: Context, options: CommonOptions, name: string, { channels }: Configuration): boolean {
  if (Object.hasOwn(channels, name)) return true;
  fail(context, options, {
    code: exitCodes.no,
    problem: `there is no channel ${shownInLine(name)}`,
    remedy: 'See `sallyport channel list`.',
  });
  return false;
}

function testCommand(context: Context): Command {
  return new Command('test')
    .summary('send a message that says it is a test')
    .description(
      'Puts a test message among those that the running gateway sends; `channel list` shows what becomes of it.',
    )
    .argument('<name>', 'the channel')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport channel test ops')
    .action((name: string, options: CommonOptions) =>
      withOutbox(context, options, (outbox, configuration) => {
        if (!named(context, options, name, configuration)) return;
        const now = Date.now();
        const test = {
          id: `test_${now}`,
          state: 'pending',
          server: 'test',
          name: 'test',
          caller: 'nothing waits: this is a test',
          digest: '',
          createdAt: now,
          expiresAt: now,
          quorum: 1,
          votes: [],
        };
        const isAdded = outbox.add(name, approvalMessage(test, { now, link: undefined, content: false }), now);
        if (!isAdded)
          return fail(context, options, {
            code: exitCodes.no,
            problem: 'too many messages wait already',
            remedy: 'Look at the log of the gateway, which says why they are not sent.',
          });
        if (options.json === true) outJson(context, { ok: true });
        else context.out(`a running gateway sends it within a second: see sallyport channel list`);
      }),
    );
}

function deadCommand(context: Context): Command {
  return new Command('dead')
    .summary('list messages that could not be sent')
    .description('Lists messages that could not be sent, the newest first, with the last problem.')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport channel dead')
    .action((options: CommonOptions) =>
      withOutbox(context, options, (outbox) => {
        const found = outbox.dead().map(({ channel, message, attempts, problem }) => ({
          channel,
          message: message?.id,
          title: message?.title,
          attempts,
          problem,
        }));
        if (options.json === true) return outJson(context, { ok: true, messages: found });
        for (const { channel, message, title, attempts, problem } of found)
          context.out(
            shownInLine(`${channel}  ${message ?? '?'}  ${title ?? '?'}  ${attempts} attempts: ${problem ?? ''}`),
          );
        if (found.length === 0) context.out('nothing was given up');
      }),
    );
}

function retryCommand(context: Context): Command {
  return new Command('retry')
    .summary('resend a message that could not be sent')
    .description('Lets a running gateway send again what was given up of a channel.')
    .argument('<name>', 'the channel')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport channel retry ops')
    .action((name: string, options: CommonOptions) =>
      withOutbox(context, options, (outbox, configuration) => {
        if (!named(context, options, name, configuration)) return;
        const count = outbox.revive(name, Date.now());
        if (options.json === true) outJson(context, { ok: true, messages: count });
        else context.out(`${count} messages are sent again`);
      }),
    );
}
