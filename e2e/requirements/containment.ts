/** What limits and containment promise: nothing is exhausted by one caller, and what misbehaves is cut off. */
import { from, inFile } from './requirement.ts';

const limits = 'e2e/limits.test.ts';
const windows = 'e2e/windows.test.ts';
const breaker = 'e2e/breaker.test.ts';
const circuits = 'gateway/src/stages/limits/breaker/breaker.test.ts';
const control = 'e2e/server-control.test.ts';
const health = 'e2e/health.test.ts';
const upstream = 'e2e/upstream-limits.test.ts';
const loops = 'gateway/src/stages/limits/loops/loops.test.ts';

export const containment = from('Limits and containment', [
  {
    id: 'L1',
    text: 'A limit lets through what it says and no call more, with every client, in races, and after a kill of the gateway; who meets it hears when to come back.',
    proofs: inFile(
      limits,
      'a rate: the eleventh call of every kind of client hears when, the record has it, and metrics count it',
      'sixty-four calls at the same time on a rate of ten: ten reach the server',
      'a budget goes on after kill -9 and after a reload, and warns',
    ),
  },
  {
    id: 'L2',
    text: 'An agent that goes round in circles is told, then stopped, and ordinary sessions are not.',
    proofs: [
      ...inFile(limits, 'a loop is told, then refused, and what is denied again and again is told so'),
      ...inFile(
        loops,
        'ordinary sessions are told nothing: pages, retries, polling with progress, slow polling, many conversations',
      ),
    ],
  },
  {
    id: 'L3',
    text: 'Outside its hours, networks and countries a connection does not exist, and none leads into another environment unless it says so.',
    proofs: [
      ...inFile(
        windows,
        'outside its hours a connection does not exist, and what is open ends',
        'a connection for a network does not exist from elsewhere, and not over stdio',
      ),
      ...inFile(
        'e2e/countries.test.ts',
        'a connection is there for its countries only, and a new database counts as soon as it is there',
        'no gateway starts without the database that it is told of, or that a connection needs',
        'environments: a server of production does not exist for callers of staging, unless a connection says so',
      ),
    ],
  },
  {
    id: 'L4',
    text: 'Calls to a server or tool that fails are refused at once until one probe succeeds; other tools and servers go on.',
    proofs: [
      ...inFile(
        breaker,
        'a hanging tool is refused at once with a hint, one probe goes through, and it comes back; others go on',
        'a server that dies opens for every caller, shows in server list, metrics and records, and comes back',
        'a server that flaps is held back longer each time, and one that answers isError never is',
        'answers that break the protocol or are too large count, and so does what a guardrail withholds',
      ),
      ...inFile(
        'e2e/examples.test.ts',
        'examples/containment: the eleventh call hears when, an agent in a loop is stopped, a server that dies comes back',
      ),
    ],
  },
  {
    id: 'L5',
    text: 'A caller cannot take a tool from others with calls that make it fail.',
    proofs: inFile(
      circuits,
      'what times out for one caller opens the tool for that caller, and for all once another one meets it',
    ),
  },
  {
    id: 'L6',
    text: 'An operator takes a server out of service on the running gateway, with a record of who and why; connected clients hear of it.',
    proofs: inFile(
      control,
      'disable: calls under way are cut, clients hear why and that lists changed, and enable brings it back',
      'drain: what is under way ends, new calls are refused, lists stay; --for ends by itself',
      'quarantine: as if it were not there, also after a restart, and for a gateway over stdio',
    ),
  },
  {
    id: 'L7',
    text: 'Checks tell a server that refuses our credential from one that cannot be reached, and a standby credential takes over.',
    proofs: inFile(
      health,
      'each state with why and the steps; checks count under no limit',
      'a credential is revoked at the server: unauthorised within one check, and the standby takes over',
      'a call whose credential is refused goes on with the standby',
      'server probe waits until a server is there, and ends with a code for what is wrong',
    ),
  },
  {
    id: 'L8',
    text: 'What servers allow is kept to, whether they say so or the operator does, and identical reads are made once.',
    proofs: [
      ...inFile(
        limits,
        'what a server says of its own limits is kept: calls are answered at once, without it, until then',
      ),
      ...inFile(
        upstream,
        'a quota lets through what the server allows; more waits in a queue, and is refused beyond it',
        'identical calls of one caller to a tool that reads are made once while they are under way',
      ),
    ],
  },
  {
    id: 'L9',
    text: 'Clients are told in the headers of the IETF draft what their limits have left, where the configuration wants it.',
    proofs: inFile(
      upstream,
      'RateLimit headers say what the limits of a call have left, where the configuration wants it',
    ),
  },
]);
