/** Ways around a gateway that follow from what the protocol says. */
import { from, inFile } from './requirement.ts';

export const messages = from('MCP 2026-07-28 and 2025-11-25: abuse of messages', [
  {
    id: 'P1',
    text: 'Headers that mirror the body equal it, each of them, and none is missing.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'header differs from the body: Mcp-Name names an allowed tool, the body another',
      'header differs from the body: Mcp-Method',
      'header differs from the body: MCP-Protocol-Version',
      'header is missing: ${missing}',
    ),
  },
  {
    id: 'P2',
    text: 'Headers that decide stand once, whatever the case of their names.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'duplicate headers: Mcp-Name twice, in different case',
      'duplicate headers: Authorization twice',
    ),
  },
  {
    id: 'P3',
    text: 'A header value in base64 becomes no other header.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'header injection: a base64 value with CRLF does not become headers',
      'malformed base64 in a header',
    ),
  },
  {
    id: 'P4',
    text: 'Headers that mirror arguments hold for modern requests only, and equal the arguments.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'Mcp-Param on a legacy request',
      'Mcp-Param against the argument',
      'Mcp-Param without the argument, and the argument without Mcp-Param',
    ),
  },
  {
    id: 'P5',
    text: 'A request of an older era is judged by the same rules.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'legacy downgrade: a modern header without _meta',
      'legacy downgrade: without header and _meta the same rules hold',
    ),
  },
  {
    id: 'P6',
    text: 'initialize with the _meta of the modern era is refused.',
    proofs: inFile('e2e/attacks/requests.test.ts', 'initialize that carries modern _meta'),
  },
  {
    id: 'P7',
    text: 'A batch passes only in the version that has it, each message decided by itself.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'batch: a modern call in an array',
      'batch: in a version without batches',
      'batch: each message in 2025-03-26 is decided by itself',
    ),
  },
  {
    id: 'P8',
    text: 'Duplicate keys in JSON are refused, from clients and servers.',
    proofs: [
      ...inFile(
        'e2e/attacks/requests.test.ts',
        { test: 'body: ${name}', of: 'duplicate JSON keys' },
        { test: 'body: ${name}', of: 'duplicate JSON keys, one of them escaped' },
      ),
      ...inFile('e2e/attacks/answers.test.ts', 'duplicate keys in an answer'),
    ],
  },
  {
    id: 'P9',
    text: 'Text that is no proper UTF-8 or UTF-16, or has a byte order mark, is refused.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      { test: 'body: ${name}', of: 'lone surrogate' },
      { test: 'body: ${name}', of: 'overlong UTF-8' },
      { test: 'body: ${name}', of: 'byte order mark' },
    ),
  },
  {
    id: 'P10',
    text: 'A member __proto__ in arguments is refused.',
    proofs: inFile('e2e/attacks/requests.test.ts', { test: 'body: ${name}', of: 'the key __proto__ in arguments' }),
  },
  {
    id: 'P11',
    text: 'Nesting is bounded.',
    proofs: [
      ...inFile('e2e/attacks/requests.test.ts', { test: 'body: ${name}', of: 'deep nesting' }),
      ...inFile('e2e/bounds.test.ts', 'depth: as deep as allowed, and one level more'),
      ...inFile('e2e/attacks/answers.test.ts', 'an answer that is nested too deeply'),
    ],
  },
  {
    id: 'P12',
    text: 'Numbers beyond double precision are compared exactly, and reach the server as written.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'numbers beyond double precision reach the server as they were',
      'a condition sees the exact number, not its neighbour',
      'a limit just above, hidden behind precision, does not pass',
    ),
  },
  {
    id: 'P13',
    text: '1.0 is the number 1 for conditions, and stays 1.0 towards servers.',
    proofs: inFile(
      'e2e/faults/c14-small-differences.test.ts',
      'C14: unknown notifications are taken, an argument object may be null, 1.0 stays 1.0',
      'C14: a condition compares 10.0 as the number that it is',
    ),
  },
  {
    id: 'P14',
    text: 'A body of another media type is not read.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      "content type: ${type === '' ? 'none' : type}",
      'content type: Application/JSON; Charset=UTF-8 is JSON',
    ),
  },
  {
    id: 'P15',
    text: 'A body has one length.',
    proofs: inFile('e2e/attacks/requests.test.ts', 'smuggling: Content-Length and chunked at once'),
  },
  {
    id: 'P16',
    text: 'An unknown resultType is no result.',
    proofs: inFile('e2e/attacks/answers.test.ts', 'unknown resultType'),
  },
  {
    id: 'P17',
    text: 'A result without resultType is complete.',
    proofs: inFile('e2e/attacks/answers.test.ts', 'resultType absent from a modern server counts as complete'),
  },
  {
    id: 'P18',
    text: 'A result for another id is no answer.',
    proofs: inFile(
      'e2e/attacks/answers.test.ts',
      'a result for another id',
      'a result for another id beside the right one',
    ),
  },
  {
    id: 'P19',
    text: 'Progress and notifications with a forged token or subscription reach no client.',
    proofs: inFile(
      'e2e/attacks/answers.test.ts',
      'progress with a forged token, and progress without a request for it',
      'a notification with a forged subscription, and one that does not exist',
    ),
  },
  {
    id: 'P20',
    text: 'A response that comes after its call was given up reaches no other call.',
    proofs: inFile('e2e/wire.test.ts', 'P20: a response that comes after its call was given up reaches no other call'),
  },
  {
    id: 'P21',
    text: 'Event streams are read by their rules, in all their spellings.',
    proofs: inFile(
      'e2e/attacks/answers.test.ts',
      'SSE events: several data lines, comments, other line ends, unknown event types',
      'an event that is no JSON',
    ),
  },
  {
    id: 'P22',
    text: 'Lines of a program that are no messages are none.',
    proofs: inFile('e2e/processes.test.ts', 'garbage on stdout is no message, and the call goes on'),
  },
  {
    id: 'P23',
    text: 'A tool that changes between its list and its call is held until the operator agrees.',
    proofs: inFile(
      'e2e/pins.test.ts',
      'first use: what is there at first contact is approved, and what changes is hidden, recorded and shown',
    ),
  },
  {
    id: 'P24',
    text: 'A hidden tool that is called is like one that does not exist.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'a hidden tool answers like one that does not exist, character by character',
      'a hidden tool answers like one that does not exist at the portal as well',
    ),
  },
  {
    id: 'P25',
    text: 'A hidden prompt or resource is reached by no method: completion, subscription, task.',
    proofs: [
      ...inFile(
        'e2e/attacks/requests.test.ts',
        'a hidden prompt and resource: by get, read, completion and subscription',
        'members of a request that the gateway does not know are not forwarded: a task, for example',
      ),
      ...inFile('e2e/attacks/resources.test.ts', 'a resource that may not be read may not be watched either'),
    ],
  },
  {
    id: 'P26',
    text: 'Links to hidden resources, and embedded ones, in results and prompts are left out.',
    proofs: inFile(
      'e2e/attacks/links.test.ts',
      'links to hidden resources and embedded ones are left out of results, in every spelling',
      'prompts, input requests and the contents of a resource lead to nothing hidden either',
    ),
  },
  {
    id: 'P27',
    text: 'What a server was given comes back in no part of what it says: results, errors, progress, log messages, input requests, instructions, definitions.',
    proofs: [
      ...inFile(
        'e2e/faults/w02-given-secrets.test.ts',
        'W2: a token that was presented for one caller is hidden from another, in every spelling and after a reload',
      ),
      ...inFile(
        'e2e/attacks/answers.test.ts',
        'progress and log messages with the credential of the gateway in them, in values and in names',
        'a server that introduces itself with the credential of the gateway',
      ),
      ...inFile('e2e/attacks/chatter.test.ts', 'a log message beside calls with the credential of the gateway in it'),
    ],
  },
  {
    id: 'P28',
    text: 'Personal data and secrets of others are found in each part of what a server says, within base64 and images too.',
    proofs: [
      ...inFile(
        'gateway/src/stages/inspect/guardrails/guardrails.test.ts',
        'everything else that a server sends is looked at as well',
        'a secret is found that is split over blocks, encoded, or disguised',
      ),
      ...inFile(
        'e2e/guardrails-more.test.ts',
        'a picture loses the words in which something is found, _meta of a call is looked at, and the client is told',
        'data: URIs are looked into, in what servers and clients send, and lose all that they hold',
      ),
    ],
  },
  {
    id: 'P29',
    text: 'A requestState counts once, in time, for its caller, server, tool and arguments.',
    proofs: inFile(
      'e2e/attacks/state.test.ts',
      'requestState of another caller',
      'requestState at another server',
      'requestState with other arguments',
      'requestState for another tool',
      'requestState twice',
      'requestState after it has expired',
      'requestState that was changed or made up',
    ),
  },
  {
    id: 'P30',
    text: 'A task of another caller cannot be reached: the gateway forwards no tasks.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'unknown methods and extensions: 404 and -32601',
      'members of a request that the gateway does not know are not forwarded: a task, for example',
    ),
  },
  {
    id: 'P31',
    text: 'A list of one caller is not served to another.',
    proofs: inFile('e2e/attacks/requests.test.ts', 'lists of one caller are not served to another'),
  },
  {
    id: 'P32',
    text: 'A session of another caller does not exist.',
    proofs: inFile('e2e/attacks/state.test.ts', 'session id of another caller: 404, for POST, GET and DELETE'),
  },
]);
