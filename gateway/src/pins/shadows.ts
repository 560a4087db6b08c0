/** Names that a person or a model takes for one another (UTS #39, confusables, as far as names of tools go). */

/** Letters of other scripts, and digits, that look like Latin letters. */
const lookAlikes: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'l',
  '3': 'e',
  '5': 's',
  $: 's',
  '@': 'a',
  '|': 'l',
  а: 'a',
  в: 'b',
  е: 'e',
  к: 'k',
  м: 'm',
  н: 'h',
  о: 'o',
  р: 'p',
  с: 'c',
  т: 't',
  у: 'y',
  х: 'x',
  і: 'i',
  ј: 'j',
  ѕ: 's',
  α: 'a',
  ε: 'e',
  ι: 'i',
  κ: 'k',
  ν: 'v',
  ο: 'o',
  ρ: 'p',
  τ: 't',
  υ: 'u',
  χ: 'x',
};

/** The same for names that look the same: without case, separators and scripts. */
export function skeletonOf(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}]/gu, '')
    .toLowerCase()
    .replace(/[\s._:/-]/g, '');
  return Array.from(plain, (sign) => lookAlikes[sign] ?? sign)
    .join('')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w');
}

/** Shorter names are near to many. */
const minNear = 8;

/** One letter more, less, or another one. */
function isNear(a: string, b: string): boolean {
  if (Math.min(a.length, b.length) < minNear || Math.abs(a.length - b.length) > 1) return false;
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  let at = 0;
  while (at < short.length && short[at] === long[at]) at++;
  return short.slice(short.length === long.length ? at + 1 : at) === long.slice(at + 1);
}

export interface Named {
  readonly server: string;
  readonly name: string;
}

/** Of the known names, those of other servers that one could be taken for. */
export function shadowed(
  { server, name }: Named,
  known: readonly Named[],
): readonly (Named & { readonly how: string })[] {
  const own = skeletonOf(name);
  return known.flatMap((each) => {
    if (each.server === server) return [];
    const other = skeletonOf(each.name);
    const how =
      each.name === name
        ? 'has the name of'
        : other === own
          ? 'looks like'
          : isNear(own, other)
            ? 'is one letter from'
            : '';
    return how === '' ? [] : [{ ...each, how }];
  });
}
