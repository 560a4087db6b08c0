/** The few pages, as text. Everything that is put in is escaped; nothing is loaded from anywhere. */
import { createHash } from 'node:crypto';
import type { PageAnswer } from '../pipeline/contracts/pages.ts';
import { shownHtml } from '../protocol/shown-html.ts';
import type { ApprovalView } from '../stages/approve/view.ts';

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.4rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}
input,button{font:inherit;padding:.5rem .8rem}input{width:100%;box-sizing:border-box;margin:.3rem 0 .8rem}
pre{background:#f3f3f3;border:1px solid #c8c8c8;padding:.7rem;white-space:pre-wrap;overflow-wrap:anywhere}mark{background:#ffd24d;color:#1a1a1a}h2{font-size:1.1rem;margin-top:2rem}hr{margin:2.5rem 0}h1{overflow-wrap:anywhere}
button{background:#1a4fb4;color:#fff;border:0;border-radius:.3rem;cursor:pointer}form{margin:1.2rem 0}
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}dt{color:#aaa}pre{background:#222;border-color:#474747}a{color:#8ab0ff}}`;

const styleDigest = createHash('sha256').update(style).digest('base64');

const headers: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleDigest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Text that was escaped, or written here. */
class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Markup | readonly Markup[];

function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const written = parts.map((part) => {
    if (part instanceof Markup) return part.text;
    if (typeof part === 'object') return part.map(({ text }) => text).join('');
    return escaped(String(part));
  });
  return new Markup(strings.map((text, index) => text + (written[index] ?? '')).join(''));
}

export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

function page(status: number, title: string, body: Markup, more: { cookie?: string; goTo?: string } = {}): PageAnswer {
  const refresh = more.goTo === undefined ? html`` : html`<meta http-equiv="refresh" content="0;url=${more.goTo}">`;
  const document = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">${refresh}<title>${title}</title><style>${new Markup(style)}</style></head>
<body><h1>${title}</h1>${body}</body></html>
`;
  return {
    status,
    headers: more.cookie === undefined ? headers : { ...headers, 'set-cookie': more.cookie },
    body: document.text,
  };
}

export interface ProofPage {
  readonly title: string;
  readonly server: string;
  readonly action: string;
  readonly token: string;
  readonly cookie: string;
  readonly signIns: readonly string[];
  readonly problem?: string;
  readonly status?: number;
}

/** The page that asks the user for an API key or a sign-in. */
export function proofPage({
  title,
  server,
  action,
  token,
  cookie,
  signIns,
  problem,
  status = 200,
}: ProofPage): PageAnswer {
  const hidden = html`<input type="hidden" name="form" value="${token}">`;
  const buttons = signIns.map(
    (name) =>
      html`<form method="post" action="${action}/sign-in">${hidden}<input type="hidden" name="issuer" value="${name}"><button>Sign in with ${name}</button></form>`,
  );
  const body = html`${problem === undefined ? html`` : html`<p role="alert"><strong>${problem}</strong></p>`}
<p>Prove that you are the user who called <strong>${server}</strong>.</p>${buttons}
<form method="post" action="${action}/key">${hidden}<label>API key with which you call the gateway<input type="password" name="key" autocomplete="off" required></label><button>Continue</button></form>`;
  return page(status, title, body, { cookie });
}

export interface ConsentPage {
  readonly server: string;
  readonly user: string;
  readonly issuer: string;
  readonly scopes: readonly string[];
  readonly action: string;
  readonly token: string;
}

/** The page that shows server, issuer and scopes before the user consents. */
export function consentPage({ server, user, issuer, scopes, action, token }: ConsentPage): PageAnswer {
  const body = html`<p>The gateway will call this server with your account, for you and for the agents that work for you.</p>
<dl><dt>You are</dt><dd>${user}</dd><dt>Server</dt><dd>${server}</dd><dt>You sign in at</dt><dd>${issuer}</dd>
<dt>It will ask for</dt><dd>${scopes.length === 0 ? 'what it gives without asking' : scopes.join(', ')}</dd></dl>
<form method="post" action="${action}/agree"><input type="hidden" name="form" value="${token}"><button>Continue to ${new URL(issuer).host}</button></form>
<p>If you did not expect this, close the page.</p>`;
  return page(200, `Connect your account at ${server}`, body);
}

export interface DecisionPage {
  readonly view: ApprovalView;
  readonly user: string;
  readonly action: string;
  readonly token: string;
  /** May this user decide? */
  readonly decides: boolean;
  readonly needsReason: boolean;
  readonly problem?: string;
}

/** The page on which a user sees a call that was made for it, and decides where the rule lets it. */
export function decisionPage({ view, user, action, token, decides, needsReason, problem }: DecisionPage): PageAnswer {
  const facts = view.facts.map(
    ([label, value]) => html`<dt>${label}</dt><dd>${new Markup(shownHtml(value) ?? '')}</dd>`,
  );
  const texts = view.texts.map(({ title, html: drawn }) => html`<h2>${title}</h2><pre>${new Markup(drawn)}</pre>`);
  const found = view.findings.map((text) => html`<li>${new Markup(shownHtml(text) ?? '')}</li>`);
  const findings = found.length === 0 ? html`` : html`<h2>What guardrails found in it</h2><ul>${found}</ul>`;
  const hidden = html`<input type="hidden" name="form" value="${token}">`;
  const reason = (id: string): Markup =>
    html`<label for="${id}">Reason${needsReason ? '' : ', if you like'}</label><input id="${id}" name="reason" maxlength="1000"${needsReason ? new Markup(' required') : ''}>`;
  const forms = decides
    ? html`<h2>Approve</h2><form method="post" action="${action}/approve">${hidden}${reason('reason-1')}<button>Approve this call</button></form>
<hr><h2>Reject</h2><form method="post" action="${action}/reject">${hidden}${reason('reason-2')}<button>Reject this call</button></form>`
    : html`<p><a href="${action}">Look again</a></p>`;
  const body = html`${problem === undefined ? html`` : html`<p role="alert"><strong>${problem}</strong></p>`}
<p>This call was made for you, <strong>${user}</strong>.</p><dl>${facts}</dl>${texts}${findings}${view.note === undefined ? html`` : html`<p>${view.note}</p>`}${forms}
<p>If you did not expect this, ${decides ? 'reject it' : 'close the page'}.</p>`;
  return page(problem === undefined ? 200 : 403, view.title, body);
}

/** A redirect of a form would be stopped by the policy of its page wherever the other side redirects once more. */
export function leavePage(url: string, cookie?: string): PageAnswer {
  const body = html`<p><a id="continue" rel="noreferrer" href="${url}">Continue to ${new URL(url).host}</a></p>`;
  return page(200, 'One moment', body, { goTo: url, ...(cookie === undefined ? {} : { cookie }) });
}

export function messagePage(status: number, title: string, text: string): PageAnswer {
  return page(status, title, html`<p>${text}</p>`);
}

export function redirect(url: string, cookie?: string): PageAnswer {
  const { 'content-type': _type, ...rest } = headers;
  const target = { ...rest, location: url };
  return { status: 303, headers: cookie === undefined ? target : { ...target, 'set-cookie': cookie }, body: '' };
}
