/** Pages with the approvals: what waits, exactly what would be called, and the decision. */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { assertionOptions } from '../../operators/passkeys.ts';
import { bySession, isFresh, may, type Principal } from '../../operators/principal.ts';
import { canonical } from '../../protocol/canonical.ts';
import type { Json } from '../../protocol/json.ts';
import { approverProblem } from '../../stages/approve/approvers.ts';
import { challengeOf } from '../../stages/approve/proof.ts';
import { type Approval, approvalStates, callerTextOf, wantedOf } from '../../stages/approve/store.ts';
import { grantText, leftText, neededText } from '../../stages/approve/text.ts';
import { type AdminEnv, type AdminRequest, isCrossSite, noteBy, partyOf } from '../context.ts';
import { decide, maxReason, type Verdict, visible } from '../decide.ts';
import { sessionTextOf } from '../identify.ts';
import { answerIn, fieldsOf, formFits, formToken } from './forms.ts';
import { goTo, type Markup, messagePage, pageOf, visibleMarkup } from './layout.ts';
import type { PageParts } from './sign-in.ts';

export function approvalPages(app: Hono<AdminEnv>, parts: PageParts): void {
  app.get('/approvals', (request) => signedIn(request, parts, (principal) => listPage(request, parts, principal)));
  app.get('/approvals/:id', (request) =>
    signedIn(request, parts, (principal) => approvalPage(request, parts, { principal, id: request.req.param('id') })),
  );
  for (const verdict of ['approve', 'reject'] as const)
    app.post(`/approvals/:id/${verdict}`, (request) =>
      signedIn(request, parts, (principal) =>
        decided(request, parts, { principal, id: request.req.param('id'), verdict }),
      ),
    );
}

/** A browser without a session is led to the sign-in, and back. */
async function signedIn(
  request: AdminRequest,
  parts: PageParts,
  show: (principal: Principal) => Promise<Response>,
): Promise<Response> {
  const text = sessionTextOf(request, parts);
  const principal = text === undefined ? undefined : bySession(parts.operators, text, Date.now());
  if (principal === undefined) return goTo(`/sign-in?next=${encodeURIComponent(request.req.path)}`);
  request.set('principal', principal);
  return show(principal);
}

function sessionOf({ via }: Principal): string {
  return via.kind === 'session' ? via.session.id : '';
}

function leaveOf({ seal }: PageParts, principal: Principal): string {
  return formToken(seal, sessionOf(principal), 'sign-out');
}

const maxRows = 200;

async function listPage(request: AdminRequest, parts: PageParts, principal: Principal): Promise<Response> {
  const asked = request.req.query('state') ?? 'pending';
  const state = approvalStates.find((each) => each === asked) ?? (asked === 'all' ? undefined : 'pending');
  const now = Date.now();
  const { servers } = principal.operator;
  const found = parts.approvals.list({ servers, limit: maxRows + 1, ...(state !== undefined && { state }) }, now);
  const listed = found.slice(0, maxRows).filter((each) => state === undefined || each.state === state);
  const rows = listed.map((approval) => {
    const { id, server, name, expiresAt, votes, terms, content } = approval;
    const left = approval.state === 'pending' ? html`, ${leftText(expiresAt - now)}` : '';
    return html`<li><a href="/approvals/${id}">${visibleMarkup(`${server}/${name}`)}</a> for ${visibleMarkup(content === undefined ? 'an unknown caller' : callerTextOf(content))}<br><span class="dim">${approval.state}${left}, ${votes.length} of ${terms.quorum}, ${id}</span></li>`;
  });
  const body = html`${rows.length === 0 ? html`<p>${state === undefined ? 'There are none.' : `Nothing is ${state}.`}</p>` : html`<ul class="rows">${rows}</ul>`}
${found.length > maxRows ? html`<p>These are the newest ${maxRows}; the API has all of them.</p>` : ''}`;
  const title =
    state === undefined ? 'All approvals' : state === 'pending' ? 'What waits for a person' : `Approvals: ${state}`;
  return pageOf({ title, body, principal, leave: leaveOf(parts, principal) });
}

interface Shown {
  readonly principal: Principal;
  readonly id: string;
  readonly problem?: string;
  readonly status?: number;
}

async function approvalPage(
  request: AdminRequest,
  parts: PageParts,
  { principal, id, problem, status = 200 }: Shown,
): Promise<Response> {
  const leave = leaveOf(parts, principal);
  const approval = visible(parts, principal, id);
  if (approval === undefined)
    return messagePage(404, 'There is no such approval', { text: 'It may be long over.', principal, leave });
  const { server, name, state } = approval;
  const reads = may(principal, 'approvals.read');
  if (reads && approval.content !== undefined)
    noteBy(request, parts, { kind: 'approval-viewed', detail: { approval: id } });
  const body = html`${problem === undefined ? '' : html`<p class="problem" role="alert">${problem}</p>`}
${factsOf(approval)}
${reads ? callOf(approval) : html`<p>Your role does not see the arguments.</p>`}
${state === 'pending' && may(principal, 'approvals.decide') ? await decisionOf(request, parts, { principal, approval }) : ''}`;
  return pageOf({ title: `${server}/${name}`, body, principal, leave, status });
}

function factsOf(approval: Approval): Markup {
  const { state, digest, votes, terms, expiresAt, uses, content, createdAt } = approval;
  const row = (label: string, value: string): Markup => html`<dt>${label}</dt><dd>${visibleMarkup(value)}</dd>`;
  const isOpen = state === 'pending' || state === 'approved';
  return html`<dl>${row('State', isOpen ? `${state}, ${leftText(expiresAt - Date.now())}` : state)}
${content === undefined ? '' : html`${row('Caller', callerTextOf(content))}${row(capitalised(content.capability.type), `${content.capability.name} of ${content.server}`)}${content.tier === undefined ? '' : row('Tier', content.tier)}${row('Rule', `${content.rule.text} (${content.rule.connection}, ${content.place})`)}${content.guardrail === undefined ? '' : row('Guardrail', content.guardrail)}${content.definition === undefined ? '' : row('Definition', content.definition)}`}
${row('Needs', neededText(terms))}
${terms.grant === undefined ? '' : row('Grant', `${grantText(terms.grant)}, made ${uses} times`)}
${row('Asked', new Date(createdAt).toISOString())}
${row('Digest', digest)}
${votes.map(({ by, at, reason, proof }) => row('Decided', `${by}${proof === undefined ? '' : ', with a passkey'}, ${new Date(at).toISOString()}${reason === undefined ? '' : `: ${reason}`}`))}</dl>`;
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** In full, in the canonical form that the digest is of, laid out in lines. */
function callOf({ content, state }: Approval): Markup {
  if (content === undefined)
    return html`<p>${state === 'pending' ? 'What it is about cannot be decrypted. It can be rejected only.' : 'It is over: the log has what it was about.'}</p>`;
  const part = (title: string, value: Json | undefined): Markup =>
    value === undefined ? html`` : html`<h2>${title}</h2><pre>${visibleMarkup(laidOut(value))}</pre>`;
  return html`${part('Arguments, as the server would get them', content.arguments)}${part('Answers to what the server asked', content.answers)}${part('What the client says beside them (_meta)', content.meta)}`;
}

/** Members in the order of the digest. */
function laidOut(value: Json): string {
  return JSON.stringify(JSON.parse(canonical(value)), undefined, 2);
}

async function decisionOf(
  request: AdminRequest,
  parts: PageParts,
  { principal, approval }: { readonly principal: Principal; readonly approval: Approval },
): Promise<Markup> {
  const { id, digest, terms, content } = approval;
  const { operator, role } = principal;
  const passkeys = parts.operators.passkeys(operator.id);
  const token = formToken(parts.seal, sessionOf(principal), id);
  const { servers, user } = operator;
  const voter = {
    by: `operator:${operator.name}`,
    kind: 'operator',
    role,
    ...(servers !== undefined && { servers }),
    ...(user !== undefined && { user }),
  } as const;
  const isWanted = approverProblem(voter, wantedOf(approval), 'reject') === undefined;
  if (!isWanted) return html`<section class="decide"><p>The rule asks for others: ${neededText(terms)}.</p></section>`;
  const reason = (field: string): Markup =>
    html`<label for="${field}">Reason${terms.reason === 'required' ? '' : ', if you like'}</label><textarea id="${field}" name="reason" maxlength="${maxReason}" rows="2" ${terms.reason === 'required' ? 'required' : ''}></textarea>`;
  const needsPasskey =
    terms.proof === 'passkey' || (content?.tier === 'destructive' && !isFresh(principal, Date.now()));
  const hidden = html`<input type="hidden" name="form" value="${token}">`;
  const options =
    passkeys.length === 0
      ? undefined
      : await assertionOptions(partyOf(request, parts), Uint8Array.from(challengeOf('approve', id, digest)), passkeys);
  const approve =
    content === undefined
      ? html``
      : options === undefined
        ? needsPasskey
          ? html`<p>It can be approved with a passkey only, and you have none here${terms.proof === undefined ? '; or sign in again' : ''}.</p>`
          : html`<form method="post" action="/approvals/${id}/approve">${hidden}${reason('reason-1')}<p><button class="main">Approve this call</button></p></form>`
        : html`<form method="post" action="/approvals/${id}/approve" data-passkey="get" data-options="${JSON.stringify(options)}">${hidden}<input type="hidden" name="answer" value="">${reason('reason-1')}<p><button class="main">Approve this call with your passkey</button></p><p role="status"></p></form>`;
  // Apart from each other, and the reading comes before both.
  return html`<section class="decide"><h2>Approve</h2>${approve}</section>
<section class="decide"><h2>Reject</h2><form method="post" action="/approvals/${id}/reject">${hidden}${reason('reason-2')}<p>The model is told the reason.</p><p><button class="bad">Reject this call</button></p></form></section>`;
}

async function decided(
  request: AdminRequest,
  parts: PageParts,
  { principal, id, verdict }: { readonly principal: Principal; readonly id: string; readonly verdict: Verdict },
): Promise<Response> {
  const fields = await fieldsOf(request.req);
  const isOurs = formFits(parts.seal, { session: sessionOf(principal), page: id, token: fields('form') });
  if (!isOurs || isCrossSite(request, parts))
    return approvalPage(request, parts, {
      principal,
      id,
      status: 403,
      problem: 'The page was open for too long. Look again, and decide then.',
    });
  const answer = fields('answer');
  const outcome = await decide(parts, principal, {
    id,
    verdict,
    reason: fields('reason'),
    party: partyOf(request, parts),
    ...(answer !== '' && { assertion: answerIn(answer) ?? {} }),
  });
  if (outcome.ok) return goTo(`/approvals/${id}`);
  const problem = `${capitalised(outcome.problem)}. ${outcome.remedy}`;
  return approvalPage(request, parts, { principal, id, status: outcome.status, problem });
}
