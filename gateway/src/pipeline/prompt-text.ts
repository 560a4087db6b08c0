/** Words for calls that wait for a person: for models, and beside the pages that clients open. */
import type { AccountLinkPrompt } from './contracts/accounts.ts';
import type { Refusal } from './refusal.ts';

type Pending = Extract<Refusal, { reason: 'approval-pending' }>;

/** The text beside the page. */
export function approvalPageText({ page, id }: Pending): string {
  return page?.decides === true
    ? `This call waits for your approval (${id}). Open ${page.url} in a browser, look at it, and decide`
    : `This call waits for the approval of another person (${id}). ${page?.url ?? ''} shows when it is decided`;
}

/** The text for the model. `made`: what the call was not yet; `continued` where its server has a part of it. */
export function pendingText({ id, until, message, page }: Pending, made: 'made' | 'continued'): string {
  const time = `${new Date(until).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const more = message === undefined ? '' : ` ${message}`;
  const where = page?.decides === true ? ` The person you work for decides at ${page.url}.` : '';
  const again =
    made === 'continued'
      ? 'Send the same answers with the same requestState again'
      : 'Make the same call again, with the same arguments,';
  return `This call waits for the approval of a person, and was not ${made} yet (approval ${id}, until ${time}). ${again} to see whether it was approved.${where}${more}`;
}

/** The text for clients with and without URL elicitation. */
export function accountLinkText(server: string, { url }: AccountLinkPrompt, retry = 'retry'): string {
  return url === undefined
    ? `The server ${server} requires a linked account, which can only be linked at the HTTP endpoint of the gateway`
    : `The server ${server} requires a linked account. Open ${url} in a browser, sign in, then ${retry}`;
}
