/** Kinds of definitions that are pinned. Resources come and go with the data that they are: their list is not. */
export const pinnedKinds = ['tools', 'prompts', 'templates', 'instructions'] as const;
export type PinnedKind = (typeof pinnedKinds)[number];
