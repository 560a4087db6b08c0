/** What attacks on approvals and on those who decide come to. */
import { from, inFile } from './requirement.ts';

const approve = 'gateway/src/stages/approve/approve.test.ts';
const page = 'e2e/operators/page.test.ts';
const api = 'e2e/operators/api.test.ts';
const sessions = 'e2e/operators/sessions.test.ts';
const requester = 'e2e/operators/requester.test.ts';
const channels = 'e2e/operators/channels.test.ts';
const tasks = 'e2e/operators/tasks.test.ts';

const wholePage = 'a passkey approves exactly one call, and the log proves it without the gateway';
const wholeSession =
  'a session is new with each sign-in, belongs to its browser, and ends when its operator is revoked';

export const operators = from('Approvals under attack', [
  {
    id: 'H6',
    text: 'Equal JSON that is spelled differently is the same call.',
    proofs: inFile(approve, 'a held call is made once after it was approved, and then held again'),
  },
  {
    id: 'H7',
    text: 'The requester does not approve its own call where the rule forbids it, nor does a person who cannot be told from it.',
    proofs: inFile(approve, 'the rule names who decides: by role, by name, another person, or the requester'),
  },
  {
    id: 'H8',
    text: 'A quorum is of persons: one counts once, whatever accounts it has.',
    proofs: inFile(approve, 'one person counts once, whatever it decides with, and who may no more counts no more'),
  },
  {
    id: 'H9',
    text: 'A role that is lost between approval and use takes the approval along.',
    proofs: inFile(api, 'who lost its role between approval and use approved nothing'),
  },
  {
    id: 'H10',
    text: 'An assertion of a passkey confirms one approval, and the log proves which; with one argument changed it does not.',
    proofs: inFile(page, wholePage),
  },
  {
    id: 'H11',
    text: 'Texts of callers and servers do nothing on a page, and look like what they are.',
    proofs: inFile(page, wholePage),
  },
  {
    id: 'H12',
    text: 'Other sites, forged forms and framed pages decide nothing; a session is not fixed from outside.',
    proofs: inFile(sessions, wholeSession),
  },
  {
    id: 'H13',
    text: 'Each operation of the admin API is open to the roles of the table and to no other; what belongs to other servers does not exist.',
    proofs: [
      ...inFile(api, 'each operation asks for its permission, of each role, and for a token'),
      ...inFile(api, 'a script approves a call with a token, once, and every repetition gets the same answer'),
    ],
  },
  {
    id: 'H14',
    text: 'Forged, old and repeated callbacks of channels decide nothing, and a name that a chat shows is no identity.',
    proofs: inFile(
      channels,
      'Slack: a press counts for the operator that the user is mapped to, and for no other, and not twice',
    ),
  },
  {
    id: 'H15',
    text: 'Arguments leave in a channel only where the configuration lets them.',
    proofs: inFile(
      channels,
      'a signed webhook tells of each state, is repeated until it is taken, and holds no arguments',
    ),
  },
  {
    id: 'H16',
    text: 'The page of a requester opens for its user alone, and decides only where the rule names the requester.',
    proofs: [
      ...inFile(
        requester,
        'other clients are told the page; another user, and who may not decide, decide nothing there',
      ),
      ...inFile(requester, 'where others decide, the page shows how it stands, and has nothing to press'),
    ],
  },
  {
    id: 'H17',
    text: 'A held call that became a task is made once, whatever asks for it at the same time, and exists for its caller alone.',
    proofs: inFile(
      tasks,
      'a task waits, is made once after its approval, and tells its end for as long as it is asked',
    ),
  },
  {
    id: 'H18',
    text: 'A grant covers what its condition names, for its caller, so often and no oftener.',
    proofs: inFile(approve, 'a grant covers the arguments that its condition names, so often and no oftener'),
  },
  {
    id: 'H19',
    text: 'A gateway that is killed at any step of an approval makes the call at most once, never without an approval, and loses no approval that stands.',
    proofs: inFile(
      'e2e/operators/killed.test.ts',
      'a gateway that is killed at any step of an approval makes the call at most once, and only when it was approved',
    ),
  },
  {
    id: 'H20',
    text: 'What a group of an issuer makes of a person ends with the group, and with its entry in the configuration.',
    proofs: inFile(
      'e2e/operators/issuer.test.ts',
      'groups of an issuer make operators, for as long as the issuer and the configuration say so',
    ),
  },
  {
    id: 'H21',
    text: 'An approver sees what changed since the last approved call, and what the caller did, of servers that are theirs alone.',
    proofs: inFile(
      'e2e/operators/history.test.ts',
      'an approver sees what changed since the last approved call, and what the caller did',
    ),
  },
]);
