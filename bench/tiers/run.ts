/**
 * `npm run tiers`: how far the tier and the tags that are found for the labelled tools agree with their labels, with
 * intervals of 95 %. `--faults` prints those of the tuned part that do not. Exit code 1 when a goal is missed.
 */
import { type Tier, toolTags } from '../../gateway/src/pipeline/contracts/traits.ts';
import { asText } from '../../gateway/src/protocol/json.ts';
import { classify, type ToolClass } from '../../gateway/src/tiers/classify.ts';
import { inPercent, shareOf } from '../detect/statistics.ts';
import { type Labelled, labelled } from './set.ts';

interface Judged extends Labelled {
  readonly found: ToolClass;
}

const write = (line: string): void => void process.stdout.write(`${line}\n`);
const judged: readonly Judged[] = labelled().map((each) => ({ ...each, found: classify(each.definition) }));

/** Annotations are the word of the server, and agree with labels that follow it. */
function withoutAnnotations(each: Judged): Judged {
  const { annotations: _annotations, ...definition } = each.definition;
  return { ...each, definition, found: classify(definition) };
}

const isDestructive = (tier: Tier): boolean => tier === 'destructive';
const agree = ({ tier, found }: Judged): boolean => isDestructive(tier) === isDestructive(found.tier);

function share(tools: readonly Judged[], holds: (each: Judged) => boolean) {
  return shareOf(tools.filter(holds).length, tools.length);
}

function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  write(line(head));
  write(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of rows) write(line(row));
  write('');
}

function row(name: string, tools: readonly Judged[]): readonly string[] {
  const destructive = tools.filter(({ tier }) => isDestructive(tier));
  const found = tools.filter((each) => isDestructive(each.found.tier));
  const asRead = destructive.filter((each) => each.found.tier === 'read').length;
  return [
    name,
    String(tools.length),
    String(destructive.length),
    inPercent(share(tools, agree)),
    inPercent(share(destructive, agree)),
    inPercent(share(found, agree)),
    String(asRead),
    inPercent(share(tools, ({ tier, found: { tier: other } }) => tier === other)),
  ];
}

const parts = ['tuned', 'held back', 'made up'] as const;
const of = (part: Labelled['part']): readonly Judged[] => judged.filter((each) => each.part === part);
const real = judged.filter(({ part }) => part !== 'made up');

printTable(
  [
    'tools',
    'all',
    'destructive',
    'agree on destructive %',
    'found of them %',
    'rightly so called %',
    'called read',
    'agree on all three %',
  ],
  [
    ...parts.map((part) => row(part, of(part))),
    row('of public servers', real),
    row('the same without annotations', real.map(withoutAnnotations)),
  ],
);
printTable(
  ['tag', 'labelled', 'agree %', 'found of them %', 'rightly so called %'],
  toolTags.map((tag) => {
    const has = real.filter(({ tags }) => tags.includes(tag));
    const called = real.filter(({ found }) => found.tags.includes(tag));
    return [
      tag,
      String(has.length),
      inPercent(share(real, ({ tags, found }) => tags.includes(tag) === found.tags.includes(tag))),
      inPercent(share(has, ({ found }) => found.tags.includes(tag))),
      inPercent(share(called, ({ tags }) => tags.includes(tag))),
    ];
  }),
);

const rounds = 200;
const started = performance.now();
for (let round = 0; round < rounds; round++) for (const { definition } of judged) classify(definition);
const micros = ((performance.now() - started) * 1_000) / (rounds * judged.length);
write(`${micros.toFixed(1)} µs a tool\n`);

if (process.argv.includes('--faults'))
  for (const { server, definition, tier, tags, found } of [...of('tuned'), ...of('made up')])
    if (tier !== found.tier || tags.join() !== found.tags.join())
      write(
        `${tier === found.tier ? ' ' : '!'} ${server}/${asText(definition.name)}: ${tier} [${tags.join()}], found ${found.tier} [${found.tags.join()}] (${found.reason})`,
      );

const least = (tools: readonly Judged[], holds: (each: Judged) => boolean): number => share(tools, holds).value;
const goals = [
  ['400 tools of public servers', real.length >= 400],
  ['95 % agreement on destructive', least(real, agree) >= 0.95],
  ['95 % agreement on destructive, held back', least(of('held back'), agree) >= 0.95],
  [
    'no destructive tool is called read',
    judged.every(({ tier, found }) => !isDestructive(tier) || found.tier !== 'read'),
  ],
] as const;
for (const [name, isMet] of goals) write(`${isMet ? 'met   ' : 'MISSED'} ${name}`);
if (goals.some(([, isMet]) => !isMet)) process.exitCode = 1;
