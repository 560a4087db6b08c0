/** What attacks on a running gateway have found: shares, files, signals, commands, and smaller things. */
import { from, inFile } from './requirement.ts';

export const attackOperation = from('Attacks on a running gateway', [
  {
    id: 'A15',
    text: 'Each table that callers fill has a share for each of them, and evicts only from the one who fills it.',
    proofs: [
      ...inFile(
        'e2e/faults/a15-shares.test.ts',
        'A15: a caller whose questions are all unanswered is not asked another, and others are',
        'A15: one stream watches no more resources than its share, and the server hears of no others',
        'A15: long URIs that a caller watches leave others their share, and count until its stream ends',
        'A15: what a session asks to watch while it is deleted is not watched, and counts for nothing',
        'A15: sessions that open again from their ids count for their caller, and cost others nothing',
        'A15: (unit) callers that fill the table of sessions take none from others',
      ),
      ...inFile(
        'e2e/faults/a21-stdio-ends.test.ts',
        'A15: long messages of a client of stdio count until they are answered',
      ),
    ],
  },
  {
    id: 'A16',
    text: 'A server that talks without end, announces changes without end or wants to be asked at once costs the others nothing.',
    proofs: inFile(
      'e2e/faults/a16-talkative-servers.test.ts',
      'A16: a stdio server that prints short lines without end leaves the others their time',
      'A16: a flood of list changes is few notifications for a client',
      'A16: the pages of a list together are as large as one answer may be',
      'A16: retry: 0 does not make the gateway ask at once, over and over',
    ),
  },
  {
    id: 'A17',
    text: 'What is denied is like what is absent: in words, in time, in completions and in notifications.',
    proofs: inFile(
      'e2e/faults/a17-denied-like-absent.test.ts',
      'A17: a denied resource and an absent one have the same words, in both eras',
      'A17: completions name no resource that the caller may not read',
      'A17: at ${where} a denied tool takes as long as an absent one',
      'A17: a change of hidden tools alone is no change for the caller',
      'A17: who asks again and again is told the same of both, and slowed down after as many',
      'A17: a legacy client cannot tell either',
    ),
  },
  {
    id: 'A18',
    text: 'Host and Origin are checked on each listener, data folders of others are refused or mended, and has() on what is no map is an error.',
    proofs: [
      ...inFile(
        'e2e/faults/a18-has-on-no-map.test.ts',
        'A18: a rule with "!has(args.o.limit) || …" does not open for an o that is a text, a list or a number',
      ),
      ...inFile(
        'e2e/faults/a18-listener-hosts.test.ts',
        'A18: the admin listener answers under addresses, localhost and its own names only, and no page of a browser',
        'A18: the MCP listener refuses two Host headers, whichever is the good one',
      ),
      ...inFile(
        'e2e/faults/a18-shared-data-folder.test.ts',
        'A18: a data folder that others can write is refused, and the modes of folders of our own are mended',
      ),
    ],
  },
  {
    id: 'A19',
    text: 'Files beside the work that cannot be written end no gateway, and damage in the data folder is named.',
    proofs: [
      ...inFile(
        'e2e/faults/a19-damaged-data-folder.test.ts',
        'A19: with ${what} in place of each file that a start needs, it names them all and ends with 66',
        'A19: with a FIFO in place of each note beside the work, a gateway serves and ends with 0',
        'A19: a data folder that is a file, a FIFO or a link to nowhere is named, with 66',
        'A19: what is damaged or missing at the start is named, or made anew, and what was good stays',
        'A19: whatever takes the place of everything in the data folder, a gateway that is told to end does',
      ),
      ...inFile(
        'e2e/faults/a19-unwritable-notes.test.ts',
        'A19: with ${what} in place of each path under the data folder, one by one, a reload ends no gateway',
        'A19: on a full disk a reload takes effect, and says that what is in use cannot be noted',
        'A19: gateways of stdio that share a data folder note what they use beside each other',
      ),
    ],
  },
  {
    id: 'A20',
    text: 'A rotation on a full disk keeps the secret that was good; one damaged secret fails no other one.',
    proofs: inFile(
      'e2e/faults/a20-rotate-on-full-disk.test.ts',
      'A20: a rotation on a nearly full disk keeps the secret that was good, in use and on the disk',
      'A20: a damaged secret is named, and every command goes on with the others',
      'A20 (source): one function writes the files of the product',
    ),
  },
  {
    id: 'A21',
    text: 'The rights of a client over stdio end like those over HTTP, before its session is initialized as well.',
    proofs: inFile(
      'e2e/faults/a21-stdio-ends.test.ts',
      'A21: a revoked key ends the connection ${when} it is initialized',
    ),
  },
  {
    id: 'A22',
    text: 'Only a person proves a person on the connect page, and the proof is looked at again at each step.',
    proofs: inFile(
      'e2e/faults/a22-proofs.test.ts',
      'A22: a key that an agent or an application holds proves nothing on the connect page of its user',
      'A22: a key that is revoked after the proof connects nothing, at whichever step',
    ),
  },
  {
    id: 'A23',
    text: 'A damaged or outdated index of the audit log is made anew, and a search says so.',
    proofs: inFile(
      'e2e/faults/a23-damaged-index.test.ts',
      'A23: a damaged index, one that lacks rows, and one of another history are made anew, and it is said',
    ),
  },
  {
    id: 'A24',
    text: 'Each signal in each phase of the process does what is documented; many reloads are few.',
    proofs: inFile(
      'e2e/faults/a24-signals.test.ts',
      'A24: while it serves, and while it drains',
      'A24: three thousand SIGHUPs are a few reloads',
      'A24: while it starts',
    ),
  },
  {
    id: 'A25',
    text: 'A reference that turns into something else than a file with a value keeps the last good value, freezes nothing, and is named.',
    proofs: inFile(
      'e2e/faults/a25-references.test.ts',
      'A25: a secret file that becomes a FIFO, a folder, a device, empty or huge keeps the last good value and is named',
      'A25: a reload takes effect although a reference got worse, whose last good value stays',
      'A25: certificates, keys of TLS and keys of issuers that become FIFOs or folders freeze nothing',
      'A25: drafts of processes that were killed are removed at the next start, when they are old',
      'A25: an empty answer of a secret manager is no secret',
      'A25: a reference to Vault that a reload adds is read again',
    ),
  },
  {
    id: 'A26',
    text: 'A client over stdio that is gone or does not read ends its process and servers within a bound.',
    proofs: [
      ...inFile(
        'e2e/faults/a21-stdio-ends.test.ts',
        'A26: a client that closes its end of stdout ends the process and its servers',
        'A26: a client that is killed in the middle of a call ends the process, and the call is given up',
        'A26: nothing more is read of a client that does not read, and memory stays',
      ),
      ...inFile(
        'e2e/faults/a26-last-line.test.ts',
        'A26: a last line without a newline is answered, and half a message is refused',
      ),
    ],
  },
  {
    id: 'A27',
    text: 'A configuration of many users loads in linear time, beside the calls.',
    proofs: [
      ...inFile(
        'e2e/faults/a27-large-configuration.test.ts',
        'A27 (unit): eight times the users cost less than thirty times the time',
        'A27 (unit): equal keys, and aliases of one anchor, are found in one look each',
      ),
      ...inFile(
        'e2e/faults/a27-reload-beside-calls.test.ts',
        'A27: a reload of many users stops no request of the gateway',
      ),
    ],
  },
  {
    id: 'A28',
    text: 'Commands that run at once, or on a full disk, say what happened and lose nothing.',
    proofs: inFile(
      'e2e/faults/a28-commands.test.ts',
      'A28: of several that put one secret at once, one succeeds, and its value is the one that is kept',
      'A28: an export onto a full disk announces nothing, leaves what was there, and writes to a device as it is',
      'A28: retain says that nothing is configured, and not that nothing is too old',
    ),
  },
]);

export const smaller = from('Attacks on a running gateway: smaller finds', [
  {
    id: 'S1',
    text: 'A session that was deleted stays deleted after a restart.',
    proofs: inFile(
      'e2e/faults/a15-shares.test.ts',
      'a deleted session stays deleted after a restart, and others open again',
    ),
  },
  {
    id: 'S2',
    text: 'A request with two Host headers is refused.',
    proofs: inFile(
      'e2e/faults/a18-listener-hosts.test.ts',
      'A18: the MCP listener refuses two Host headers, whichever is the good one',
    ),
  },
  {
    id: 'S3',
    text: 'A token endpoint that hangs costs a caller nothing at other servers.',
    proofs: inFile(
      'e2e/attacks/waits.test.ts',
      'S3: a token endpoint that hangs costs a caller nothing at other servers',
    ),
  },
  {
    id: 'S4',
    text: 'A URI that several servers list leads to the one that had it first, by a template too.',
    proofs: inFile(
      'e2e/faults/smaller-routing.test.ts',
      'smaller: a later server that lists a URI does not take it from one that has it behind a template',
    ),
  },
  {
    id: 'S5',
    text: 'completion/complete forwards the members of the protocol and no others.',
    proofs: inFile(
      'e2e/faults/smaller-routing.test.ts',
      'smaller: completion forwards the members of the protocol and no others',
    ),
  },
  {
    id: 'S6',
    text: 'People are sent to sign in over https, or on this machine.',
    proofs: inFile(
      'gateway/src/stages/authenticate/sign-in/sign-in.test.ts',
      'people are sent to sign in over https, or on this machine, and nowhere else',
    ),
  },
  {
    id: 'S7',
    text: 'Introspection that is slow for one issuer delays no credential of another.',
    proofs: inFile(
      'e2e/attacks/waits.test.ts',
      'S7: introspection that hangs for one issuer delays no credential of another, however many tokens wait for it',
    ),
  },
]);
