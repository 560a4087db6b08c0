/**
 * A call for which a person has to open a page is answered with that page: an account to connect, or an approval to decide.
 * As an input request that a modern client shows and then calls again, as an error that a legacy client understands the
 * same way, else as words.
 */
import { isObject, type JsonObject } from '../protocol/json.ts';
import { codes } from '../protocol/jsonrpc.ts';
import { methods } from '../protocol/methods.ts';
import { ownWords } from './deliver.ts';
import type { Identified, Received, Reply } from './exchange.ts';
import { accountLinkText, approvalPageText } from './prompt-text.ts';
import type { Refusal } from './refusal.ts';

/** Keys of the gateway's own input requests: an answer under one of them never goes to a server. */
const keys = { 'account-required': 'sallyport-connect', 'approval-pending': 'sallyport-approval' } as const;

interface UrlPrompt {
  readonly key: string;
  readonly url: string;
  /** Names the page, and opens nothing. */
  readonly id: string;
  readonly message: string;
}

/** Does this client open pages for its person, and can it be asked during this call? */
export function opensPages({ client, method }: Pick<Received, 'client' | 'method'>): boolean {
  const { elicitation } = client.capabilities;
  if (!isObject(elicitation) || !isObject(elicitation.url)) return false;
  return client.era === 'legacy' || methods.get(method)?.mayAsk === true;
}

function promptOf(refusal: Refusal): UrlPrompt | undefined {
  if (refusal.reason === 'account-required') {
    const { server, prompt } = refusal;
    const { url, id } = prompt;
    if (url === undefined) return undefined;
    return { key: keys[refusal.reason], url, id, message: accountLinkText(server, prompt) };
  }
  if (refusal.reason !== 'approval-pending' || refusal.page?.asks !== true) return undefined;
  const { url } = refusal.page;
  return { key: keys[refusal.reason], url, id: refusal.id, message: approvalPageText(refusal) };
}

/** Gives a client back what it had answered its server, to come back with; `undefined` where that is too long. */
export type KeepAnswers = (message: Identified) => { readonly requestState?: string } | undefined;

/** Stands after the record: the page is for the client, and no part of the evidence. */
export function withUrlPrompt(received: Received, reply: Reply, keepAnswers: KeepAnswers): Reply {
  const prompt = reply.kind === 'refused' ? promptOf(reply.refusal) : undefined;
  if (prompt === undefined || !opensPages(received)) return reply;
  const { key, url, id, message } = prompt;
  if (received.client.era === 'modern') {
    const { identity } = received;
    const kept = identity.ok ? keepAnswers({ ...received, caller: identity.value }) : {};
    // As words: the client has its answers, and can send them again.
    if (kept === undefined) return reply;
    const inputRequests = { [key]: { method: 'elicitation/create', params: { mode: 'url', message, url } } };
    return { kind: 'result', result: ownWords({ resultType: 'input_required', inputRequests, ...kept }) };
  }
  const elicitations = [{ mode: 'url', elicitationId: id, url, message }];
  const error = { code: codes.urlElicitationRequired, message, data: { elicitations } };
  return { kind: 'error', error: ownWords(error) };
}

/** What a server gets of the answers of a client. That a page was opened is none of its business. */
export function withoutUrlPrompts(params: JsonObject): JsonObject {
  const { inputResponses } = params;
  if (!isObject(inputResponses)) return params;
  const own: readonly string[] = Object.values(keys);
  const others = Object.entries(inputResponses).filter(([key]) => !own.includes(key));
  if (others.length === Object.keys(inputResponses).length) return params;
  if (others.length > 0) return { ...params, inputResponses: Object.fromEntries(others) };
  const { inputResponses: _none, ...rest } = params;
  return rest;
}
