/** Sign-in of operators at an issuer of the configuration: the user that it names is an operator where one, or a group, says so. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Hono } from 'hono';
import { html } from 'hono/html';
import type { SignInAttempt } from '../../pipeline/contracts/accounts.ts';
import { MemoryRegistry } from '../../state/memory/registry.ts';
import { type AdminEnv, addressOf, baseOf } from '../context.ts';
import { attemptCookie, attemptTextOf } from '../identify.ts';
import { fieldsOf, safePath } from './forms.ts';
import { pageOf } from './layout.ts';
import { begin, type PageParts, signInPage } from './sign-in.ts';

interface Expected {
  readonly attempt: SignInAttempt;
  readonly browser: string;
  readonly next: string;
}

const returnPath = '/sign-in/returned';
const lifetimeMs = 600_000;
/** Browsers that are at an issuer at the same time, and of one address. */
export const issuerSignInBounds = { attempts: 1_000, attemptsOfOne: 50 } as const;

export function issuerSignIn(app: Hono<AdminEnv>, parts: PageParts): void {
  const expected = new MemoryRegistry<Expected>({
    maxEntries: issuerSignInBounds.attempts,
    maxOfOwner: issuerSignInBounds.attemptsOfOne,
    lifetimeMs,
    whenFull: 'evict',
  });

  app.post('/sign-in/issuer', async (request) => {
    const fields = await fieldsOf(request.req);
    const begun = await parts.signIns().begin(fields('issuer'), `${baseOf(request, parts)}${returnPath}`);
    if (!begun.ok) return signInPage(request, parts, 'The issuer cannot be asked at the moment.');
    const browser = randomBytes(32).toString('base64url');
    const value = { attempt: begun.value, browser: digestOf(browser), next: safePath(fields('next')) };
    expected.put({ key: begun.value.state, owner: addressOf(request) ?? '', value }, Date.now());
    return leave(
      begun.value.url,
      attemptCookie(request, browser, { isSecure: parts.isSecure, maxAgeSeconds: lifetimeMs / 1_000 }),
    );
  });

  app.get(returnPath, async (request) => {
    const query = new URL(request.req.url).searchParams;
    const [state = '', ...more] = query.getAll('state');
    const found = more.length > 0 ? undefined : expected.take(state, Date.now())?.value;
    const browser = attemptTextOf(request, parts);
    const isSame =
      found !== undefined &&
      browser !== undefined &&
      timingSafeEqual(Buffer.from(found.browser), Buffer.from(digestOf(browser)));
    if (!isSame) return signInPage(request, parts, 'The sign-in was begun elsewhere, or is over. Try again.');
    const finished = await parts.signIns().finish(found.attempt, query);
    if (!finished.ok) return signInPage(request, parts, 'The sign-in failed.');
    const signed = parts.signIn.withIssuer(finished.value, addressOf(request));
    if (!signed.ok) return signInPage(request, parts, 'You signed in, and are no operator here.');
    return begin(request, parts, { operator: signed.operator.id, means: 'oidc', next: found.next });
  });
}

/** A redirect of a form would be stopped by the policy of its page, so a page leads on. */
async function leave(url: string, cookie: string): Promise<Response> {
  const body = html`<p><a rel="noreferrer" href="${url}">Continue to ${new URL(url).host}</a></p>`;
  const response = await pageOf({ title: 'One moment', body });
  response.headers.set('refresh', `0;url=${url}`);
  response.headers.set('set-cookie', cookie);
  return response;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
