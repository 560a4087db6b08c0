/** Rules about what a tool is, in place of its name. */
import type { TraitsConfig } from '../../config/schema/connections.ts';
import type { ToolTraits } from '../../pipeline/contracts/traits.ts';

/**
 * Does a rule name a tool with these traits? What is not known of it is named by a rule that closes, and not by one that
 * opens.
 */
export function selects(
  { tier, tag }: TraitsConfig,
  { tier: own, tags }: ToolTraits,
  effect: 'opening' | 'closing',
): boolean {
  const isClosing = effect === 'closing';
  if (tier !== undefined && !(own === undefined ? isClosing : tier.includes(own))) return false;
  return tag === undefined || (tags === undefined ? isClosing : tag.some((each) => tags.includes(each)));
}

/** Tools with the same text are the same to every rule. */
export function traitsKey({ tier, tags }: ToolTraits): string {
  return [tier ?? '?', ...(tags ?? ['?'])].join(' ');
}

export function traitsText({ tier, tag }: TraitsConfig): string {
  const parts = [
    ...(tier === undefined ? [] : [`tier ${tier.join('|')}`]),
    ...(tag === undefined ? [] : [`tag ${tag.join('|')}`]),
  ];
  return parts.join(' and ');
}
