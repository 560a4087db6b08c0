/** What a person sees of an approval, as rows and texts: every page shows the same. */
import { canonical } from '../../protocol/canonical.ts';
import { isObject, type Json } from '../../protocol/json.ts';
import { shownInLine } from '../../protocol/shown.ts';
import { shownHtml } from '../../protocol/shown-html.ts';
import { type Approval, callerTextOf } from './store.ts';
import { findingTexts, grantText, leftText, neededText } from './text.ts';

export interface ApprovalView {
  readonly title: string;
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** In full, in the canonical form that the digest is of, laid out in lines. */
  readonly texts: readonly { readonly title: string; readonly html: string }[];
  /** What guardrails found in them. */
  readonly findings: readonly string[];
  /** What cannot be drawn cannot be approved. */
  readonly isDrawn: boolean;
  /** Why there are no texts. */
  readonly note?: string;
}

export function viewOf(approval: Approval, now: number): ApprovalView {
  const { server, name, state, content } = approval;
  const written = content === undefined ? [] : textsOf(content);
  const texts = written.flatMap(({ title, text }) => {
    const html = shownHtml(text);
    return html === undefined ? [] : [{ title, html }];
  });
  const isDrawn = texts.length === written.length;
  const note =
    content !== undefined
      ? isDrawn
        ? undefined
        : 'It has too many characters that cannot be seen to be drawn here. It can be rejected only.'
      : state === 'pending'
        ? 'What it is about cannot be decrypted. It can be rejected only.'
        : 'It is over: the log has what it was about.';
  return {
    title: shownInLine(`${server}/${name}`),
    facts: factsOf(approval, now),
    texts,
    findings: content?.findings === undefined ? [] : findingTexts(content.findings),
    isDrawn,
    ...(note !== undefined && { note }),
  };
}

function factsOf(approval: Approval, now: number): ApprovalView['facts'] {
  const { state, digest, votes, terms, expiresAt, uses, content, createdAt } = approval;
  const isOpen = state === 'pending' || state === 'approved';
  return [
    ['State', isOpen ? `${state}, ${leftText(expiresAt - now)}` : state],
    ...(content === undefined ? [] : callFacts(content)),
    ['Needs', neededText(terms)],
    ...(terms.grant === undefined ? [] : [['Grant', `${grantText(terms.grant)}, made ${uses} times`] as const]),
    ['Asked', new Date(createdAt).toISOString()],
    ['Digest', digest],
    ...votes.map(({ by, at, reason, proof }) => {
      const how = proof === undefined ? '' : ', with a passkey';
      const why = reason === undefined ? '' : `: ${reason}`;
      return ['Decided', `${by}${how}, ${new Date(at).toISOString()}${why}`] as const;
    }),
  ];
}

function callFacts(content: NonNullable<Approval['content']>): ApprovalView['facts'] {
  const { capability, server, tier, rule, place, guardrail, definition } = content;
  const type = capability.type.slice(0, 1).toUpperCase() + capability.type.slice(1);
  return [
    ['Caller', callerTextOf(content)],
    [type, `${capability.name} of ${server}`],
    ...(tier === undefined ? [] : [['Tier', tier] as const]),
    ['Rule', `${rule.text} (${rule.connection}, ${place})`],
    ...(guardrail === undefined ? [] : [['Guardrail', guardrail] as const]),
    ...(definition === undefined ? [] : [['Definition', definition] as const]),
  ];
}

function textsOf(
  content: NonNullable<Approval['content']>,
): readonly { readonly title: string; readonly text: string }[] {
  const parts: readonly (readonly [string, Json | undefined])[] = [
    ['Arguments, as the server would get them', content.arguments],
    ['What the server asked', content.inputRequests?.messages],
    ['Answers to what the server asked', content.answers],
    ['What the client says beside them (_meta)', content.meta],
  ];
  return parts.flatMap(([title, value]) => (value === undefined ? [] : [{ title, text: laidOut(value) }]));
}

/** In the order of the digest, and each number as it is spelled there: what a double cannot hold is not rounded. */
function laidOut(value: Json, indent = ''): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map((each) => `${inner}${laidOut(each, inner)}`);
    return items.length === 0 ? '[]' : `[\n${items.join(',\n')}\n${indent}]`;
  }
  if (!isObject(value)) return canonical(value);
  const members = Object.keys(value)
    .toSorted()
    .flatMap((key) => {
      const member = value[key];
      return member === undefined ? [] : [`${inner}${JSON.stringify(key)}: ${laidOut(member, inner)}`];
    });
  return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`;
}
