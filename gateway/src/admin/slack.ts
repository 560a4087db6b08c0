/** Presses of buttons in Slack. The signature proves Slack; the id of the user is looked up among those the file names. */
import type { Hono } from 'hono';
import { buttonId, isButtonValue } from '../channels/slack/button.ts';
import { pressOf } from '../channels/slack/presses.ts';
import { deciderNow } from '../operators/now.ts';
import { approverProblems } from '../stages/approve/approvers.ts';
import { bodyProblem } from './body-bound.ts';
import type { AdminEnv, AdminParts } from './context.ts';

export interface SlackButtons {
  readonly signingSecret: string;
  /** Slack user → operator. */
  readonly operators: Readonly<Record<string, string>>;
  /** Servers that the channel is told of; undefined: all. */
  readonly servers: readonly string[] | undefined;
}

export interface SlackParts extends AdminParts {
  /** Those of a channel of the revision in force. */
  readonly slackButtons: (channel: string) => SlackButtons | undefined;
  readonly buttonKey: Buffer;
}

const nothing = (): Response => new Response('not found\n', { status: 404 });

/** Answers what Slack shows to the one who pressed. */
function says(text: string): Response {
  return Response.json({ response_type: 'ephemeral', replace_original: false, text });
}

/** One answer for what does not exist, what the channel is not told of, and a button that the gateway did not send. */
const unknown = (): Response => {
  const { problem, remedy } = approverProblems.elsewhere;
  return says(`${problem}. ${remedy}`);
};

export function slackPresses(app: Hono<AdminEnv>, parts: SlackParts): void {
  app.post('/channels/:channel/slack', async (request) => {
    const channel = request.req.param('channel');
    const buttons = parts.slackButtons(channel);
    if (buttons === undefined || bodyProblem(request) !== undefined) return nothing();
    const signed = {
      timestamp: request.req.header('x-slack-request-timestamp') ?? '',
      signature: request.req.header('x-slack-signature') ?? '',
      body: await request.req.text(),
    };
    const press = pressOf(signed, buttons.signingSecret, Date.now());
    if (press === undefined) return nothing();
    const name = Object.hasOwn(buttons.operators, press.user) ? buttons.operators[press.user] : undefined;
    const by = `operator:${name ?? ''}`;
    const now = name === undefined ? undefined : deciderNow(parts.operators, by);
    if (now === undefined) return says('You are not among those who decide here.');
    const id = buttonId(press.value);
    const approval = parts.approvals.get(id, Date.now());
    if (approval === undefined) return unknown();
    const { content, terms, server, digest } = approval;
    const isTold = [buttons.servers, now.servers].every((servers) => servers?.includes(server) !== false);
    if (!isTold || !isButtonValue(parts.buttonKey, press.value, { channel, id, digest })) return unknown();
    if (press.action === 'approve' && content?.tier === 'destructive')
      return says('The call is destructive: look at it, and decide on the page.');
    const voted = await parts.approvals.vote(id, press.action, {
      by,
      kind: 'operator',
      ...now,
      at: Date.now(),
      // A press gives no reason, where the rule asks for one.
      ...(terms.reason !== 'required' && { reason: `pressed in Slack by ${press.user}` }),
    });
    if (voted.ok) {
      parts.onDecided();
      return says(`${id} is ${voted.approval.state}.`);
    }
    switch (voted.problem) {
      case 'unknown':
      case 'elsewhere':
        return unknown();
      case 'over':
      case 'unreadable':
        return says(`${id} is ${voted.approval?.state ?? 'over'} already.`);
      case 'twice':
        return says('You have decided about it already.');
      case 'unkept':
        return says('The gateway could not keep the decision: look at it again before you decide anew.');
      case 'no-reason':
        return says('The rule asks for a reason: decide on the page.');
      case 'no-approver':
      case 'own-request':
      case 'person-unknown':
      case 'proof-required': {
        const { problem, remedy } = approverProblems[voted.problem];
        return says(`${problem}. ${remedy}`);
      }
    }
  });
}
