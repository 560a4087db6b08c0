/** What gives a secret away that stands in a file: the name that it stands under, or its own shape. */

const header = /^(?:proxy-)?authorization$|^cookie$|api-?_?key$|token$|secret$|password$/i;
const variable = /(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)$/i;
const flag = /(?:^|[-_.])(?:token|secret|passw(?:or)?d|pwd|api[-_]?key|access[-_]?key|private[-_]?key|bearer)$/i;
/** Of query strings: as short as `key` and `sig` there. */
const parameter =
  /(?:^|[-_.])(?:(?:api[-_]?|access[-_]?|private[-_]?)?key|token|secret|passw(?:or)?d|sig(?:nature)?)$|^(?:apikey|accesskey|accesstoken|authtoken|auth)$/i;

const names = { header, variable, flag, parameter } as const;
export type SecretPlace = keyof typeof names;

/** Prefixes that vendors give their tokens so that scanners find them. */
const knownToken =
  /(?:^|[\s=:])(?:sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{16}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|npm_[A-Za-z0-9]{30,}|AIza[\w-]{30,})/;
const urlWithPassword = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@$]+@/i;

const hasReference = /\$\{[^}]+\}/;

/** True for a value that is a secret by its name or its shape, and that stands there itself. */
export function isLiteralSecret(place: SecretPlace, name: string, value: string): boolean {
  if (value === '' || hasReference.test(value)) return false;
  return names[place].test(name) || isSecretByShape(value);
}

export function isSecretByShape(value: string): boolean {
  return knownToken.test(value) || urlWithPassword.test(value);
}

/** A word of a command line, with the flag before it: `--token X`, `--token=X`, `Name: value` of `--header`. */
export interface WordSecret {
  /** What it is called. */
  readonly name: string;
  /** Where the value begins in the word. */
  readonly start: number;
}

const assignment = /^(-{0,2}[A-Za-z][\w.-]*)=/;
const headerWord = /^([A-Za-z][\w-]*):\s*(?:(?:Bearer|Basic|Token)\s+)?/i;

/** `undefined`: nothing in this word is a secret that stands there itself. */
export function secretInWord(word: string, before: string | undefined): WordSecret | undefined {
  const named = (pattern: RegExp, place: SecretPlace): WordSecret | undefined => {
    const [head, name = ''] = pattern.exec(word) ?? [];
    if (head === undefined || !isLiteralSecret(place, name, word.slice(head.length))) return undefined;
    return { name: name.replace(/^-+/, ''), start: head.length };
  };
  const found = named(assignment, 'flag') ?? named(headerWord, 'header');
  if (found !== undefined) return found;
  // `--header=Name: value`.
  const [head = ''] = assignment.exec(word) ?? [];
  const inner = head === '' ? undefined : secretInWord(word.slice(head.length), undefined);
  if (inner !== undefined) return { ...inner, start: head.length + inner.start };
  const flagBefore = before?.startsWith('-') === true && !before.includes('=') ? before.replace(/^-+/, '') : '';
  if (word.startsWith('-') || !isLiteralSecret('flag', flagBefore, word)) return undefined;
  return { name: flagBefore, start: 0 };
}

/** Names of the parameters of a query that hold a secret, and `user` for one in front of the host. */
export function secretsInUrl(text: string): readonly string[] {
  if (!URL.canParse(text)) return [];
  const url = new URL(text);
  const found = [...url.searchParams].flatMap(([name, value]) =>
    isLiteralSecret('parameter', name, value) ? [name] : [],
  );
  return url.password === '' && url.username === '' ? found : [...found, 'user'];
}
