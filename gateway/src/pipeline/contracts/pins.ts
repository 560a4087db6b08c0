/** Pins: which definitions of a server were approved. What was not is as if the server did not have it. */
import type { JsonObject } from '../../protocol/json.ts';
import type { PinnedKind } from '../../protocol/pinned-kinds.ts';
import type { ServerFacts } from './upstream.ts';

export interface PinnedServer {
  readonly server: string;
  /** What it was given, and must not be kept where it comes back. */
  secrets(): readonly string[];
}

export interface JudgedDefinition {
  readonly content: JsonObject;
  /** Nothing has approved it, and nothing speaks against it: it is there for rules that include what is new. */
  readonly isNew: boolean;
}

export interface Pins {
  /** Another number whenever something that was judged before may be judged otherwise now. */
  version(server: string): number;
  /**
   * What of a list clients may see and call, in its order: definitions that are approved, and in place of one that changed the
   * approved one where the configuration keeps it. What is new is remembered for review; where a rule includes it, it is among them.
   */
  judge(
    of: PinnedServer,
    kind: Exclude<PinnedKind, 'instructions'>,
    items: readonly JsonObject[],
  ): Promise<readonly JudgedDefinition[]>;
  /** The same for the instructions of a server: the text that clients may get. */
  judgeInstructions(of: PinnedServer, text: string): Promise<string | undefined>;
  /** What clients may get of what a server says that it is: where definitions are reviewed, no free text. */
  judgeInfo(server: string, facts: Pick<ServerFacts, 'info' | 'capabilities'>): JsonObject;
  /** A server was reached. One that has no lists at all has had its first contact: what it has later was not there. */
  met(server: string, facts: Pick<ServerFacts, 'capabilities'>): void;
}
