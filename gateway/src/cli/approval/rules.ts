/** `sallyport approval rules`: how often each rule is approved, and what would spare the persons who always say yes. */
import { Command } from 'commander';
import { isObject, type Json, type JsonObject } from '../../protocol/json.ts';
import { shownInLine } from '../../protocol/shown.ts';
import type { PublicPart } from '../../stages/record/read/archive.ts';
import { type LogOptions, logOption, type OpenLog, withLog } from '../audit/open.ts';
import { type Context, configOption, jsonOption, outJson } from '../context.ts';

/** Records of a kind that are looked through, the newest first. */
const maxScanned = 20_000;
/** Decisions from which on a rate says something, and the rate from which on it says that no person looks any more. */
const enough = 20;
const flaggedRate = 0.95;
/** Equal approvals after which a grant is proposed. */
const equalApprovals = 5;

interface Decision {
  readonly rule: string;
  readonly caller: string;
  readonly name: string;
  readonly arguments: JsonObject | undefined;
}

interface RuleFacts {
  readonly rule: string;
  readonly approved: number;
  readonly rejected: number;
  readonly rate: number;
  readonly isFlagged: boolean;
  /** A grant that the calls which were approved had in common. */
  readonly proposal?: string;
}

export function rulesCommand(context: Context): Command {
  return new Command('rules')
    .summary('show how often each rule is approved')
    .description(
      'Counts the decisions of each rule that holds calls. A rule that is nearly always approved teaches people to say yes without a look: narrow it, or let it grant what is always the same.',
    )
    .option(...logOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport approval rules')
    .action(async (options: LogOptions) => {
      await withLog(context, options, (log) => {
        const rules = factsOf(decisions(log, 'approval-approved'), decisions(log, 'approval-rejected'));
        if (options.json === true) return outJson(context, { ok: true, rules });
        for (const { rule, approved, rejected, rate, isFlagged, proposal } of rules) {
          const flag = isFlagged ? '  nearly always approved: narrow it, or let it grant' : '';
          context.out(
            shownInLine(`${rule}  ${approved} approved, ${rejected} rejected, ${Math.round(rate * 100)} %${flag}`),
          );
          if (proposal !== undefined) context.out(shownInLine(`    approval: ${proposal}`));
        }
        if (rules.length === 0) context.out('nothing was decided yet');
        return undefined;
      });
    });
}

function decisions({ archive, checkpoint, index }: OpenLog, kind: string): readonly Decision[] {
  return index.search({ words: { kind }, limit: maxScanned }).flatMap(({ seq }) => {
    const record = archive.record(seq, checkpoint.size);
    if (record === undefined) return [];
    const { rule, caller, name } = textsIn(record.fields);
    return rule === '' ? [] : [{ rule, caller, name, arguments: argumentsIn(record.parts?.arguments) }];
  });
}

function textsIn({ detail }: PublicPart): { readonly rule: string; readonly caller: string; readonly name: string } {
  const text = (name: string): string => {
    const value = detail?.[name];
    return typeof value === 'string' ? value : '';
  };
  return { rule: text('rule'), caller: text('caller'), name: text('name') };
}

/** What the decision was about, where the log keeps it. */
function argumentsIn(text: string | undefined): JsonObject | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    const call = JSON.parse(text) as JsonObject;
    return isObject(call.arguments) ? call.arguments : undefined;
  } catch {
    // It was kept in another form than it came.
    return undefined;
  }
}

export function factsOf(approved: readonly Decision[], rejected: readonly Decision[]): readonly RuleFacts[] {
  const rules = new Set([...approved, ...rejected].map(({ rule }) => rule));
  return [...rules]
    .map((rule): RuleFacts => {
      const yes = approved.filter((each) => each.rule === rule);
      const no = rejected.filter((each) => each.rule === rule).length;
      const rate = yes.length / (yes.length + no);
      const proposal = no === 0 ? proposalOf(yes) : undefined;
      return {
        rule,
        approved: yes.length,
        rejected: no,
        rate,
        isFlagged: yes.length + no >= enough && rate >= flaggedRate,
        ...(proposal !== undefined && { proposal }),
      };
    })
    .toSorted((a, b) => b.approved - a.approved);
}

/** Of the newest approvals of one caller and tool: the narrowest grant that covers them all. */
function proposalOf(approved: readonly Decision[]): string | undefined {
  const [newest] = approved;
  if (newest === undefined) return undefined;
  const same = approved.filter(({ caller, name }) => caller === newest.caller && name === newest.name);
  const known = same.slice(0, equalApprovals).map((each) => each.arguments);
  const [first] = known;
  if (known.length < equalApprovals || first === undefined || known.includes(undefined)) return undefined;
  const names = [...new Set(known.flatMap((each) => Object.keys(each ?? {})))];
  const constant = names.filter((name) => known.every((each) => isSame(each?.[name], first[name])));
  if (constant.length === names.length) return `{ grant: { for: 1h, calls: ${equalApprovals * 2} } }`;
  if (constant.length === 0 || !constant.every((name) => /^[A-Za-z_]\w*$/.test(name))) return undefined;
  const condition = constant.map((name) => `args.${name} == approved.${name}`).join(' && ');
  return `{ grant: { when: "${condition}", for: 1h, calls: ${equalApprovals * 2} } }`;
}

function isSame(one: Json | undefined, other: Json | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
