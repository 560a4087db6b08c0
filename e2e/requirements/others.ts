/** What other gateways had to mend. */
import { from, inFile } from './requirement.ts';

export const others = from('Security fixes of other gateways', [
  {
    id: 'R1',
    text: 'A body of another media type is neither judged as empty nor forwarded.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      "content type: ${type === '' ? 'none' : type}",
      'content type: Application/JSON; Charset=UTF-8 is JSON',
    ),
  },
  {
    id: 'R2',
    text: 'A tool that the list hides cannot be called by its name.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'a hidden tool answers like one that does not exist, character by character',
      'a hidden tool answers like one that does not exist at the portal as well',
    ),
  },
  {
    id: 'R3',
    text: 'An answer is filtered whatever the case of its media type and whichever status of success it has.',
    proofs: inFile('e2e/attacks/answers.test.ts', 'Application/JSON and status 201 are looked at like any answer'),
  },
  {
    id: 'R4',
    text: 'A byte order mark before JSON leads around nothing.',
    proofs: inFile('e2e/attacks/requests.test.ts', { test: 'body: ${name}', of: 'byte order mark' }),
  },
  {
    id: 'R5',
    text: 'Two URIs that a server tells apart are told apart by the policy, and spellings of one are one.',
    proofs: inFile(
      'e2e/attacks/resources.test.ts',
      'a denied resource is not read under any of its spellings',
      'what leads around a denied path, host or segment does not reach the server',
    ),
  },
  {
    id: 'R6',
    text: 'A tool name inside of another name or of arguments leads to no other tool.',
    proofs: inFile(
      'e2e/attacks/portal.test.ts',
      '${liar} spells the alias of ${tool} of ${victim}, and is not called in its place',
    ),
  },
  {
    id: 'R7',
    text: 'Denials are recorded.',
    proofs: [
      ...inFile(
        'e2e/audit/audit.test.ts',
        'ten calls of which three are denied are found, shown, proved and verified elsewhere',
      ),
      ...inFile(
        'e2e/audit/refused.test.ts',
        'a tool that a rule denies is found by decision, capability and server, and looks unknown to the client',
      ),
    ],
  },
  {
    id: 'R8',
    text: 'Credentials and cookies of a client are forwarded to no server.',
    proofs: [
      ...inFile('e2e/attacks/requests.test.ts', 'an inbound credential is never forwarded'),
      ...inFile('e2e/attacks/tokens.test.ts', '10 the token of the client never reaches a server, in any header'),
    ],
  },
  {
    id: 'R9',
    text: 'Endpoints that are discovered may not be in a private network.',
    proofs: [
      ...inFile('e2e/attacks/egress.test.ts', '12 metadata that points to 169.254.169.254 is refused'),
      ...inFile(
        'e2e/attacks/accounts.test.ts',
        '12 a server whose metadata points to 169.254.169.254 is refused, wherever it points there',
      ),
    ],
  },
  {
    id: 'R10',
    text: 'The client document of the gateway promises what authorization servers then get.',
    proofs: inFile(
      'e2e/accounts.test.ts',
      'under an https URL the gateway is known by its document, and its cookies by a name that only https can set',
    ),
  },
  {
    id: 'R11',
    text: 'A tool whose schema has an invalid x-mcp-header is not offered.',
    proofs: inFile('e2e/attacks/requests.test.ts', 'a tool with an invalid x-mcp-header does not exist'),
  },
  {
    id: 'R12',
    text: 'Reserved keys in results of servers do not come through.',
    proofs: inFile('e2e/attacks/answers.test.ts', 'reserved keys in the _meta of a result'),
  },
  {
    id: 'R13',
    text: 'Labels of metrics come from tables, never from clients.',
    proofs: inFile('e2e/attacks/requests.test.ts', 'metric labels come from tables, not from clients'),
  },
  {
    id: 'R14',
    text: 'What is filtered keeps its status and arrives as it would directly.',
    proofs: inFile('e2e/direct/direct.test.ts', 'through the gateway a server is as it is direct'),
  },
  {
    id: 'R15',
    text: 'Codes of errors are those that MCP reserves, and those of servers stay theirs.',
    proofs: inFile(
      'e2e/attacks/answers.test.ts',
      'error text of a server is its own; codes of our transport do not come through',
    ),
  },
  {
    id: 'R16',
    text: 'A body that is cut off is refused.',
    proofs: inFile('e2e/attacks/requests.test.ts', { test: 'body: ${name}', of: 'truncated body' }),
  },
  {
    id: 'R17',
    text: 'Duplicate keys are refused, and keys of another case are other keys.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      { test: 'body: ${name}', of: 'duplicate JSON keys' },
      'case-folded keys are other keys',
    ),
  },
  {
    id: 'R18',
    text: 'An array of messages leads around nothing.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'batch: a modern call in an array',
      'batch: in a version without batches',
      'batch: each message in 2025-03-26 is decided by itself',
    ),
  },
  {
    id: 'R19',
    text: 'Nesting is bounded.',
    proofs: [
      ...inFile('e2e/attacks/requests.test.ts', { test: 'body: ${name}', of: 'deep nesting' }),
      ...inFile('e2e/bounds.test.ts', 'depth: as deep as allowed, and one level more'),
    ],
  },
  {
    id: 'R20',
    text: 'A deny rule whose condition fails denies.',
    proofs: inFile('e2e/attacks/requests.test.ts', 'a deny rule that throws denies'),
  },
  {
    id: 'R21',
    text: 'The session of another user does not exist.',
    proofs: inFile('e2e/attacks/state.test.ts', 'session id of another caller: 404, for POST, GET and DELETE'),
  },
  {
    id: 'R22',
    text: 'A session leads to no other server than its own.',
    proofs: inFile('e2e/attacks/state.test.ts', 'session id that names another server'),
  },
  {
    id: 'R23',
    text: 'Headers that differ from the body are refused.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'header differs from the body: Mcp-Name names an allowed tool, the body another',
      'header differs from the body: Mcp-Method',
      'header differs from the body: MCP-Protocol-Version',
    ),
  },
  {
    id: 'R24',
    text: 'Headers that mirror arguments equal them.',
    proofs: inFile(
      'e2e/attacks/requests.test.ts',
      'Mcp-Param against the argument',
      'what is forwarded is mirrored anew: a header that the schema does not know stays here',
    ),
  },
]);
