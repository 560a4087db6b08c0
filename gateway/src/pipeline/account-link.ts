/**
 * A call that needs an account of its user is answered with the page on which it is connected: as an input request that a
 * modern client shows and then calls again, as an error that a legacy client understands the same way, else as words.
 */
import { isObject, type JsonObject } from '../protocol/json.ts';
import { codes } from '../protocol/jsonrpc.ts';
import { methods } from '../protocol/methods.ts';
import { ownWords } from './deliver.ts';
import type { Received, Reply } from './exchange.ts';
import { accountLinkText } from './wire-error.ts';

/** The key of the gateway's own input request: an answer under it never goes to a server. */
const key = 'sallyport-connect';

/** Stands after the record: the page is for the client, and no part of the evidence. */
export function withAccountLink({ client, method }: Received, reply: Reply): Reply {
  if (reply.kind !== 'refused' || reply.refusal.reason !== 'account-required') return reply;
  const { server, prompt } = reply.refusal;
  const { elicitation } = client.capabilities;
  const { url, id } = prompt;
  if (url === undefined || !isObject(elicitation) || !isObject(elicitation.url)) return reply;
  const message = accountLinkText(server, prompt);
  if (client.era === 'modern')
    return methods.get(method)?.mayAsk === true
      ? {
          kind: 'result',
          result: ownWords({
            resultType: 'input_required',
            inputRequests: { [key]: { method: 'elicitation/create', params: { mode: 'url', message, url } } },
          }),
        }
      : reply;
  const elicitations = [{ mode: 'url', elicitationId: id, url, message }];
  const error = { code: codes.urlElicitationRequired, message, data: { elicitations } };
  return { kind: 'error', error: ownWords(error) };
}

/** What a server gets of the answers of a client. That a page was opened is none of its business. */
export function withoutAccountLink(params: JsonObject): JsonObject {
  const { inputResponses } = params;
  if (!isObject(inputResponses) || !Object.hasOwn(inputResponses, key)) return params;
  const { [key]: _own, ...others } = inputResponses;
  if (Object.keys(others).length > 0) return { ...params, inputResponses: others };
  const { inputResponses: _none, ...rest } = params;
  return rest;
}
