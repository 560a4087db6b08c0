/** Writes docs/requirements.md from the list of requirements. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requirements } from '../requirements.ts';
import { isProved, type Missing, type Proved, type Requirement } from './requirement.ts';

export const pageFile = join(import.meta.dirname, '..', '..', 'docs', 'requirements.md');

const head = `# Requirements

What the gateway promises, and the tests that prove it. Names of tests begin with the id of what they prove; those of
tokens (T) with the bare number. \`npm test -- --name '^A19'\` runs the tests of one id. The list is
\`e2e/requirements.ts\`; \`node e2e/requirements/page.ts\` writes this page, and \`gateway/test/requirements.test.ts\` fails
for a requirement without a proof, a proof that does not exist, and a number that leads nowhere.
`;

export function requirementsPage(list: readonly Requirement[]): string {
  const proved = list.filter(isProved);
  const missing = list.filter((each): each is Missing => !isProved(each));
  const sources = [...new Set(proved.map(({ source }) => source))];
  const sections = sources.map((source) =>
    table(
      source,
      'proved in',
      proved.filter((each) => each.source === source).map((each) => [each.id, each.text, filesOf(each)]),
    ),
  );
  const open = table(
    'Not built yet',
    'belongs to',
    missing.map((each) => [each.id, each.text, each.missing]),
  );
  return [head, ...sections, open].join('\n');
}

type Row = readonly [id: string, text: string, last: string];

function table(title: string, last: string, rows: readonly Row[]): string {
  return [
    `## ${title}\n`,
    `| id | requirement | ${last} |`,
    '|---|---|---|',
    ...rows.map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`),
    '',
  ].join('\n');
}

function filesOf({ proofs }: Proved): string {
  return [...new Set(proofs.map(({ file }) => `[${file.replace(/^.*\/|\.test\.ts$/g, '')}](../${file})`))].join(', ');
}

if (import.meta.main) writeFileSync(pageFile, requirementsPage(requirements));
