/** What the protocol asks of what stands between clients and servers. */
import { from, inFile } from './requirement.ts';

export const intermediary = from('MCP 2026-07-28: what a gateway must do', [
  {
    id: 'G1',
    text: 'Headers that differ from the body, and required ones that are missing, are refused with 400.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'header differs from the body: Mcp-Name names an allowed tool, the body another',
      'header differs from the body: Mcp-Method',
      'header differs from the body: MCP-Protocol-Version',
      'header is missing: ${missing}',
    ),
  },
  {
    id: 'G4',
    text: 'A base64 value of a header is decoded before it is compared.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'header injection: a base64 value with CRLF does not become headers',
      'malformed base64 in a header',
    ),
  },
  {
    id: 'G6',
    text: 'No header is trusted for a decision before it was compared with the body.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'header differs from the body: Mcp-Name names an allowed tool, the body another',
      'header differs from the body: Mcp-Method',
      'header differs from the body: MCP-Protocol-Version',
    ),
  },
  {
    id: 'G7',
    text: 'A foreign Origin gets 403, and each request is authenticated.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'a foreign Host or Origin',
      'no credentials: 401 with a challenge, whatever the body',
    ),
  },
  {
    id: 'G8',
    text: 'server/discover is answered as the server behind the endpoint would.',
    proofs: inFile('e2e/direct/direct.test.ts', 'through the gateway a server is as it is direct'),
  },
  {
    id: 'G9',
    text: 'An unknown version gets 400 with those that are supported.',
    proofs: inFile('e2e/attacks/requests.test.ts', 'an unknown version: -32022 with what is supported'),
  },
  {
    id: 'G10',
    text: 'An unknown method gets 404 and -32601.',
    proofs: inFile('e2e/attacks/requests.test.ts', 'unknown methods and extensions: 404 and -32601'),
  },
  {
    id: 'G11',
    text: 'A modern request without a required member of _meta gets 400.',
    proofs: inFile('e2e/attacks/requests.test.ts', '_meta lacks clientCapabilities'),
  },
  {
    id: 'G12',
    text: 'Nothing is concluded from an earlier request of a connection: state is named, and proves no identity.',
    proofs: inFile('e2e/attacks/state.test.ts', 'a session id does not authenticate', 'requestState of another caller'),
  },
  {
    id: 'G13',
    text: 'Lists differ by authorization only.',
    proofs: inFile('e2e/attacks/requests.test.ts', 'lists of one caller are not served to another'),
  },
  {
    id: 'G14',
    text: 'The methods of each declared capability are answered.',
    proofs: inFile('e2e/direct/direct.test.ts', 'through the gateway a server is as it is direct'),
  },
  {
    id: 'G15',
    text: 'Log messages, and notifications of subscriptions, come only where they were asked for.',
    proofs: inFile(
      'e2e/attacks/answers.test.ts',
      'log messages without a level asked for stay here',
      'a notification with a forged subscription, and one that does not exist',
    ),
  },
  {
    id: 'G16',
    text: 'A requestState is sealed, and that of a server passes as it is.',
    proofs: [
      ...inFile('e2e/attacks/state.test.ts', 'requestState that was changed or made up'),
      ...inFile('e2e/bridge.test.ts', 'the same journey in every cell'),
    ],
  },
  {
    id: 'G17',
    text: 'A client is asked only what it has declared.',
    proofs: inFile('e2e/attacks/answers.test.ts', 'a question that the client has not offered to answer'),
  },
  {
    id: 'G18',
    text: 'A client that goes away has cancelled its request.',
    proofs: inFile(
      'e2e/faults/w10-parked-questions.test.ts',
      'W10: a second question takes the place of the first one, and a client that goes away ends the call',
    ),
  },
  {
    id: 'G19',
    text: 'What is private is not shared between callers, and its time to live is honoured.',
    proofs: [
      ...inFile('e2e/attacks/requests.test.ts', 'lists of one caller are not served to another'),
      ...inFile('e2e/faults/c02-lists.test.ts', 'D4: a time to live of 0 is honoured for lists'),
    ],
  },
  {
    id: 'G20',
    text: 'References in schemas of tools lead nowhere outside of them, and schemas have bounds.',
    proofs: [
      ...inFile('gateway/src/catalog/schema.test.ts', 'references: inside the schema yes, anywhere else no'),
      ...inFile('e2e/bounds.test.ts', 'schema: a tool whose schema is larger than allowed is not offered'),
    ],
  },
  {
    id: 'G21',
    text: 'Schemas are of the dialect that they declare, else of 2020-12; an unknown one is an error.',
    proofs: inFile('e2e/faults/c12-dialects.test.ts', 'C12: each dialect is read by its own rules'),
  },
  {
    id: 'G22',
    text: 'What a server says of its tools gives no right.',
    proofs: inFile('e2e/faults/a5-closed-tools.test.ts', 'A5: no word of a server opens its tool'),
  },
  {
    id: 'G23',
    text: 'Merged names begin with the name of the configuration, are unique, and have at most 64 characters.',
    proofs: [
      ...inFile(
        'gateway/src/pipeline/alias.test.ts',
        'a name that does not fit ends with 64 bits of a digest, within 64 characters',
      ),
      ...inFile(
        'e2e/attacks/portal.test.ts',
        '${liar} spells the alias of ${tool} of ${victim}, and is not called in its place',
      ),
    ],
  },
  {
    id: 'G25',
    text: 'Calls of tools have limits for each caller and tool.',
    proofs: inFile(
      'e2e/limits.test.ts',
      'G25: limits on a server, a tool and a connection hold at once, and one that observes only says so',
    ),
  },
  {
    id: 'G26',
    text: 'A cursor is opaque, and an empty one ends a list.',
    proofs: inFile('e2e/faults/c02-lists.test.ts', 'C7: an empty cursor ends a list, and begins one'),
  },
  {
    id: 'G27',
    text: 'Streams are not buffered, and kept alive by comments.',
    proofs: inFile('e2e/wire.test.ts', 'G27: a stream tells proxies not to buffer it, and is kept alive by comments'),
  },
  {
    id: 'G28',
    text: 'As a client, the gateway takes no unknown resultType, offers no tool with an invalid x-mcp-header, and reads JSON and events.',
    proofs: [
      ...inFile(
        'e2e/attacks/answers.test.ts',
        'unknown resultType',
        'resultType absent from a modern server counts as complete',
      ),
      ...inFile('e2e/attacks/requests.test.ts', 'a tool with an invalid x-mcp-header does not exist'),
    ],
  },
  {
    id: 'G29',
    text: 'A call is made again only where that is safe, with a new id.',
    proofs: [
      ...inFile('e2e/faults/b07-unfinished-calls.test.ts', 'B7: crash, cut and time-out after a call was sent'),
      ...inFile(
        'e2e/faults/c06-doubtful-refusals.test.ts',
        'C6: a call that is refused with 400 takes no call of another caller with it',
      ),
    ],
  },
  {
    id: 'G30',
    text: 'Tokens of clients are not passed through, and tokens for others are not accepted.',
    proofs: inFile(
      'e2e/attacks/tokens.test.ts',
      '10 the token of the client never reaches a server, in any header',
      '2 wrong audience',
    ),
  },
  {
    id: 'G31',
    text: 'A page that the gateway asks to visit is bound to the user who called.',
    proofs: inFile(
      'e2e/attacks/accounts.test.ts',
      'session of another user: opening the page of another user connects nothing',
    ),
  },
  {
    id: 'G33',
    text: 'Completions name nothing that the caller may not read.',
    proofs: inFile(
      'e2e/faults/a17-denied-like-absent.test.ts',
      'A17: completions name no resource that the caller may not read',
    ),
  },
]);
