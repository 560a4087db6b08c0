/** A detector as a description. Adding one: a folder with `detector.ts` and `cases.yaml`, and a line in `list.ts`. */
import type { View } from './engine/view.ts';

export type Severity = 'low' | 'medium' | 'high' | 'critical';

export interface FindingClass {
  /** It stands in records and never changes; unique within its detector. */
  readonly id: string;
  readonly severity: Severity;
  /** One sentence for the documentation. */
  readonly summary: string;
  /** Told by weak signs: nothing new where a finding of another class stands close by. */
  readonly isGeneral?: boolean;
}

/** What a matcher saw: offsets into the text of its view. */
export interface Hit {
  readonly class: string;
  readonly from: number;
  readonly to: number;
  /** From 0 to 1. */
  readonly confidence: number;
  /** Where the format has a checksum. Made-up values have a wrong one; so does a real one with a typing error. */
  readonly checksum?: 'valid' | 'invalid';
}

/**
 * What starts a matcher beside literals. `number`: three digits in a row, or digits around a dot. `colons`: hexadecimal
 * digits around a colon or dash. `unusual`: once a text, at its first character that is not printable ASCII.
 */
export type Shape = 'number' | 'colons' | 'unusual';

export interface Matcher {
  /** Texts that stand in everything this finds, compared without case and accents. */
  readonly anchors?: readonly string[];
  readonly shapes?: readonly Shape[];
  /** Whether hits count where parts of a message were put together: only formats that do not arise by chance. */
  readonly joins: boolean;
  /** Whether it is asked no more once a message may have no more of it looked at closely: see `isSpent`. */
  readonly isClose?: boolean;
  /** Looks around one anchor or shape, `text[from, to)`. Its work is bounded, whatever the text is. */
  find(view: View, from: number, to: number): Hit | readonly Hit[] | undefined;
  /** For patterns without literals: looks at the whole text, in time that is linear in it. */
  whole?(view: View): readonly Hit[];
}

export interface DetectorDefinition<Options = unknown> {
  /** It stands in records and never changes. */
  readonly id: string;
  /** Raised with every change of what is found. */
  readonly version: number;
  /** One sentence for the documentation. */
  readonly summary: string;
  /** The classes of its findings; for detectors whose classes the operator names, what `options` add to them. */
  readonly classes: (options: Options) => readonly FindingClass[];
  readonly matchers: (options: Options) => readonly Matcher[];
}

export function defineDetector<Options = undefined>(
  definition: DetectorDefinition<Options>,
): DetectorDefinition<Options> {
  return definition;
}
