/** Shows pages over HTTP: reads a small form, and nothing else that a browser may send along. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PageRequest, Pages } from '../../pipeline/contracts/pages.ts';
import type { Shares } from '../../pipeline/shares.ts';
import { RequestBody } from './body.ts';

const maxFormBytes = 16_384;
const formType = /^application\/x-www-form-urlencoded(?:;|$)/i;

/** `undefined`: not a page, or one that must not be asked for in this way. */
export function pagePath(url: string, pages: Pages | undefined): string | undefined {
  const question = url.indexOf('?');
  const path = question === -1 ? url : url.slice(0, question);
  return pages?.has(path) === true ? path : undefined;
}

/**
 * A form of ours comes from a page of ours. A page without referrer has the origin `null`, so the browser's own word on
 * where a request comes from counts beside it; the token in the form is what cannot be guessed.
 */
export function formAllowed({ headers }: IncomingMessage, originAllowed: (origin: string) => boolean): boolean {
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return origin === undefined || origin === 'null' || originAllowed(origin);
}

export interface PageVisit {
  readonly path: string;
  readonly pages: Pages;
  readonly address: string | undefined;
  readonly budget: Shares;
}

export function showPage(
  request: IncomingMessage,
  response: ServerResponse,
  { path, pages, address, budget }: PageVisit,
): void {
  const { method, headers, url = '/' } = request;
  const question = url.indexOf('?');
  const answer = (form: URLSearchParams): void => {
    const asked: PageRequest = {
      method: method === 'POST' ? 'POST' : 'GET',
      path,
      query: new URLSearchParams(question === -1 ? '' : url.slice(question + 1)),
      form,
      cookie: headers.cookie,
      address,
    };
    pages.answer(asked).then(
      ({ status, headers: named, body }) => {
        response.writeHead(status, { ...named, 'content-length': Buffer.byteLength(body) });
        response.end(body);
      },
      () => response.destroy(),
    );
  };
  if (method === 'GET') {
    request.resume();
    return answer(new URLSearchParams());
  }
  if (method !== 'POST' || !formType.test(headers['content-type'] ?? '')) {
    response.writeHead(method === 'POST' ? 415 : 405, { allow: 'GET, POST', 'content-length': 0, connection: 'close' });
    response.end();
    return undefined;
  }
  const form = new RequestBody(request, maxFormBytes, budget);
  form.read('forms', (body) => {
    form.release();
    if (response.destroyed) return;
    if (typeof body !== 'string') return answer(new URLSearchParams(body.toString('utf8')));
    response.writeHead(413, { 'content-length': 0, connection: 'close' });
    response.end();
  });
}
