/** What attacks on a running gateway have found: requests, tokens, streams, schemas, records. */
import { from, inFile } from './requirement.ts';

export const attack = from('Attacks on a running gateway', [
  {
    id: 'A1',
    text: 'A request without credentials costs its sender as much as the gateway: identity comes before the body is read, and nothing takes more than linear time to parse, from clients and from servers.',
    proofs: inFile(
      'e2e/faults/a01-json.test.ts',
      'A1: a stranger gets 401 before the body is read, and other requests do not wait',
      'A1: a stranger is answered although the body never comes',
      'A1: a caller sends ${bomb.name}',
      'A1: a server answers with ${bomb.name}, as ${shape}',
      'A1: (unit) nothing takes more than four times as long to read as ordinary JSON of its size',
      'A1: what a person would send still passes: long numbers, many rows, a long text',
    ),
  },
  {
    id: 'A2',
    text: 'A reload ends, whatever is open; a process whose event loop stands still ends itself, with a record and an exit code of its own.',
    proofs: [
      ...inFile(
        'e2e/faults/a02-reload.test.ts',
        'A2: a reload with open streams, sessions and watched resources ends, and all of them go on',
      ),
      ...inFile(
        'e2e/faults/a02-watchdog.test.ts',
        'A2: ${name} ends the process with ${code}, and the next start records it',
      ),
    ],
  },
  {
    id: 'A3',
    text: 'One strange item in a list of a server fails neither the list nor the process; a rejection that nothing catches is logged.',
    proofs: [
      ...inFile(
        'e2e/faults/a02-watchdog.test.ts',
        'A3: a rejection that nothing catches is written down, and the gateway goes on',
      ),
      ...inFile(
        'e2e/faults/a3-strange-items.test.ts',
        'A3: strange items of one server leave the lists and the calls of all others as they are',
      ),
    ],
  },
  {
    id: 'A4',
    text: 'Each wait for an issuer, a server or a secret manager ends by itself, wherever the answer breaks off.',
    proofs: [
      ...inFile(
        'e2e/faults/a4-broken-issuers.test.ts',
        "A4: every request of the gateway's own settles, wherever its answer breaks (${framing})",
        'A4: tokens of an issuer are verified again after its keys were cut off',
      ),
      ...inFile(
        'e2e/faults/a4-broken-servers.test.ts',
        'A4: every call ends, wherever the answer of its server breaks (${framing})',
        'A4: handshakes and lists that break cost one answer, and no other server',
        'A4: every call ends, wherever the line of a stdio server breaks',
      ),
    ],
  },
  {
    id: 'A5',
    text: 'A schema of a server costs a bounded number of steps to compile and to apply, and no word in it opens its tool.',
    proofs: [
      ...inFile(
        'e2e/faults/a5-closed-tools.test.ts',
        'A5: no word of a server opens its tool',
        'A5: what is named in any schema of a place is named, and nothing else is',
        'A5: a pattern that cannot be run is named to the operator, and closes nothing',
      ),
      ...inFile(
        'e2e/faults/a5-schema-bombs.test.ts',
        'A5: (unit) every kind of schema bomb ends soon',
        'A5: (unit) reading a schema and checking arguments take moments at their bounds',
        'A5: (unit) nothing of a schema can be referred to by another',
        'A5: a server with schema bombs does not hold up the callers of another',
      ),
    ],
  },
  {
    id: 'A6',
    text: 'Rights end with what gave them: streams, sessions and calls under way are judged by the revision and the credential of now.',
    proofs: [
      ...inFile(
        'e2e/faults/a06-rights.test.ts',
        'A6, D5: nothing reaches a caller after ${name}',
        'A6: a request for a list whose key is revoked meanwhile may have been made, and its answer is withheld',
      ),
      ...inFile('e2e/faults/a06-token-rights.test.ts', 'A6, D5: nothing reaches a caller after ${name}'),
      ...inFile(
        'e2e/faults/a06-watched-uris.test.ts',
        'A6: a reload gives up what is watched under a URI that new guardrails block',
      ),
    ],
  },
  {
    id: 'A7',
    text: 'What one client asks to watch is coalesced, so that one request does not become many at the server.',
    proofs: inFile(
      'e2e/faults/a7-many-watches.test.ts',
      'A7: one listen to 800 resources costs the server few requests, and no more bytes than a few of its own',
    ),
  },
  {
    id: 'A8',
    text: 'What was exchanged for one credential is never presented for another one, of the same caller either.',
    proofs: inFile(
      'e2e/faults/a08-exchanged-tokens.test.ts',
      'A8: neither a key nor a weaker token of the same caller acts with what its strong token was exchanged for',
    ),
  },
  {
    id: 'A9',
    text: 'On a process that callers share, what a server logs about a call stays with the operator.',
    proofs: inFile(
      'e2e/faults/a9-shared-logs.test.ts',
      'A9: log messages of a shared stdio server stay with the operator, and no caller sets its level',
    ),
  },
  {
    id: 'A10',
    text: 'Idle connections and slow bodies have bounds below the open files and the memory, with a reserve for the audit log.',
    proofs: inFile(
      'e2e/faults/a10-connections.test.ts',
      'A10: with few files, more idle connections than files stop neither calls nor their records',
      'A10: slow bodies of strangers are not kept',
      'A10: slow bodies of one caller have a share, and another caller works',
      'A10: connections of one caller have a share, and another caller works',
      'A10: long messages of calls that one caller has under way have a share, and another caller works',
      'A10: connections to the admin listener of those who show no token make room, and one operator has a share',
    ),
  },
  {
    id: 'A11',
    text: 'One damaged slot of a subject stops neither the audit log nor the other callers.',
    proofs: inFile(
      'e2e/faults/a11-damaged-slot.test.ts',
      'A11: ${name}: all callers are served, and what is recorded verifies',
    ),
  },
  {
    id: 'A12',
    text: 'Text of others acts on no terminal and forges no line of a log or export; forged evidence does not speak for itself.',
    proofs: inFile(
      'e2e/faults/a12-foreign-text.test.ts',
      'A12: what a client says acts nowhere: log, show, search, tail, export, check, explain',
      'A12: evidence that agrees with itself is not called verified while no key was given',
      'A12: records of unknown kinds and names that act are refused, and shown as text',
      'A12 (source): everything that is written to a terminal goes through one function',
    ),
  },
  {
    id: 'A13',
    text: 'What stays open is recorded when it opens, so that a crash leaves a record of it.',
    proofs: inFile(
      'e2e/faults/a13-open-streams.test.ts',
      'A13: an acknowledged listen and an open GET stream are in the log after kill -9, and so is the end of a session',
    ),
  },
  {
    id: 'A14',
    text: 'A token that was good is accepted again whatever forged tokens others send.',
    proofs: inFile(
      'e2e/faults/a14-lockout.test.ts',
      'A14: a first use of a good token is accepted while others send forged tokens of the same user from elsewhere',
      'A14: (unit) a token that was good is accepted again and again, beyond the time for which it is trusted',
    ),
  },
]);
