/** What other people's clients, servers and profiles ask for. */
import { from, inFile } from './requirement.ts';

export const compatibility = from("Other people's clients and servers", [
  {
    id: 'C1',
    text: 'The era towards a server follows the client where the server speaks both, one link for each era.',
    proofs: [
      ...inFile(
        'e2e/faults/c01-era-follows-client.test.ts',
        'C1: a legacy client is asked by a server of both eras, a modern client of the same server is served',
        'C1: a shared ${eras} program is started no more often than needed for clients of both eras, the ${first} one first',
        'C1: clients of both eras that come at once wait for one start of a program that has one era',
        'C1: a server that is replaced by one of the other era is found out again',
        'C1: a server that asks while the gateway reads its list is refused, and the list arrives',
      ),
      ...inFile(
        'e2e/faults/c01-shared-links.test.ts',
        'C1 (unit): a connection that callers share carries no call of the legacy era, and becomes that of no single caller',
      ),
    ],
  },
  {
    id: 'C2',
    text: 'A list whose changes cannot be heard is read again, and a call is refused only by the schema of now.',
    proofs: inFile(
      'e2e/faults/c02-lists.test.ts',
      'C2: a call that the remembered schema refuses is checked against the list of now',
      'C2: a list whose changes cannot be heard is read again, one whose changes are heard is not',
    ),
  },
  {
    id: 'C3',
    text: 'format is an annotation unless the operator asks for it.',
    proofs: inFile(
      'e2e/faults/c3-formats.test.ts',
      'C3: a text that does not meet the format reaches the server, unless the operator asks for it',
    ),
  },
  {
    id: 'C4',
    text: 'A legacy server is told the least severe log level that is wanted.',
    proofs: inFile(
      'e2e/faults/c10-habits-on-the-wire.test.ts',
      'C4: a legacy server is told the least severe level that is wanted',
    ),
  },
  {
    id: 'C5',
    text: 'A program is found to be legacy whatever it answers to server/discover, on one process where it can be.',
    proofs: inFile(
      'e2e/faults/b03-cold-start.test.ts',
      "C5: a legacy program whose answer to server/discover is ${discover ?? 'an error'} comes up",
    ),
  },
  {
    id: 'C6',
    text: 'A restarted server gets one new session and the call again where that is safe, however it answers the old session.',
    proofs: [
      ...inFile(
        'e2e/faults/c06-doubtful-refusals.test.ts',
        'C6: an error of a tool that speaks of a session of its own is not repeated, for a ${era} server',
        'C6: calls that are refused with ${name} in a session that lives are made once, and take no other with them',
        'C6: a call that is refused with 400 takes no call of another caller with it',
        'C6: where ${status} says nothing of the session, few are begun for it, and others keep their calls',
        'C6: a server that knows no ping has forgotten no session where it refuses arguments',
      ),
      ...inFile(
        'e2e/faults/c06-left-streams.test.ts',
        'C6: the end of a stream that was left ends no call on the one after it',
      ),
      ...inFile(
        'e2e/faults/c06-lost-sessions.test.ts',
        'C6: a restarted server that answers the old session with ${name}',
        'C6: of the calls that a restarted server refuses with ${name} at the same time, each is made once more',
        'C6: a call under way comes to its end, while others are refused with ${name}',
        'C6: an error of a tool that speaks of something else is not repeated',
      ),
      ...inFile(
        'e2e/faults/c06-made-once.test.ts',
        'C6: a call whose answer was cut off is not made again, however the server refuses the rest of it',
        'C6: a call whose answer ${name} is not made again where another request shows that the session is lost',
      ),
      ...inFile(
        'e2e/faults/c06-renewed-sessions.test.ts',
        'C6: a server that is down for a while, and has forgotten the session then, is called in a new one',
        'C6: where sessions are forgotten often, and told with 500, each costs one call',
        'C6: where 404 says nothing of the session, few are begun for many calls at once',
        'C6: a server that was replaced by one that refuses pings begins few sessions as well',
        'C6: a server that answers no ping but with an error is called in a new session as often as it forgets one',
        'C6: a level that is refused with 404 ends no session',
        'C6: a subscription that is refused with 404 ends no session',
        'C6: a server is called again soon after each of several outages',
      ),
    ],
  },
  {
    id: 'C7',
    text: 'An empty cursor ends a list, and begins one.',
    proofs: inFile('e2e/faults/c02-lists.test.ts', 'C7: an empty cursor ends a list, and begins one'),
  },
  {
    id: 'C8',
    text: 'Schemas and conditions look at the members that were sent, whatever they are called.',
    proofs: inFile(
      'e2e/faults/c8-own-members.test.ts',
      'C8: schemas look at the members that were sent',
      'C8: conditions look at the members that were sent',
    ),
  },
  {
    id: 'C9',
    text: 'Multiples and comparisons are decimal.',
    proofs: inFile(
      'e2e/faults/c9-decimals.test.ts',
      'C9: multiples are those of decimals',
      'C9: what a double would round is compared as it is written, and reaches the server so',
    ),
  },
  {
    id: 'C10',
    text: "Other people's habits on the wire are no faults: events of other types, numbers as they are spelled, ids as text.",
    proofs: [
      ...inFile(
        'e2e/faults/c10-broken-requests.test.ts',
        'C10: a request of a program that cannot be read ends no call with the same id',
      ),
      ...inFile('e2e/faults/c10-habits-on-the-wire.test.ts', 'C10: events of other types are no messages (${eras})'),
      ...inFile(
        'e2e/faults/c10-spelled-numbers.test.ts',
        'C10: ids, error codes and progress tokens of a server that writes 1.0 are understood',
        'C10: a client may write its ids and a mirrored number as 1.0',
      ),
    ],
  },
  {
    id: 'C11',
    text: '307 and 308 within the origin are followed, other redirects are named.',
    proofs: inFile(
      'e2e/faults/c10-habits-on-the-wire.test.ts',
      'C11: ${status} within the origin is followed, for calls, streams and the end of a session',
      'C11: ${status} to ${to} is not followed, and named in the log',
      'C11: a circle of redirects ends',
    ),
  },
  {
    id: 'C12',
    text: 'Each dialect of JSON Schema is read by its rules, and what is left out is told.',
    proofs: inFile(
      'e2e/faults/c12-dialects.test.ts',
      'C12: each dialect is read by its own rules',
      'C12: what is left out is said by probe, list and explain',
    ),
  },
  {
    id: 'C13',
    text: 'What a server answers to a list request is told to the operator.',
    proofs: inFile(
      'e2e/faults/c02-lists.test.ts',
      'C13: what a server answers to a list request is in the log and in a probe',
    ),
  },
  {
    id: 'C14',
    text: 'Small differences to a direct connection are closed, or documented.',
    proofs: [
      ...inFile(
        'e2e/faults/c10-habits-on-the-wire.test.ts',
        'C14: a legacy server whose answer to server/discover is ${discover}',
        'C14: answers whose ids are text reach their calls',
      ),
      ...inFile(
        'e2e/faults/c14-small-differences.test.ts',
        'C14: unknown notifications are taken, an argument object may be null, 1.0 stays 1.0',
        'C14: a condition compares 10.0 as the number that it is',
        'C14: what is wrong with one message of a batch spoils its own answer only',
        'C14: a page may send the headers that mirror arguments, and a compressed body is 415',
        'C14: subscribing at a server without subscriptions is an error',
        'C14: a legacy client gets no serverInfo in _meta, a modern one does',
        'C14: what a probe opens at a server it closes',
        'C14: a line of a server that is no message is logged, and its call told at once',
        'C14: the answer that a process writes last, without a newline, is heard',
      ),
    ],
  },
]);

export const profile = from('CoSAI MCP Security v2.0', [
  {
    id: 'D1',
    text: 'Plain HTTP to another machine, and metrics beyond this one, need a word of the operator.',
    proofs: inFile(
      'e2e/faults/b20-known-words.test.ts',
      'D1: plain HTTP to another machine needs a day, and metrics beyond this machine need networks',
    ),
  },
  {
    id: 'D2',
    text: 'Trace context crosses by an allow-list, within a bound, and a server sets none.',
    proofs: inFile(
      'e2e/faults/d02-trace-context.test.ts',
      'D2: a ${eras} server gets the identity of the trace and no baggage, and sets none',
    ),
  },
  {
    id: 'D3',
    text: 'Exports hide arguments and results unless asked, and are a record themselves.',
    proofs: inFile(
      'e2e/faults/d03-exports.test.ts',
      'D3: exports hide arguments and results unless --disclose names them, and are a record',
    ),
  },
  {
    id: 'D4',
    text: 'A time to live of 0 is honoured.',
    proofs: inFile('e2e/faults/c02-lists.test.ts', 'D4: a time to live of 0 is honoured for lists'),
  },
  {
    id: 'D5',
    text: 'What a caller had under way is given up and withheld when its right ends.',
    proofs: [
      ...inFile('e2e/faults/a06-rights.test.ts', 'A6, D5: nothing reaches a caller after ${name}'),
      ...inFile('e2e/faults/a06-token-rights.test.ts', 'A6, D5: nothing reaches a caller after ${name}'),
    ],
  },
  {
    id: 'D6',
    text: 'The minimum version of TLS towards servers can be raised.',
    proofs: inFile(
      'e2e/faults/d06-tls-minimum.test.ts',
      'D6: a server that only has TLS 1.2 is not spoken to where 1.3 is the minimum',
    ),
  },
]);
