/**
 * The page on which a user connects an account: first it proves in this browser that it is the user whose call was
 * answered with the page, then it sees what it agrees to, then it goes to the authorization server and comes back.
 * Another user who opens the page gets no further than the proof.
 */
import {
  type AccountAttempt,
  type Accounts,
  accountPaths,
  type SignInAttempt,
  type SignIns,
} from '../pipeline/contracts/accounts.ts';
import type { AuditEvent } from '../pipeline/contracts/audit.ts';
import type { Credentials } from '../pipeline/contracts/authenticate.ts';
import type { Caller } from '../pipeline/contracts/caller.ts';
import type { PageAnswer, PageRequest, Pages } from '../pipeline/contracts/pages.ts';
import type { Outcome } from '../pipeline/refusal.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { Seal } from '../protocol/seal.ts';
import { type Browser, Cookies, newBrowser } from './browser.ts';
import { consentPage, type DecisionPage, decisionPage, leavePage, messagePage, proofPage, redirect } from './html.ts';
import { isPerson, Proofs } from './proofs.ts';
import { Returns } from './returns.ts';
import type { Ticket, Tickets } from './tickets.ts';

/** Approvals of calls, as the user that a call is made for meets them. */
export interface ApprovalDesk {
  /** What a page was handed out for. */
  find(sealed: string): Ticket | undefined;
  show(ticket: Ticket): Pick<DecisionPage, 'view' | 'decides' | 'needsReason'> | undefined;
  /** Was the call made with this credential? What a program calls with proves no person to decide about it. */
  isMadeWith(ticket: Ticket, credential: string): boolean;
  /** Undefined: it is decided. Else why not. */
  decide(ticket: Ticket, verdict: 'approve' | 'reject', reason: string | undefined): Promise<string | undefined>;
}

export interface PageParts {
  /** The public URL of the listener. */
  readonly base: string;
  readonly tickets: Tickets;
  readonly accounts: (server: string) => Accounts | undefined;
  readonly approvals: ApprovalDesk;
  /** Those of the revision in force. */
  readonly signIns: () => SignIns;
  readonly identify: (credentials: Credentials) => Outcome<Caller> | Promise<Outcome<Caller>>;
  /** Who a credential stands for now. */
  readonly renew: (caller: Caller) => Caller | undefined;
  readonly seal: Seal;
  /** What the gateway says about itself as a client. */
  readonly clientMetadata: (url: string, redirectUri: string) => JsonObject;
  readonly note: (event: AuditEvent) => void;
  readonly log: { warn(fields: Readonly<Record<string, unknown>>, message: string): void };
}

type Leaving =
  | { readonly kind: 'account'; readonly attempt: AccountAttempt }
  | { readonly kind: 'sign-in'; readonly attempt: SignInAttempt };

const steps = /^\/connect\/([A-Za-z0-9_-]{43})(?:\/(key|sign-in|agree))?$/;
const approvalSteps = /^\/approve\/([A-Za-z0-9_-]{40,2048})(?:\/(key|sign-in|approve|reject))?$/;
const maxKeyLength = 256;
const maxReasonLength = 1_000;

export function accountPages(parts: PageParts): Pages {
  const pages = new AccountPages(parts);
  return {
    has: (path) =>
      path.startsWith(accountPaths.page) ||
      path === accountPaths.clientMetadata ||
      path.startsWith(accountPaths.approval),
    answer: (request) => pages.answer(request),
  };
}

class AccountPages {
  readonly #parts: PageParts;
  readonly #cookies: Cookies;
  readonly #returns = new Returns<Leaving>();
  readonly #proofs: Proofs;

  constructor(parts: PageParts) {
    this.#parts = parts;
    this.#cookies = new Cookies(parts.seal, parts.base);
    this.#proofs = new Proofs(parts.renew);
  }

  async answer(request: PageRequest): Promise<PageAnswer> {
    const { method, path } = request;
    if (method === 'GET' && path === accountPaths.clientMetadata) return this.#metadata();
    if (method === 'GET' && path === accountPaths.callback) return this.#connected(request);
    if (method === 'GET' && path === accountPaths.signedIn) return this.#signedIn(request);
    const [, sealed, approvalStep] = approvalSteps.exec(path) ?? [];
    const [, id = '', accountStep] = steps.exec(path) ?? [];
    const step = approvalStep ?? accountStep;
    const ticket = sealed === undefined ? this.#parts.tickets.find(id) : this.#parts.approvals.find(sealed);
    if (ticket === undefined) return over();
    const browser = this.#cookies.read(request.cookie);
    if (method === 'GET' && step === undefined) return this.#open(ticket, browser);
    if (method !== 'POST' || step === undefined) return over();
    // The form must come from a page that this browser was shown (CSRF).
    if (browser === undefined || !this.#cookies.formFits(browser, ticket.id, request.form.get('form')))
      return this.#prove(ticket, newBrowser(), 'The page was open for too long. Try again.', 403);
    if (step === 'key') return this.#key(ticket, browser, request);
    if (step === 'sign-in') return this.#signIn(ticket, browser, request.form.get('issuer') ?? '');
    if (step === 'approve' || step === 'reject') return this.#decide(ticket, browser, { verdict: step, request });
    return this.#agree(ticket, browser);
  }

  async #open(ticket: Ticket, browser: Browser | undefined): Promise<PageAnswer> {
    if (browser?.user === undefined) return this.#prove(ticket, browser ?? newBrowser());
    // A proof for another user, or of a credential that has ended, is none; another may follow in the same browser.
    if (this.#proofs.user(browser) !== ticket.user) return this.#prove(ticket, newBrowser());
    if (ticket.approval !== undefined) return this.#decision(ticket, browser);
    const accounts = this.#parts.accounts(ticket.server);
    if (accounts === undefined) return over();
    const plan = await accounts.plan(ticket.user, ticket.wanted);
    if (!plan.ok) return this.#failed(ticket, plan.problem);
    this.#parts.tickets.show(ticket.id, plan.value);
    const { server, user } = ticket;
    const token = this.#cookies.formToken(browser, ticket.id);
    return consentPage({ server, user, ...plan.value, action: this.#url(ticket), token });
  }

  #prove(ticket: Ticket, browser: Browser, problem?: string, status?: number): PageAnswer {
    return proofPage({
      title:
        ticket.approval === undefined
          ? `Connect your account at ${ticket.server}`
          : `A call at ${ticket.server} waits for a person`,
      server: ticket.server,
      action: this.#url(ticket),
      token: this.#cookies.formToken(browser, ticket.id),
      cookie: this.#cookies.write(browser),
      signIns: this.#parts.signIns().names,
      ...(problem === undefined ? {} : { problem }),
      ...(status === undefined ? {} : { status }),
    });
  }

  async #key(ticket: Ticket, browser: Browser, { form, address }: PageRequest): Promise<PageAnswer> {
    const key = (form.get('key') ?? '').trim();
    const authorization = `Bearer ${key.slice(0, maxKeyLength)}`;
    const identity = await this.#parts.identify({ authorization, headers: {}, address, transport: 'http' });
    // Only a person proves a person: what an agent or an application holds proves nothing here.
    if (identity.ok && !isPerson(identity.value)) {
      this.#note('account-refused', ticket, { reason: 'credentials' }, address, 'not a credential of a user alone');
      return this.#prove(ticket, browser, 'This key belongs to an agent or an application. Use one of your own.', 403);
    }
    if (identity.ok && this.#parts.approvals.isMadeWith(ticket, identity.value.credential.id)) {
      this.#note('account-refused', ticket, { reason: 'credentials' }, address, 'the credential that made the call');
      return this.#prove(ticket, browser, 'The call was made with this key. Sign in, or use another of your own.', 403);
    }
    if (identity.ok) return this.#proven(ticket, identity.value.user, address, identity.value);
    if (identity.refusal.reason === 'too-many-failures')
      return this.#prove(ticket, browser, 'Too many failures. Try again later.', 429);
    this.#note('account-refused', ticket, { reason: 'credentials' }, address);
    return this.#prove(ticket, browser, 'This key is not valid.', 403);
  }

  async #signIn(ticket: Ticket, browser: Browser, issuer: string): Promise<PageAnswer> {
    const begun = await this.#parts.signIns().begin(issuer, `${this.#parts.base}${accountPaths.signedIn}`);
    if (!begun.ok) return this.#failed(ticket, begun.problem);
    const { state, url } = begun.value;
    this.#returns.expect(state, ticket, browser, { kind: 'sign-in', attempt: begun.value });
    return leavePage(url);
  }

  async #signedIn({ query, cookie, address }: PageRequest): Promise<PageAnswer> {
    const found = this.#returns.take(query, this.#cookies.read(cookie));
    if (found?.leaving.kind !== 'sign-in') return over();
    const { ticket, leaving } = found;
    const finished = await this.#parts.signIns().finish(leaving.attempt, query);
    if (finished.ok) return this.#proven(ticket, finished.value.user, address);
    this.#note('account-refused', ticket, { reason: 'sign-in' }, address, finished.problem);
    return this.#prove(ticket, newBrowser(), 'The sign-in failed.', 403);
  }

  /** The browser's user is authenticated; checks that the ticket is theirs. */
  #proven(ticket: Ticket, user: string | undefined, address: string | undefined, caller?: Caller): PageAnswer {
    if (user === ticket.user) {
      // A new browser id from here on, against session fixation.
      const browser = newBrowser(user);
      this.#proofs.add(browser, ticket.user, caller);
      return redirect(this.#url(ticket), this.#cookies.write(browser));
    }
    this.#note('account-refused', ticket, { reason: 'another-user' }, address, `proven: ${user ?? 'no user'}`);
    return this.#prove(ticket, newBrowser(), 'This page belongs to another user. Nothing was connected.', 403);
  }

  async #agree(ticket: Ticket, browser: Browser): Promise<PageAnswer> {
    const accounts = this.#parts.accounts(ticket.server);
    if (this.#proofs.user(browser) !== ticket.user || ticket.shown === undefined || accounts === undefined)
      return redirect(this.#url(ticket));
    const begun = await accounts.begin(ticket.shown);
    if (!begun.ok) return this.#failed(ticket, begun.problem);
    this.#note('account-started', ticket, { issuer: ticket.shown.issuer, scopes: ticket.shown.scopes });
    // Only now: without consent a code must not be accepted (2026-07-28, confused deputy).
    this.#returns.expect(begun.value.state, ticket, browser, { kind: 'account', attempt: begun.value });
    return leavePage(begun.value.url);
  }

  async #connected({ query, cookie, address }: PageRequest): Promise<PageAnswer> {
    const browser = this.#cookies.read(cookie);
    const found = this.#returns.take(query, browser);
    if (found?.leaving.kind !== 'account' || this.#proofs.user(browser) !== found.ticket.user) return over();
    const { ticket, leaving } = found;
    const accounts = this.#parts.accounts(ticket.server);
    if (accounts === undefined) return over();
    const finished = await accounts.finish(ticket.user, leaving.attempt, query);
    const { issuer, scopes } = leaving.attempt.plan;
    if (!finished.ok) {
      const reason = finished.denied === true ? 'denied' : 'answer';
      this.#note('account-refused', ticket, { reason, issuer }, address, finished.problem);
      return finished.denied === true
        ? messagePage(200, 'Not connected', 'You did not agree. Open the page again if you change your mind.')
        : failed();
    }
    this.#parts.tickets.end(ticket);
    this.#note('account-connected', ticket, { issuer, scopes }, address);
    return messagePage(200, 'Connected', `Your account at ${ticket.server} is connected. You can close this page.`);
  }

  #failed(ticket: Ticket, problem: string): PageAnswer {
    this.#parts.log.warn({ server: ticket.server, problem }, 'an account cannot be connected');
    this.#note('account-refused', ticket, { reason: 'server' }, undefined, problem);
    return failed();
  }

  #metadata(): PageAnswer {
    const { base, clientMetadata } = this.#parts;
    const document = clientMetadata(`${base}${accountPaths.clientMetadata}`, `${base}${accountPaths.callback}`);
    const headers = { 'content-type': 'application/json', 'cache-control': 'max-age=3600' };
    return { status: 200, headers, body: JSON.stringify(document) };
  }

  #url({ id, approval }: Ticket): string {
    return `${this.#parts.base}${approval === undefined ? accountPaths.page : accountPaths.approval}${id}`;
  }

  #decision(ticket: Ticket, browser: Browser, problem?: string): PageAnswer {
    const shown = this.#parts.approvals.show(ticket);
    if (shown === undefined) return over();
    return decisionPage({
      ...shown,
      user: ticket.user,
      action: this.#url(ticket),
      token: this.#cookies.formToken(browser, ticket.id),
      ...(problem !== undefined && { problem }),
    });
  }

  async #decide(
    ticket: Ticket,
    browser: Browser,
    { verdict, request }: { readonly verdict: 'approve' | 'reject'; readonly request: PageRequest },
  ): Promise<PageAnswer> {
    if (this.#proofs.user(browser) !== ticket.user) return redirect(this.#url(ticket));
    const reason = (request.form.get('reason') ?? '').trim().slice(0, maxReasonLength);
    const problem = await this.#parts.approvals.decide(ticket, verdict, reason === '' ? undefined : reason);
    return problem === undefined ? redirect(this.#url(ticket)) : this.#decision(ticket, browser, problem);
  }

  #note(
    kind: 'account-started' | 'account-connected' | 'account-refused',
    { server, user }: Ticket,
    detail: JsonObject,
    address?: string,
    problem?: string,
  ): void {
    this.#parts.note({
      kind,
      at: Date.now(),
      server,
      caller: { user },
      detail,
      ...(address === undefined ? {} : { address }),
      ...(problem === undefined ? {} : { problem }),
    });
  }
}

/** Unknown, expired and foreign tickets get the same response. */
function over(): PageAnswer {
  return messagePage(404, 'This page is over', 'Make the call again: it is answered with a new page.');
}

function failed(): PageAnswer {
  const text = 'Nothing was connected. The log of the gateway says why; ask its operator.';
  return messagePage(502, 'The account could not be connected', text);
}
