/** What operators use: the admin API, and the pages. One request handler for the listener. */
import type { RequestListener } from 'node:http';
import { isIP } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import type { FailureThrottle } from '../operators/sign-in.ts';
import { inBackground } from '../telemetry/background.ts';
import { problemResponse } from './api/define.ts';
import { apiPath, createApi } from './api/index.ts';
import { bodyProblem } from './body-bound.ts';
import { type AdminEnv, baseOf, isCrossSite } from './context.ts';
import { Idempotency } from './idempotency.ts';
import { approvalPages } from './pages/approvals.ts';
import { script, style } from './pages/assets.ts';
import { goTo, messagePage, pageHeaders } from './pages/layout.ts';
import { signInPages } from './pages/sign-in.ts';
import { RequestRate } from './request-rate.ts';
import { type SlackParts, slackPresses } from './slack.ts';

export interface AppParts extends SlackParts {
  readonly throttle: FailureThrottle;
  readonly isSecure: boolean;
  /** A bug of ours. */
  readonly onBug: (error: unknown) => void;
  readonly table: (name: string, size: () => number) => void;
}

export function createApp(parts: AppParts): RequestListener {
  const idempotency = new Idempotency();
  const rate = new RequestRate();
  parts.table('admin_idempotency_keys', () => idempotency.size);
  parts.table('admin_request_rates', () => rate.size);
  parts.table('approval_watchers', () => parts.feed.size);
  const app = new Hono<AdminEnv>();
  app.route(apiPath, createApi({ ...parts, idempotency, rate }));
  app.use(`${apiPath}/*`, () =>
    Promise.resolve(
      problemResponse({ status: 404, problem: 'there is no such operation', remedy: `See ${apiPath}/openapi.json.` }),
    ),
  );
  app.get('/assets/style.css', () => asset('text/css; charset=utf-8', style));
  app.get('/assets/passkey.js', () => asset('text/javascript; charset=utf-8', script));
  // Before what pages ask for: it comes from a server, and proves itself.
  slackPresses(app, parts);
  app.use('*', async (request, next) => {
    const long = bodyProblem(request);
    if (long !== undefined) return messagePage(long.status, 'That cannot be read', { text: long.remedy });
    const base = new URL(baseOf(request, parts));
    // A passkey is bound to a name, and an address is none.
    const isAddress = isIP(base.hostname.replace(/^\[|\]$/g, '')) !== 0;
    if (request.req.method === 'GET' && isAddress && isLoopback(base.hostname)) {
      const { pathname, search } = new URL(request.req.url);
      return goTo(`${base.protocol}//localhost:${base.port}${pathname}${search}`);
    }
    if (request.req.method === 'POST' && isCrossSite(request, parts))
      return messagePage(403, 'Another site sent this', { text: 'Open the page again, and decide there.' });
    return next();
  });
  app.get('/', () => goTo('/approvals'));
  const pages = parts;
  signInPages(app, pages);
  approvalPages(app, pages);
  app.notFound(() => messagePage(404, 'There is no such page', { text: 'See /approvals.' }));
  app.onError((error) => {
    parts.onBug(error);
    return messagePage(503, 'It cannot be done at the moment', { text: 'The log of the gateway says why.' });
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return (request, response) => inBackground('answer an operator', Promise.resolve(listener(request, response)));
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '[::1]';
}

function asset(type: string, text: string): Response {
  return new Response(text, { headers: { ...pageHeaders, 'content-type': type } });
}
