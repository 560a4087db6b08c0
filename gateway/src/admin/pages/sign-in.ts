/** Pages on which operators sign in and out, and the page of a one-time link. */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { operatorBounds, type Session } from '../../operators/operator.ts';
import { assertionOptions, registrationOptions } from '../../operators/passkeys.ts';
import { newSecondFactor, passwordBounds } from '../../operators/passwords.ts';
import type { Enrolled } from '../../operators/sign-in.ts';
import type { SignIns } from '../../pipeline/contracts/accounts.ts';
import { type AdminEnv, type AdminParts, type AdminRequest, addressOf, baseOf, partyOf } from '../context.ts';
import { sessionCookie, sessionPrincipal, sessionTextOf } from '../identify.ts';
import {
  answerIn,
  challengeIn,
  type Fields,
  fieldsOf,
  formFits,
  openChallenge,
  safePath,
  sealedText,
  textIn,
} from './forms.ts';
import { goTo, type Markup, messagePage, pageOf } from './layout.ts';

export interface PageParts extends AdminParts {
  /** Issuers at which operators can sign in: those of the revision in force. */
  readonly signIns: () => SignIns;
  readonly isSecure: boolean;
}

const joinUse = (text: string): string => `join ${text}`;

export function signInPages(app: Hono<AdminEnv>, parts: PageParts): void {
  app.get('/sign-in', (request) => signInPage(request, parts));
  app.post('/sign-in', async (request) => {
    const fields = await fieldsOf(request.req);
    const challenge = challengeIn(parts.seal, 'sign-in', fields('challenge'));
    const isPasskey = fields('answer') !== '';
    const address = addressOf(request);
    const signed = isPasskey
      ? challenge === undefined
        ? undefined
        : await parts.signIn.withPasskey(
            answerIn(fields('answer')),
            { party: partyOf(request, parts), challenge },
            address,
          )
      : await parts.signIn.withPassword(
          { name: fields('name').trim(), password: fields('password'), code: fields('code').replace(/\s/g, '') },
          address,
        );
    if (signed === undefined) return signInPage(request, parts, 'The page was open for too long. Try again.');
    if (!signed.ok)
      return signInPage(
        request,
        parts,
        signed.problem === 'throttled' ? 'Too many failures. Try again in a minute.' : 'That did not fit.',
      );
    return begin(request, parts, { operator: signed.operator.id, means: signed.means, next: safePath(fields('next')) });
  });
  app.post('/sign-out', async (request) => {
    const fields = await fieldsOf(request.req);
    const principal = sessionPrincipal(request, parts);
    if (principal?.via.kind === 'session') {
      const { id, operator } = principal.via.session;
      if (!formFits(parts.seal, { session: id, page: 'sign-out', token: fields('form') })) return goTo('/approvals');
      parts.operators.sessions.end(id, operator);
    }
    return goTo('/sign-in', {
      'set-cookie': sessionCookie(request, '', { isSecure: parts.isSecure, maxAgeSeconds: 0 }),
    });
  });
  app.get('/join/:link', (request) => joinPage(request, parts));
  app.post('/join/:link', async (request) => {
    const fields = await fieldsOf(request.req);
    const text = request.req.param('link');
    const link = parts.operators.sessions.linkOf(text, Date.now());
    if (link === undefined) return overPage();
    const enrolment = { text, link, name: fields('name').trim(), address: addressOf(request) };
    const enrolled =
      fields('answer') === ''
        ? await withPassword(parts, enrolment, fields)
        : await withPasskey(request, parts, { enrolment, fields });
    if (!enrolled.ok) return enrolled.problem === 'over' ? overPage() : joinPage(request, parts, enrolled.problem);
    // Its groups decide whether it is an operator still, so it signs in at its issuer.
    if (enrolled.operator.group !== undefined) return goTo('/sign-in');
    const means = fields('answer') === '' ? 'password' : 'passkey';
    return begin(request, parts, { operator: enrolled.operator.id, means, next: '/approvals' });
  });
}

type Enrolment = Parameters<PageParts['signIn']['enrolPasskey']>[0];

async function withPassword({ seal, signIn }: PageParts, enrolment: Enrolment, fields: Fields): Promise<Enrolled> {
  const totp = textIn(seal, joinUse(enrolment.text), fields('totp'));
  if (totp === undefined) return { ok: false, problem: 'code' };
  return signIn.enrolPassword(enrolment, {
    password: fields('password'),
    code: fields('code').replace(/\s/g, ''),
    totp,
  });
}

async function withPasskey(
  request: AdminRequest,
  parts: PageParts,
  { enrolment, fields }: { readonly enrolment: Enrolment; readonly fields: Fields },
): Promise<Enrolled> {
  const challenge = challengeIn(parts.seal, joinUse(enrolment.text), fields('challenge'));
  if (challenge === undefined) return { ok: false, problem: 'passkey' };
  const ceremony = { response: answerIn(fields('answer')), party: partyOf(request, parts), challenge };
  return parts.signIn.enrolPasskey(enrolment, ceremony);
}

/** A new session for each sign-in, whatever the browser had before (session fixation). */
export function begin(
  request: AdminRequest,
  { operators, isSecure }: PageParts,
  { operator, means, next }: { readonly operator: string; readonly means: Session['means']; readonly next: string },
): Response {
  const now = Date.now();
  const before = sessionTextOf(request, { isSecure });
  const old = before === undefined ? undefined : operators.sessions.use(before, now);
  if (old !== undefined) operators.sessions.end(old.id, old.operator);
  const { text } = operators.sessions.open(operator, means, now);
  return goTo(next, {
    'set-cookie': sessionCookie(request, text, { isSecure, maxAgeSeconds: operatorBounds.sessionMs / 1_000 }),
  });
}

export async function signInPage(request: AdminRequest, parts: PageParts, problem?: string): Promise<Response> {
  const { challenge, sealed } = openChallenge(parts.seal, 'sign-in');
  const options = await assertionOptions(partyOf(request, parts), Uint8Array.from(challenge));
  const next = safePath(request.req.query('next') ?? '');
  const body = html`${problem === undefined ? '' : html`<p class="problem" role="alert">${problem}</p>`}
<form method="post" action="/sign-in" data-passkey="get" data-options="${JSON.stringify(options)}">
<input type="hidden" name="next" value="${next}"><input type="hidden" name="challenge" value="${sealed}"><input type="hidden" name="answer" value="">
<button class="main">Sign in with a passkey</button><p role="status"></p></form>
${issuerForms(parts.signIns(), next)}<h2>With a password</h2>
<form method="post" action="/sign-in"><input type="hidden" name="next" value="${next}">
<label for="name">Name</label><input id="name" name="name" autocomplete="username" required maxlength="64">
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required maxlength="${passwordBounds.maxLength}">
<label for="code">Code of the second factor</label><input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="9">
<p><button>Sign in</button></p></form>`;
  return pageOf({ title: 'Sign in', body, status: problem === undefined ? 200 : 403 });
}

/** A form for each issuer. */
function issuerForms({ names }: SignIns, next: string): Markup {
  return html`${names.map((name) => html`<form method="post" action="/sign-in/issuer"><input type="hidden" name="issuer" value="${name}"><input type="hidden" name="next" value="${next}"><p><button>Sign in with ${name}</button></p></form>`)}`;
}

const enrolmentProblems: Readonly<Record<Exclude<Enrolled, { readonly ok: true }>['problem'], string>> = {
  over: 'The link is over.',
  exists: 'This name is taken, or was. Choose another.',
  name: 'A name has letters, digits and . _ @ + -, at most 64 of them.',
  passkey: 'The passkey could not be registered.',
  password: `A password has ${passwordBounds.minLength} to ${passwordBounds.maxLength} characters.`,
  code: 'The code did not fit. A new secret was made: scan it again.',
  full: 'Too much at once. Try again.',
};

async function joinPage(
  request: AdminRequest,
  parts: PageParts,
  problem?: keyof typeof enrolmentProblems,
): Promise<Response> {
  const text = request.req.param('link') ?? '';
  const link = parts.operators.sessions.linkOf(text, Date.now());
  if (link === undefined) return overPage();
  const { challenge, sealed } = openChallenge(parts.seal, joinUse(text));
  const name = link.name ?? 'administrator';
  const options = await registrationOptions(partyOf(request, parts), {
    user: link.operator ?? text.slice(0, 32),
    name,
    challenge: Uint8Array.from(challenge),
    known: link.operator === undefined ? [] : parts.operators.passkeys(link.operator),
  });
  const factor = newSecondFactor(name);
  const action = `/join/${encodeURIComponent(text)}`;
  const nameField = (id: string) =>
    link.name === undefined
      ? html`<label for="${id}">Your name</label><input id="${id}" name="name" required maxlength="64" autocomplete="username">`
      : html`<p>You are <strong>${link.name}</strong>.</p>`;
  const body = html`${problem === undefined ? '' : html`<p class="problem" role="alert">${enrolmentProblems[problem]}</p>`}
<p>This link makes you an operator with the role <strong>${link.role}</strong> at ${new URL(baseOf(request, parts)).host}. It counts once.</p>
<h2>With a passkey</h2>
<form method="post" action="${action}" data-passkey="create" data-options="${JSON.stringify(options)}">${nameField('name-1')}
<input type="hidden" name="challenge" value="${sealed}"><input type="hidden" name="answer" value="">
<p><button class="main">Make a passkey</button></p><p role="status"></p></form>
<h2>With a password</h2>
<p>Only where you have no passkey: rules can ask for one.</p>
<form method="post" action="${action}">${nameField('name-2')}<input type="hidden" name="totp" value="${sealedText(parts.seal, joinUse(text), factor.secret)}">
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="new-password" required minlength="${passwordBounds.minLength}" maxlength="${passwordBounds.maxLength}">
<p>Give this secret to the program that makes your codes: <code>${factor.secret}</code></p><p class="dim"><code>${factor.uri}</code></p>
<label for="code">Its code</label><input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="9">
<p><button>Set the password</button></p></form>`;
  return pageOf({ title: 'Become an operator', body, status: problem === undefined ? 200 : 422 });
}

function overPage(): Promise<Response> {
  return messagePage(404, 'This link is over', {
    text: 'A link counts once, and for a day. An administrator makes another: sallyport operator link NAME.',
  });
}
