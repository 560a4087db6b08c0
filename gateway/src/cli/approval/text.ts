/** Approvals as lines for people. Everything that a caller or server wrote is shown with what is hidden in it. */
import { shownInLine } from '../../protocol/shown.ts';
import { type Approval, type ApprovalLine, argumentsText, callerTextOf } from '../../stages/approve/store.ts';
import { findingTexts, grantText, leftText, neededText } from '../../stages/approve/text.ts';
import type { Context } from '../context.ts';

/** Without the arguments. */
export function plain({
  summary,
  terms,
  content: _content,
  ...approval
}: ApprovalLine & Partial<Pick<Approval, 'content'>>) {
  const { tier, rule } = summary ?? {};
  return { ...approval, ...terms, caller: summary && callerTextOf(summary), tier, rule };
}

export function lineOf(approval: ApprovalLine, now: number): string {
  const { id, state, server, name, summary, expiresAt, terms, votes } = approval;
  const caller = summary === undefined ? '(caller: see the log)' : callerTextOf(summary);
  const left = state === 'pending' || state === 'approved' ? `  ${leftText(expiresAt - now)}` : '';
  const quorum = terms.quorum > 1 ? `  ${votes.length} of ${terms.quorum}` : '';
  return shownInLine(`${id}  ${state}  ${caller}  ${server}/${name}${quorum}${left}`);
}

export function printApproval(context: Context, approval: Approval, now: number): void {
  const { content, votes, terms, digest, uses } = approval;
  context.out(lineOf(approval, now));
  if (content === undefined) {
    context.out(
      approval.state === 'pending'
        ? '    what it is about cannot be decrypted'
        : '    it is over: the log has what it was about',
      'bad',
    );
    return;
  }
  const { capability, rule, place, definition, tier, arguments: args } = content;
  const row = (name: string, value: string): void => context.out(`    ${name.padEnd(11)} ${shownInLine(value)}`);
  row('caller', callerTextOf(content));
  row(capability.type, `${capability.name} of ${content.server}`);
  if (tier !== undefined) row('tier', tier);
  row('rule', `${rule.text} (${rule.connection}, ${place})`);
  if (definition !== undefined) row('definition', definition.slice(0, 12));
  if (content.guardrail !== undefined) row('guardrail', content.guardrail);
  if (content.findings !== undefined) for (const text of findingTexts(content.findings)) row('found', text);
  row('digest', digest);
  row('needs', neededText(terms));
  if (terms.grant !== undefined) row('grant', `${grantText(terms.grant)}, made ${uses} times`);
  for (const { by, at, reason } of votes)
    row('decided', `${by}, ${new Date(at).toISOString()}${reason === undefined ? '' : `: ${reason}`}`);
  context.out('    arguments');
  for (const line of argumentsText(args).split('\n')) context.out(`      ${shownInLine(line)}`);
  for (const [name, value] of [
    ['what the server asked', content.inputRequests?.messages],
    ['answers to what the server asked', content.answers],
    ['_meta', content.meta],
  ] as const) {
    if (value === undefined) continue;
    context.out(`    ${name}`);
    for (const line of JSON.stringify(value, undefined, 2).split('\n')) context.out(`      ${shownInLine(line)}`);
  }
}
