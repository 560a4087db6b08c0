/** Every method that the gateway understands. What is not in these tables does not cross it. */

/**
 * `call` reaches one capability of one server. `list` is answered from the catalogue. `local` concerns the gateway
 * itself. `stream` stays open.
 */
export type Operation = 'call' | 'list' | 'local' | 'stream';

export type ListKind = 'tools' | 'prompts' | 'resources' | 'templates';

const shared: Readonly<Record<string, Operation>> = {
  'tools/call': 'call',
  'prompts/get': 'call',
  'resources/read': 'call',
  'completion/complete': 'call',
  'tools/list': 'list',
  'prompts/list': 'list',
  'resources/list': 'list',
  'resources/templates/list': 'list',
};

const requests: Readonly<Record<'legacy' | 'modern', ReadonlyMap<string, Operation>>> = {
  modern: new Map<string, Operation>([
    ...Object.entries(shared),
    ['server/discover', 'local'],
    ['subscriptions/listen', 'stream'],
  ]),
  legacy: new Map<string, Operation>([
    ...Object.entries(shared),
    ['initialize', 'local'],
    ['ping', 'local'],
    ['logging/setLevel', 'local'],
    ['resources/subscribe', 'call'],
    ['resources/unsubscribe', 'call'],
  ]),
};

/** What a request asks for, or `undefined` for a method that this era does not have. */
export function operationOf(era: 'legacy' | 'modern', method: string): Operation | undefined {
  return requests[era].get(method);
}

export const listMethods: Readonly<Record<ListKind, string>> = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  templates: 'resources/templates/list',
};

export function listKindOf(method: string): ListKind | undefined {
  switch (method) {
    case 'tools/list':
      return 'tools';
    case 'prompts/list':
      return 'prompts';
    case 'resources/list':
      return 'resources';
    case 'resources/templates/list':
      return 'templates';
    default:
      return undefined;
  }
}

/** The member of the result that holds the entries of a list. */
export const listMembers: Readonly<Record<ListKind, string>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  templates: 'resourceTemplates',
};

/** Where the `Mcp-Name` header of a request comes from (2026-07-28, streamable HTTP, standard headers). */
export function nameMember(method: string): 'name' | 'uri' | undefined {
  if (method === 'tools/call' || method === 'prompts/get') return 'name';
  return method === 'resources/read' ? 'uri' : undefined;
}

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
