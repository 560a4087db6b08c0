/** What a person sees of an approval, as rows and texts: every page shows the same. */
import { canonical } from '../../protocol/canonical.ts';
import type { Json } from '../../protocol/json.ts';
import { type Approval, callerTextOf } from './store.ts';
import { grantText, leftText, neededText } from './text.ts';

export interface ApprovalView {
  readonly title: string;
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** In full, in the canonical form that the digest is of, laid out in lines. */
  readonly texts: readonly { readonly title: string; readonly text: string }[];
  /** Why there are no texts. */
  readonly note?: string;
}

export function viewOf(approval: Approval, now: number): ApprovalView {
  const { server, name, state, content } = approval;
  const texts = content === undefined ? [] : textsOf(content);
  const note =
    content !== undefined
      ? undefined
      : state === 'pending'
        ? 'What it is about cannot be decrypted. It can be rejected only.'
        : 'It is over: the log has what it was about.';
  return {
    title: `${server}/${name}`,
    facts: factsOf(approval, now),
    texts,
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

function textsOf(content: NonNullable<Approval['content']>): ApprovalView['texts'] {
  const parts: readonly (readonly [string, Json | undefined])[] = [
    ['Arguments, as the server would get them', content.arguments],
    ['Answers to what the server asked', content.answers],
    ['What the client says beside them (_meta)', content.meta],
  ];
  return parts.flatMap(([title, value]) => (value === undefined ? [] : [{ title, text: laidOut(value) }]));
}

/** Members in the order of the digest. */
function laidOut(value: Json): string {
  return JSON.stringify(JSON.parse(canonical(value)), undefined, 2);
}
