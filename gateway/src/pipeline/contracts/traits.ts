/** What a tool is, as rules, records and limits see it: how dangerous, and what it reaches. */

/** How dangerous a tool is: it reads, it changes something, or what it does cannot be undone. */
export const tiers = ['read', 'write', 'destructive'] as const;
export type Tier = (typeof tiers)[number];

/** What a tool reaches. `network`: addresses that the caller names. `execution`: code, commands, statements of the caller. */
export const toolTags = [
  'filesystem-write',
  'execution',
  'network',
  'credentials',
  'payment',
  'messaging',
  'personal-data',
] as const;
export type ToolTag = (typeof toolTags)[number];

/** Whose server it is. What a third party says of its own tools can make them more dangerous, and never less. */
export const serverTrusts = ['own', 'partner', 'third-party'] as const;
export type ServerTrust = (typeof serverTrusts)[number];

/** A member that is absent is not known: no rule by it opens, and every rule by it closes. */
export interface ToolTraits {
  readonly tier?: Tier;
  /** In the order of `toolTags`. */
  readonly tags?: readonly ToolTag[];
}
