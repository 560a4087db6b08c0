/** What the way back, reloads and starts were attacked with. */
import { from, inFile } from './requirement.ts';

export const wayBack = from('Attacks on the way back, reloads and starts', [
  {
    id: 'W1',
    text: 'The search for a secret takes linear time, whatever token a server has chosen.',
    proofs: inFile(
      'e2e/faults/w01-tokens-like-answers.test.ts',
      'W1: a token that is chosen to be like the answers makes neither its calls nor those of others wait',
    ),
  },
  {
    id: 'W2',
    text: 'What a server was given for one caller reaches no other one, in any spelling that is looked for, before and after a reload.',
    proofs: inFile(
      'e2e/faults/w02-given-secrets.test.ts',
      'W2: a token that was presented for one caller is hidden from another, in every spelling and after a reload',
    ),
  },
  {
    id: 'W3',
    text: 'Names and keys of input requests show no secret.',
    proofs: inFile(
      'e2e/faults/w02-given-secrets.test.ts',
      'W3: an input request shows no secret, neither in a name of its form nor in the key that it is under',
    ),
  },
  {
    id: 'W4',
    text: 'What is cut is cut after its secrets are hidden.',
    proofs: inFile(
      'e2e/faults/w02-given-secrets.test.ts',
      'W4: instructions that are cut show no part of a secret at the place of the cut',
    ),
  },
  {
    id: 'W5',
    text: 'A session that ended hears of no server, and its stream ends.',
    proofs: inFile(
      'e2e/faults/w05-late-streams.test.ts',
      'W5: a session that ended while its stream was being opened hears of no server, and neither does one that was open',
    ),
  },
  {
    id: 'W6',
    text: 'A stream that opens while a revision comes into force is judged by that revision.',
    proofs: inFile(
      'e2e/faults/w05-late-streams.test.ts',
      'W6: a stream that was being opened while a revision came into force is judged by that revision',
    ),
  },
  {
    id: 'W7',
    text: 'A change of the configuration counts whenever it is made, while the gateway starts too.',
    proofs: inFile(
      'e2e/faults/w07-changes-at-start.test.ts',
      'W7: the configuration and a secret file that change while the gateway starts are in force soon after',
    ),
  },
  {
    id: 'W8',
    text: 'A change of a list that is announced while the list is read or compiled is not lost.',
    proofs: inFile(
      'e2e/faults/w08-lists-being-compiled.test.ts',
      'W8: a change that is announced while a list is compiled is not lost',
    ),
  },
  {
    id: 'W9',
    text: 'A redirect is named without its query, fragment and user information.',
    proofs: inFile(
      'e2e/faults/w09-redirects.test.ts',
      'W9: the query, fragment and user information of a redirect are in no log, probe, list or answer',
    ),
  },
  {
    id: 'W10',
    text: 'A question that waits for a client ends with its call, however that ends.',
    proofs: inFile(
      'e2e/faults/w10-parked-questions.test.ts',
      'W10: an answer that cannot be delivered ends the call that was asked about',
      'W10: a server that breaks the call off after the answer, or while it waits for it, ends it',
      'W10: a second question takes the place of the first one, and a client that goes away ends the call',
    ),
  },
  {
    id: 'W11',
    text: 'The name of an argument is read as it is spelled, whatever names were sent before.',
    proofs: inFile(
      'e2e/faults/w11-escaped-keys.test.ts',
      'W11: a rule sees an argument however its name is spelled, whatever names were sent before',
    ),
  },
]);
