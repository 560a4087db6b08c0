/** Messages in Slack, with a link to the approval; buttons only where presses of them can be told apart by person. */
import { z } from 'zod';
import { secret } from '../../config/schema/units.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { attemptMs, defineChannel, type Message, sentBy } from '../contract.ts';
import { buttonValue } from './button.ts';

export const slack = defineChannel({
  id: 'slack',
  summary: 'A message in Slack for each message.',
  options: z.strictObject({
    url: secret.describe('Incoming webhook of Slack, as a reference: who has it can write there.'),
    buttons: z
      .strictObject({
        signingSecret: secret.describe('Signing secret of the app, as a reference.'),
        operators: z
          .record(z.string().regex(/^[UW][A-Z0-9]{2,32}$/), z.string().min(1).max(64))
          .describe('Ids of Slack users, each with the name of the operator that it is. Others decide nothing.'),
      })
      .optional()
      .describe('Approve and Reject in Slack. Without it the message has a link only.'),
  }),
  open: ({ url, buttons }, { fetch, name, buttonKey }) => ({
    send: async (message) =>
      sentBy(
        await fetch(url, {
          method: 'POST',
          operator: true,
          within: attemptMs,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(
            slackMessage(message, buttons === undefined ? undefined : valueIn(message, name, buttonKey)),
          ),
        }),
      ),
  }),
});

/** Longest text of a section, in characters. */
const maxText = 2_900;

/** What acts in Slack's text (links, mentions) is escaped as Slack says: `&`, `<` and `>`. */
function plain(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function valueIn({ data: { id, digest } }: Message, channel: string, key: Buffer): string | undefined {
  return typeof id === 'string' && typeof digest === 'string' ? buttonValue(key, { channel, id, digest }) : undefined;
}

/** `value`: of its buttons; undefined where it has none. */
function slackMessage({ title, lines, link, type }: Message, value: string | undefined): JsonObject {
  const text = lines.join('\n');
  // Never cut without saying so.
  const shown = text.length > maxText ? `${text.slice(0, maxText)}\n(cut: the page has all of it)` : text;
  const button = (label: string, action: string, style?: string) => ({
    type: 'button',
    text: { type: 'plain_text', text: label },
    action_id: action,
    value: value ?? '',
    ...(style !== undefined && { style }),
  });
  const open =
    link === undefined
      ? []
      : [{ type: 'button', text: { type: 'plain_text', text: 'Look at it' }, action_id: 'open', url: link }];
  const decide = value !== undefined && type === 'approval.pending';
  return {
    text: plain(title),
    blocks: [
      { type: 'section', text: { type: 'plain_text', text: title.slice(0, maxText) } },
      ...(shown === '' ? [] : [{ type: 'section', text: { type: 'plain_text', text: shown } }]),
      ...(open.length === 0 ? [] : [{ type: 'actions', elements: open }]),
      // Apart from each other.
      ...(decide ? [{ type: 'actions', elements: [button('Approve', 'approve', 'primary')] }] : []),
      ...(decide ? [{ type: 'divider' }, { type: 'actions', elements: [button('Reject', 'reject', 'danger')] }] : []),
    ],
  };
}
