/** Pages with the approvals: what waits, exactly what would be called, and the decision. */
import type { Hono } from 'hono';
import { html, raw } from 'hono/html';
import { assertionOptions } from '../../operators/passkeys.ts';
import { isFresh, may, type Principal } from '../../operators/principal.ts';
import { approverProblem } from '../../stages/approve/approvers.ts';
import type { ArgumentChange } from '../../stages/approve/changes.ts';
import { challengeOf } from '../../stages/approve/proof.ts';
import { type Approval, approvalStates, callerTextOf, wantedOf } from '../../stages/approve/store.ts';
import { leftText, neededText } from '../../stages/approve/text.ts';
import { type ApprovalView, viewOf } from '../../stages/approve/view.ts';
import { type AdminEnv, type AdminRequest, isCrossSite, noteBy, partyOf } from '../context.ts';
import { decide, maxReason, type Verdict, visible } from '../decide.ts';
import { historyOf, type ShownHistory } from '../history.ts';
import { sessionPrincipal } from '../identify.ts';
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
  const principal = sessionPrincipal(request, parts);
  if (principal === undefined) return goTo(`/sign-in?next=${encodeURIComponent(request.req.path)}`);
  if (!parts.mayConnect(request.env, principal.operator.id))
    return messagePage(429, 'You have too many connections', { text: 'Close other windows, or what asks the API.' });
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
    const { id, server, name, expiresAt, votes, terms, summary } = approval;
    const left = approval.state === 'pending' ? html`, ${leftText(expiresAt - now)}` : '';
    return html`<li><a href="/approvals/${id}">${visibleMarkup(`${server}/${name}`)}</a> for ${visibleMarkup(summary === undefined ? 'an unknown caller' : callerTextOf(summary))}<br><span class="dim">${approval.state}${left}, ${votes.length} of ${terms.quorum}, ${id}</span></li>`;
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
  const { state } = approval;
  const view = viewOf(approval, Date.now());
  const reads = may(principal, 'approvals.read');
  if (reads && approval.content !== undefined)
    noteBy(request, parts, { kind: 'approval-viewed', detail: { approval: id } });
  const body = html`${problem === undefined ? '' : html`<p class="problem" role="alert">${problem}</p>`}
${factsOf(view)}
${reads ? callOf(view) : html`<p>Your role does not see the arguments.</p>`}
${reads && state === 'pending' && approval.content !== undefined ? before(await historyOf(parts, approval, principal.operator)) : ''}
${state === 'pending' && may(principal, 'approvals.decide') ? await decisionOf(request, parts, { principal, approval, isDrawn: view.isDrawn }) : ''}`;
  return pageOf({ title: view.title, body, principal, leave, status });
}

function factsOf({ facts }: ApprovalView): Markup {
  return html`<dl>${facts.map(([label, value]) => html`<dt>${label}</dt><dd>${visibleMarkup(value)}</dd>`)}</dl>`;
}

function callOf({ texts, findings, note }: ApprovalView): Markup {
  const parts = texts.map(({ title, html: drawn }) => html`<h2>${title}</h2><pre>${raw(drawn)}</pre>`);
  const found = findings.map((text) => html`<li>${visibleMarkup(text)}</li>`);
  return html`${parts}${found.length === 0 ? '' : html`<h2>What guardrails found in it</h2><ul class="rows">${found}</ul>`}${note === undefined ? '' : html`<p>${note}</p>`}`;
}

/** What the person may have seen before, and what the caller is doing. */
function before(history: ShownHistory | undefined): Markup {
  if (history === undefined) return html`<p class="dim">The log cannot say now what was called before.</p>`;
  const { since, recent } = history;
  const changes =
    since === undefined
      ? html`<p>No call of this caller to it was approved before.</p>`
      : since.changes.length === 0
        ? html`<p>The arguments are those of ${new Date(since.at).toISOString()}.</p>`
        : html`<p>Since ${new Date(since.at).toISOString()}:</p><ul class="rows">${since.changes.map(changeOf)}</ul>${since.more === 0 ? '' : html`<p>And ${since.more} more.</p>`}`;
  const calls = recent.map(
    ({ at, server, name, decision, outcome, reason }) =>
      html`<li>${visibleMarkup(name === undefined ? server : `${server}/${name}`)}<br><span class="dim">${new Date(at).toISOString()}${decision === undefined ? '' : html`, ${decision}`}, ${outcome ?? 'under way'}${reason === undefined ? '' : html` (${reason})`}</span></li>`,
  );
  return html`<h2>What changed since the last one that was approved</h2>${changes}
<h2>What the caller did lately</h2>${calls.length === 0 ? html`<p>Nothing that is recorded.</p>` : html`<ul class="rows">${calls}</ul>`}`;
}

function changeOf({ at, before: old, after }: ArgumentChange): Markup {
  const place = at === '' ? '(all)' : at;
  if (old === undefined) return html`<li>${visibleMarkup(place)} is new: ${visibleMarkup(after ?? '')}</li>`;
  if (after === undefined) return html`<li>${visibleMarkup(place)} is gone: ${visibleMarkup(old)}</li>`;
  return html`<li>${visibleMarkup(place)}: ${visibleMarkup(old)} became ${visibleMarkup(after)}</li>`;
}

async function decisionOf(
  request: AdminRequest,
  parts: PageParts,
  {
    principal,
    approval,
    isDrawn,
  }: { readonly principal: Principal; readonly approval: Approval; readonly isDrawn: boolean },
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
    content === undefined || !isDrawn
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
  const problem = `${outcome.problem.slice(0, 1).toUpperCase()}${outcome.problem.slice(1)}. ${outcome.remedy}`;
  return approvalPage(request, parts, { principal, id, status: outcome.status, problem });
}
