/** The frame of every page. Everything that is put into `html` is escaped; nothing is loaded from elsewhere. */
import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import type { Principal } from '../../operators/principal.ts';
import { shownInLine } from '../../protocol/shown.ts';
import { shownHtml } from '../../protocol/shown-html.ts';

export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>;

export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

export interface Page {
  readonly title: string;
  readonly body: Markup;
  readonly principal?: Principal | undefined;
  readonly status?: number;
  /** Token of the form that signs out. */
  readonly leave?: string | undefined;
}

export async function pageOf({ title, body, principal, status = 200, leave = '' }: Page): Promise<Response> {
  const head =
    principal === undefined
      ? html`<strong>Sallyport</strong>`
      : html`<strong>Sallyport</strong><a href="/approvals">Approvals</a><a href="/approvals?state=all">All</a><span class="dim">${principal.operator.name}, ${principal.role}</span><form method="post" action="/sign-out"><input type="hidden" name="form" value="${leave}"><button>Sign out</button></form>`;
  const text = await html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title} · Sallyport</title><link rel="stylesheet" href="/assets/style.css"><script src="/assets/passkey.js" defer></script></head>
<body><header>${head}</header><main><h1>${title}</h1>${body}</main></body></html>
`;
  return new Response(String(text), {
    status,
    headers: { ...pageHeaders, 'content-type': 'text/html; charset=utf-8' },
  });
}

export function messagePage(
  status: number,
  title: string,
  { text, principal, leave }: { readonly text: string; readonly principal?: Principal; readonly leave?: string },
): Promise<Response> {
  return pageOf({ status, title, body: html`<p>${text}</p>`, principal, leave });
}

export function goTo(path: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status: 303, headers: { location: path, 'cache-control': 'no-store', ...headers } });
}

/** Text of others: what would act instead of being seen is a mark that can be seen. */
export function visibleMarkup(text: string): Markup {
  return raw(shownHtml(text) ?? shownHtml(shownInLine(text)) ?? '');
}
