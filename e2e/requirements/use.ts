/** What stopped users, engineers, agent developers and auditors. */
import { from, inFile } from './requirement.ts';

export const use = from('Use of a running gateway', [
  {
    id: 'B1',
    text: 'What init writes starts, and no server is given the data folder or the configuration.',
    proofs: inFile(
      'e2e/faults/b1-exposed-data.test.ts',
      'B1: what init writes starts, and its server is given a folder without keys',
      'B1: check, serve and stdio refuse a server that is given the data folder or the configuration',
      'B1: a folder beside the data folder, a URL, a flag and the default working folder hand nothing over',
      'B1: a reload to a server that is given the keys is refused, and the running one stays',
    ),
  },
  {
    id: 'B2',
    text: 'The verifier runs on each Node from 18.3 on, and calls its own faults by their name.',
    proofs: inFile(
      'e2e/faults/b2-verifier-on-old-node.test.ts',
      'B2: a log and a proof verify on Node 18.3, which lacks Map.groupBy, crypto.hash and zlib.crc32',
      'B2: the Node of this machine that is older verifies as well',
      'B2: a Node that is too old is named, with an exit code that is not that of a lie',
      'B2: a fault of the verifier itself is never called damage',
      'B2: what is of another shape in a proof is a lie, wherever it stands, and no fault of the verifier',
      'B2: what the system does not let it read is told apart from a lie',
    ),
  },
  {
    id: 'B3',
    text: 'The first start of a program may take minutes, happens once at a time, and is logged.',
    proofs: inFile(
      'e2e/faults/b03-cold-start.test.ts',
      'B3, B15: a slow first start is waited for, by one process, and the first merged list has the tools',
      'B3: a server that does not start in its time is asked to end, and the log has its last words',
    ),
  },
  {
    id: 'B4',
    text: 'Secrets that stand in arguments, URLs, headers and environment of a configuration are found by check.',
    proofs: inFile(
      'e2e/faults/b05-client-files.test.ts',
      'B4: check finds secrets in headers, env, words of a command and URLs',
    ),
  },
  {
    id: 'B5',
    text: 'Files of other clients are taken over without a loss or a widening that is not told, and can be put back.',
    proofs: inFile(
      'e2e/faults/b05-client-files.test.ts',
      'B5 (unit): the file of ${client} is read, and nothing leaks, widens or is lost without a word',
      'B5: init --from --adopt leaves a client whose calls go through the gateway, and --undo puts it back',
      'B5: a client that only starts commands is adopted with a command that works',
      'B5: a file that check refuses is said so, and the client is not touched',
      'B5 (unit): no text of a client becomes a reference that the client does not have',
      'B5 (unit): a URL with a malformed escape is taken over',
      'B5 (unit): undoing leaves a link a link, and the file behind it as it was',
    ),
  },
  {
    id: 'B6',
    text: 'A header name is a token of RFC 9110, with underscores too.',
    proofs: inFile(
      'e2e/faults/b06-header-names.test.ts',
      'B6: a fixed header with underscores reaches the server, and what is no token is refused',
    ),
  },
  {
    id: 'B7',
    text: 'A call that may have been made is told as such, with an outcome of its own.',
    proofs: inFile('e2e/faults/b07-unfinished-calls.test.ts', 'B7: crash, cut and time-out after a call was sent'),
  },
  {
    id: 'B8',
    text: 'explain and test see what status and requires close, and answer for callers of an identity provider.',
    proofs: inFile(
      'e2e/faults/b8-explain.test.ts',
      'B8: the status of a server and the callers it requires close a call for explain and test',
      'B8: explain asks for callers that only an identity provider knows',
    ),
  },
  {
    id: 'B9',
    text: "Several probes at once do not end each other's servers.",
    proofs: inFile('e2e/faults/b09-probes.test.ts', 'B9: server probe of several stdio servers reaches each of them'),
  },
  {
    id: 'B10',
    text: 'A resource at the merged endpoint is read at the server that has it.',
    proofs: inFile(
      'e2e/faults/c14-small-differences.test.ts',
      'B10: a resource at the portal is read at the server that has it, before any list was asked for',
    ),
  },
  {
    id: 'B11',
    text: 'Conditions of a reload are compared with the tools that are known; trust and time are used as what they are.',
    proofs: inFile(
      'e2e/faults/b11-reload-conditions.test.ts',
      'B11: a condition that comes with a reload is compared with the tools that are known',
    ),
  },
  {
    id: 'B12',
    text: 'A setting that a reload cannot take over is named; the state of each server is in server list and the metrics.',
    proofs: inFile(
      'e2e/faults/b12-server-states.test.ts',
      'B12: server list and the metrics say which server is down and which refuses the credential',
      'B12: a reload that changes where to listen does not say that it is in force',
    ),
  },
  {
    id: 'B13',
    text: 'Proofs and logs stay good over rotated and rewrapped keys; an expiring key keeps its end.',
    proofs: inFile(
      'e2e/faults/b13-keys.test.ts',
      'B13: proofs of an old key, keys that expire, and a configuration from before a rewrap',
    ),
  },
  {
    id: 'B14',
    text: 'What a program writes before it ends at its start is in the log.',
    proofs: inFile(
      'e2e/faults/b03-cold-start.test.ts',
      'B14: what a server writes before it ends at its start is in the log',
    ),
  },
  {
    id: 'B15',
    text: 'The first merged list has the tools of servers that are starting.',
    proofs: inFile(
      'e2e/faults/b03-cold-start.test.ts',
      'B3, B15: a slow first start is waited for, by one process, and the first merged list has the tools',
    ),
  },
  {
    id: 'B16',
    text: 'What a model can correct comes before the policy where that gives nothing away, all problems at once.',
    proofs: inFile(
      'e2e/faults/b16-correctable-calls.test.ts',
      'B16: all problems with the arguments are told at once, before a rule on them denies or holds',
      'B16: as many problems are told as a model can read',
      'B16: with arguments that fit, the rule speaks, in the words of the operator',
      'B16: a tool that is hidden gives nothing away, whatever the arguments are',
    ),
  },
  {
    id: 'B17',
    text: 'Time-outs can be set for each server and tool.',
    proofs: inFile('e2e/faults/b17-timeouts.test.ts', 'B17: the time-out of ${name} ends its calls'),
  },
  {
    id: 'B18',
    text: 'One search finds all that was not let through; erasing asks first; lists have columns.',
    proofs: inFile(
      'e2e/faults/b18-questions.test.ts',
      'B18: search --denied finds all that was not let through, and show begins with who, what and why',
      'B18: on a terminal, lists have columns and colours, and erase asks first',
    ),
  },
  {
    id: 'B19',
    text: 'A stopping gateway answers 503, a busy port names a way out, and each printed command works.',
    proofs: [
      ...inFile(
        'e2e/faults/b19-printed-commands.test.ts',
        'B19: every command in documents, help and remedies is one that there is',
        'B19: the commands of the README work as they are printed, with Node ${major} first',
        'B19: the configuration of the README is good, and explain answers its question',
      ),
      ...inFile(
        'e2e/faults/b19-stopping.test.ts',
        'B19: while a call is under way, a stopping gateway answers new connections with 503',
        'B19: a busy port ends with 69 and names --port, which gives a way out',
        'B19: from a checkout, remedies and help name commands that can be typed',
      ),
    ],
  },
  {
    id: 'B20',
    text: 'Words of other products get a hint to what there is here.',
    proofs: inFile('e2e/faults/b20-known-words.test.ts', 'B20: words from elsewhere get a hint to what there is'),
  },
  {
    id: 'B21',
    text: 'The image and the unit start the installed program on a read-only root.',
    proofs: inFile(
      'e2e/faults/b21-packaging.test.ts',
      'B21: the unit and the image start the program where the guide installs it',
      'B21: systemd finds nothing wrong with the unit',
      'B21: installed as the guide says, it serves as a user without rights on a read-only root',
    ),
  },
  {
    id: 'B22',
    text: 'Each denial carries a class, whether to repeat, and a reference.',
    proofs: [
      ...inFile(
        'e2e/faults/b22-denials.test.ts',
        'B22: each denial of a live gateway carries class, retryable and reference',
      ),
      ...inFile('e2e/faults/b22-transcript.test.ts', 'B22: ten refusals, and what an agent makes of each'),
    ],
  },
]);
