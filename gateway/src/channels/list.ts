/** Every channel, in the order of the documentation. To add one: a folder and a line here. */
import { email } from './email/email.ts';
import { slack } from './slack/slack.ts';
import { webhook } from './webhook/webhook.ts';

export const channels = [webhook, slack, email] as const;
