/** Words for requests that go on with a call of which its server has a part already (2026-07-28, MRTR). */
import type { Refusal } from './refusal.ts';

/** `over`: it does, and its client cannot go on with it any more. */
export type Resumed = boolean | 'over';

interface Words {
  /** What the call was not. */
  readonly made: 'made' | 'continued';
  /** What to do then; who made it anew without its state would have its first part done twice. */
  readonly again: string;
  /** The same where something has to be left out. */
  readonly without: string;
}

export function wordsFor(resumed: Resumed): Words {
  if (resumed === 'over')
    return {
      made: 'continued',
      again: 'find out what was made before you make it again',
      without: 'Find out what was made before you call again without it',
    };
  return resumed
    ? {
        made: 'continued',
        again: 'send the same answers with the same requestState again',
        without: 'Remove that and send the answers again, with the same requestState',
      }
    : { made: 'made', again: 'make it again', without: 'Remove that and call again' };
}

const isOver =
  'and the call was not continued: a part of it may have been made, so find out what was made before you make it again';
/** For a client that has what this gateway sealed; a stranger learns that it does not. */
export const invalidState: Readonly<Record<Extract<Refusal, { reason: 'state-invalid' }>['cause'], string>> = {
  forged: 'requestState is not valid for this request',
  expired: `requestState has expired, ${isOver}`,
  over: `requestState belongs to a call that is over, ${isOver}`,
  mismatch:
    'requestState belongs to another call, which was not continued: send it with the same parameters as that call',
};
