/** Every method that the gateway understands. What is not in this table does not cross it. */
import type { Era } from './versions.ts';

/**
 * `call` reaches one capability of one server. `list` is answered from the catalogue. `local` concerns the gateway
 * itself. `stream` stays open.
 */
export type Operation = 'call' | 'list' | 'local' | 'stream';

export type ListKind = 'tools' | 'prompts' | 'resources' | 'templates';

/** One row a method: everything that any part of the gateway needs to know of it. */
export interface Method {
  readonly eras: readonly Era[];
  readonly operation: Operation;
  /** What a call is about. `reference`: the prompt or template that `params.ref` names. */
  readonly target?: 'tool' | 'prompt' | 'resource' | 'reference';
  /** Members of `params` that reach the server. */
  readonly forwarded?: readonly string[];
  /** Where the `Mcp-Name` header of a request comes from (2026-07-28, streamable HTTP, standard headers). */
  readonly nameMember?: 'name' | 'uri' | 'taskId';
  /** The result may be input requests (2026-07-28, MRTR). */
  readonly mayAsk?: true;
  readonly list?: ListKind;
}

const both = ['legacy', 'modern'] as const;
const legacy = ['legacy'] as const;
const modern = ['modern'] as const;
/** With what a retry of a call brings along. */
const again = ['inputResponses', 'requestState', '_meta'] as const;

export const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
  [
    'tools/call',
    {
      eras: both,
      operation: 'call',
      target: 'tool',
      forwarded: ['name', 'arguments', ...again],
      nameMember: 'name',
      mayAsk: true,
    },
  ],
  [
    'prompts/get',
    {
      eras: both,
      operation: 'call',
      target: 'prompt',
      forwarded: ['name', 'arguments', ...again],
      nameMember: 'name',
      mayAsk: true,
    },
  ],
  [
    'resources/read',
    {
      eras: both,
      operation: 'call',
      target: 'resource',
      forwarded: ['uri', ...again],
      nameMember: 'uri',
      mayAsk: true,
    },
  ],
  [
    'completion/complete',
    { eras: both, operation: 'call', target: 'reference', forwarded: ['ref', 'argument', 'context', '_meta'] },
  ],
  ['resources/subscribe', { eras: legacy, operation: 'call', target: 'resource', forwarded: ['uri', '_meta'] }],
  ['resources/unsubscribe', { eras: legacy, operation: 'call', target: 'resource', forwarded: ['uri', '_meta'] }],
  ['tools/list', { eras: both, operation: 'list', list: 'tools' }],
  ['prompts/list', { eras: both, operation: 'list', list: 'prompts' }],
  ['resources/list', { eras: both, operation: 'list', list: 'resources' }],
  ['resources/templates/list', { eras: both, operation: 'list', list: 'templates' }],
  ['server/discover', { eras: modern, operation: 'local' }],
  // Extension io.modelcontextprotocol/tasks: of calls that wait for a person.
  ['tasks/get', { eras: modern, operation: 'local', nameMember: 'taskId' }],
  ['tasks/update', { eras: modern, operation: 'local', nameMember: 'taskId' }],
  ['tasks/cancel', { eras: modern, operation: 'local', nameMember: 'taskId' }],
  ['subscriptions/listen', { eras: modern, operation: 'stream' }],
  ['initialize', { eras: legacy, operation: 'local' }],
  ['ping', { eras: legacy, operation: 'local' }],
  ['logging/setLevel', { eras: legacy, operation: 'local' }],
]);

/** What a request asks for, or `undefined` for a method that this era does not have. */
export function operationOf(era: Era, method: string): Operation | undefined {
  const row = methods.get(method);
  return row?.eras.includes(era) === true ? row.operation : undefined;
}

export const listMethods: Readonly<Record<ListKind, string>> = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  templates: 'resources/templates/list',
};

/** The member of the result that holds the entries of a list. */
export const listMembers: Readonly<Record<ListKind, string>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  templates: 'resourceTemplates',
};

/** What a server may ask of a client, and the capability that the client declares for it. */
export const clientRequests: ReadonlyMap<string, 'elicitation' | 'sampling' | 'roots'> = new Map([
  ['elicitation/create', 'elicitation'],
  ['sampling/createMessage', 'sampling'],
  ['roots/list', 'roots'],
]);

/** List changes, by the list that they invalidate. A change of resources concerns the templates as well. */
export const listChanges: ReadonlyMap<string, readonly ListKind[]> = new Map<string, readonly ListKind[]>([
  ['notifications/tools/list_changed', ['tools']],
  ['notifications/prompts/list_changed', ['prompts']],
  ['notifications/resources/list_changed', ['resources', 'templates']],
]);

export const logLevels: readonly string[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
];
