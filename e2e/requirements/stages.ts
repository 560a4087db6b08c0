/** What the stages of the road promise: content that is inspected, definitions that are pinned, calls that a person decides about. */
import { from, inFile } from './requirement.ts';

const pins = 'e2e/pins.test.ts';
const tiers = 'e2e/tiers.test.ts';
const traits = 'gateway/src/stages/decide/traits.test.ts';
const classes = 'gateway/src/tiers/tiers.test.ts';
const approvals = 'e2e/approvals.test.ts';
const approve = 'gateway/src/stages/approve/approve.test.ts';
const content = 'gateway/src/stages/inspect/content.test.ts';
const grammars = 'gateway/src/stages/inspect/argument-roles/grammars.test.ts';

export const stages = from('Content, definitions, approvals', [
  {
    id: 'I1',
    text: 'A secret in arguments is blocked, one in a result is redacted, with every client and transport, and neither is on the disk in clear.',
    proofs: inFile(
      'e2e/guardrails.test.ts',
      'what ships: a key in a file comes back redacted, one in an argument is blocked, and nothing on the disk has it',
    ),
  },
  {
    id: 'I2',
    text: 'A caller without the trust that a rule asks for sees no masked field, in text and in structured content.',
    proofs: inFile(
      'e2e/masks.test.ts',
      'a caller without the trust sees no masked field, in text and structure, and one with it sees all',
    ),
  },
  {
    id: 'I3',
    text: 'Paths, URLs, SQL, commands and HTML in arguments are held to what the operator says of them, and the server gets the one spelling that was checked.',
    proofs: [
      ...inFile(
        'gateway/src/stages/inspect/argument-roles/argument-roles.test.ts',
        'on the road: what is left of a value is what rules and server see, and what does not fit is told',
      ),
      ...inFile(
        grammars,
        'on the road: a statement is judged beside the loop, and the server gets only what fits',
        'sql, postgresql: what reaches beyond the statement',
      ),
    ],
  },
  {
    id: 'I4',
    text: 'Content of types and links of schemes that a connection does not list are left out; results that do not meet their output schema are reported or withheld.',
    proofs: inFile(
      content,
      'content of a type that is not listed is left out, with a note in its place',
      'a link of a scheme that is not listed is left out, embedded resources and pages of input requests alike',
      'a result that does not meet the output schema is reported or withheld, as the operator says',
    ),
  },
  {
    id: 'I5',
    text: 'Long content is inspected beside the loop, with a deadline, and callers take turns.',
    proofs: inFile(
      'gateway/src/stages/inspect/beside/inspection-thread.test.ts',
      'callers take turns, however much one of them sends',
      'a job that is late ends, and the next one is done',
      'one caller fills its share and not that of others',
    ),
  },
  {
    id: 'I6',
    text: 'What a client says to a server in _meta, and what pictures carry as words, is inspected like everything else; a client can be told what was found.',
    proofs: [
      ...inFile(
        'gateway/src/stages/inspect/guardrails/guardrails.test.ts',
        'what a client says to the server in _meta is looked at, and the record keeps what was left of the arguments',
        'with report the client is told what was found in call and result, and never the value',
      ),
      ...inFile(
        'gateway/src/stages/inspect/guardrails/images.test.ts',
        'guardrails look at the words of pictures in results: they are found, recorded, and taken out',
      ),
    ],
  },
  {
    id: 'I7',
    text: 'Anchors that crowd around a value do not hide it; what is not looked at for their number is reported.',
    proofs: inFile(
      'gateway/test/detectors-decoys.test.ts',
      'an order in a stretch is found although an example stands before it',
      'where more anchors crowd than are looked at, that is said with the place',
    ),
  },
  {
    id: 'N1',
    text: 'What changes in a definition after it was approved hides it, whatever it is, also from a client with the old list.',
    proofs: inFile(
      pins,
      'first use: what is there at first contact is approved, and what changes is hidden, recorded and shown',
    ),
  },
  {
    id: 'N2',
    text: 'In review nothing of a server is visible before it is approved: tools, prompts, templates, instructions.',
    proofs: inFile(pins, 'review: nothing is visible before it is approved; prompts, templates and instructions alike'),
  },
  {
    id: 'N3',
    text: 'The lock file alone counts where the pins say so.',
    proofs: inFile(pins, 'lock: what the lock file has is visible, and `pins check` says what differs'),
  },
  {
    id: 'N4',
    text: 'A definition that speaks to the model as an attacker does waits for review.',
    proofs: inFile(
      pins,
      'a definition that speaks to the model as an attacker does waits for review even at first use',
    ),
  },
  {
    id: 'N5',
    text: 'Tools are classified when they are discovered: read, write or destructive, and what they reach. Annotations are hints, which never lower a tier of a third party, and what the operator writes wins.',
    proofs: [
      ...inFile(
        classes,
        'a verb in the name or at the beginning of the description tells the tier',
        'annotations raise a tier, and lower it only where the operator trusts the server',
        'tags tell what a tool reaches',
      ),
      ...inFile(traits, 'what the operator wrote wins over what was found'),
    ],
  },
  {
    id: 'N6',
    text: 'Rules allow, deny and hold by tier and tag: what is not known is not opened, and is closed. Lists, calls, records and commands agree, over HTTP and stdio.',
    proofs: [
      ...inFile(
        tiers,
        'rules by tier and tag: lists and calls agree, over HTTP and stdio, in both eras',
        'an agent that may only read can neither write, edit nor move files of a real server',
      ),
      ...inFile(
        traits,
        'what is not known of a tool opens nothing and is closed',
        'on the road lists and calls agree, and the record has tier and tags',
        'a tool that is hidden by what it is answers like one that does not exist',
      ),
    ],
  },
  {
    id: 'N7',
    text: 'What no decision was made about is there only for rules that include it, and never where it changed, was rejected, or a detector finds something in it.',
    proofs: inFile(
      'e2e/pins-new.test.ts',
      'includeNew: what the rule names is there before it is approved, and nothing that changed, was rejected or is suspect',
    ),
  },
  {
    id: 'N8',
    text: 'Another server behind the same URL or the same command is told, and has its definitions read again.',
    proofs: inFile(
      'e2e/pins-identity.test.ts',
      'another TLS key behind the same URL is a record, is shown, and has the definitions read again',
      'another version of the package behind the same command is a record, and a changed tool of it waits',
    ),
  },
  {
    id: 'N9',
    text: 'What a server defines is looked at also when no client asks, without a process that is started or kept for it.',
    proofs: inFile(
      'e2e/pins-every.test.ts',
      'an HTTP server that announces nothing is looked at without a client, with pins: every',
      'a process is looked at while it runs, and ends when it is idle all the same',
    ),
  },
  {
    id: 'N10',
    text: 'A server that changes after some lists, answers callers differently, borrows names, or floods is found, hidden and recorded, and holds up no other.',
    proofs: inFile(
      'e2e/pins-hostile.test.ts',
      'a server that changes its tools after a number of lists: hidden on every way',
      'a server that answers callers differently: what was never approved waits, whichever caller sees it first',
      'two servers that borrow names from each other: each call goes where its name says, and the review says so',
      'a flood of list changes and of definitions is bounded, recorded, and does not delay another server',
    ),
  },
  {
    id: 'N11',
    text: 'An approval that is killed half way is made whole or not at all.',
    proofs: inFile('e2e/pins-hostile.test.ts', 'an approval that is killed half way is made whole or not at all'),
  },
  {
    id: 'H1',
    text: 'A held call is made once after a person approved exactly it, with every client, over HTTP and stdio.',
    proofs: inFile(
      approvals,
      'a held call tells every client what to do, is made once after it was approved, and is held again',
    ),
  },
  {
    id: 'H2',
    text: 'Another caller, other arguments, another definition or rule need another approval.',
    proofs: inFile(approve, 'another call needs another approval: arguments, caller, definition, rule'),
  },
  {
    id: 'H3',
    text: 'Of many that spend one approval, one does, also between processes.',
    proofs: inFile(approve, 'of many that spend one approval, one does'),
  },
  {
    id: 'H4',
    text: 'The rights of now decide when an approval is used.',
    proofs: inFile(approve, 'rights of now decide when an approval is used'),
  },
  {
    id: 'H5',
    text: 'An approval survives a kill of the gateway, and expires to no.',
    proofs: [
      ...inFile(
        approvals,
        'an approval survives a restart of the gateway, and one that its client gave up is withdrawn',
      ),
      ...inFile(approve, 'what is not decided in time, or not used in time, is over'),
    ],
  },
]);
