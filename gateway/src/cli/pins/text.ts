/** Definitions and their changes as lines for people. Texts of servers are shown with what is hidden in them. */

import type { Change } from '../../pins/compare.ts';
import { changedFacts, type KnownIdentity } from '../../pins/identities.ts';
import type { Review, Reviewed } from '../../pins/review.ts';
import { wordChanges } from '../../pins/words.ts';
import type { ServerIdentity } from '../../pipeline/contracts/identity.ts';
import { shownInLine } from '../../protocol/shown.ts';
import { traitsKey } from '../../stages/decide/traits.ts';
import type { Context } from '../context.ts';
import { type ShownTraits, traitsLine } from '../tool-traits.ts';

const kindNames = { tools: 'tool', prompts: 'prompt', templates: 'resource template', instructions: 'instructions' };

export function titleOf({ stored: { server, kind, name, digest }, state }: Reviewed): string {
  return `${server}/${shownInLine(name)}  ${state}  ${kindNames[kind]}  ${digest.slice(0, 12)}`;
}

/** A date of the log, in UTC. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}

/** `url https://…, tlsKey sha256/…` */
export function identityLine(identity: ServerIdentity): string {
  return Object.entries(identity)
    .map(([name, fact]) => `${name} ${shownInLine(fact)}`)
    .join(', ');
}

/** Which server it is that answers, since when, and in whose place. */
export function printIdentity(context: Context, { server, identity, firstAt, lastAt, before }: KnownIdentity): void {
  context.out(`${server}  is ${identityLine(identity)}, since ${dayOf(before === undefined ? firstAt : lastAt)}`);
  if (before === undefined) return;
  const facts = changedFacts(before, identity).map(
    (name) => `${name} ${shownInLine(before[name] ?? 'unknown')} → ${shownInLine(identity[name] ?? 'unknown')}`,
  );
  context.out(`    in place of another one: ${facts.join(', ')}`, 'bad');
}

export interface Affected {
  /** Names of the connections that lead to the server, each with the rules that name the definition. */
  readonly connections: readonly string[];
  /** What the tool is by this definition, and what it was by the approved one. */
  readonly tool?: ShownTraits;
  readonly approvedTool?: ShownTraits;
}

export function printReview(context: Context, review: Review, { connections, tool, approvedTool }: Affected): void {
  const { stored, approved, changes, findings, shadows, mentions, renamedFrom } = review;
  context.out(titleOf(review));
  context.out(
    `    first seen ${dayOf(stored.seenAt)}${approved === undefined ? '' : `, instead of ${approved.digest.slice(0, 12)}`}`,
  );
  if (tool !== undefined) printTraits(context, tool, approvedTool);
  for (const finding of findings) context.out(`    FOUND ${shownInLine(finding)} in its texts`, 'bad');
  for (const shadow of shadows) context.out(`    ${shownInLine(shadow)}`, 'bad');
  for (const mention of mentions) context.out(`    speaks of ${shownInLine(mention)}`, 'bad');
  if (renamedFrom !== undefined)
    context.out(`    may be ${shownInLine(renamedFrom)} under another name: rules name the old one`);
  if (approved === undefined) printNew(context, stored.content);
  for (const change of changes) printChange(context, change);
  for (const connection of connections) context.out(`    used by ${shownInLine(connection)}`);
}

function printTraits(context: Context, tool: ShownTraits, before: ShownTraits | undefined): void {
  const isOther = before !== undefined && traitsKey(before) !== traitsKey(tool);
  const was = isOther ? `; was ${traitsKey(before)}` : '';
  context.out(`  ${isOther ? '!' : ' '} tier ${shownInLine(traitsLine(tool))}${was}`, isOther ? 'bad' : undefined);
}

function printChange(context: Context, { at, what, words, isSerious }: Change): void {
  context.out(`  ${isSerious ? '!' : ' '} ${shownInLine(at)}: ${shownInLine(what)}`, isSerious ? 'bad' : undefined);
  if (words !== undefined) context.out(`      ${wordsLine(words)}`);
}

const near = 60;

/** `the [-old-]{+new+} text`: unchanged words far from a change are left out. */
export function wordsLine({ before, after }: { readonly before: string; readonly after: string }): string {
  const all = wordChanges(before, after);
  return all
    .map(([kind, text], index) => {
      const shown = shownInLine(text);
      if (kind === 'removed') return `[-${shown}-]`;
      if (kind === 'added') return `{+${shown}+}`;
      if (shown.length <= 2 * near) return shown;
      const head = index === 0 ? '' : shown.slice(0, near);
      const tail = index === all.length - 1 ? '' : shown.slice(-near);
      return `${head} … ${tail}`;
    })
    .join('');
}

const maxLine = 400;

function printNew(context: Context, content: Readonly<Record<string, unknown>>): void {
  for (const [name, member] of Object.entries(content)) {
    const text = typeof member === 'string' ? member : JSON.stringify(member);
    const shown = shownInLine(text);
    context.out(`    ${shownInLine(name)}: ${shown.length > maxLine ? `${shown.slice(0, maxLine - 1)}…` : shown}`);
  }
}
