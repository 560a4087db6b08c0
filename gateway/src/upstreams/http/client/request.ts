/** Writes HTTP/1.1 requests (RFC 9112). What could end a header field before its time is never written. */

export type Headers = Readonly<Record<string, string>>;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path and query, as `URL` gives them. */
  readonly path: string;
  /** Header fields as `fieldsText` writes them; `undefined` ones end the request before it is sent. */
  readonly fields: string | undefined;
  readonly body?: string;
  /** Whose part of the connections it takes: that of a caller, or of its messages. Absent: the gateway's own, which has no bound. */
  readonly sharer?: string | undefined;
}

/**
 * Messages that answer or cancel a call, and what the gateway asks for itself in the session of a caller, have a part of their
 * own: calls that take all of the part of their caller may wait for just those.
 */
export function ofMessages(caller: string | undefined): string | undefined {
  return caller === undefined ? undefined : `messages ${caller}`;
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const unfit = /[^\t\x20-\x7e\x80-\xff]/;
/** Framing is the connection's own. */
const reserved: ReadonlySet<string> = new Set(['connection', 'content-length', 'host', 'transfer-encoding', 'upgrade']);

/** Header fields as text; `undefined` when a name or a value cannot stand in one. Names must differ in any case. */
export function fieldsText(headers: Headers): string | undefined {
  let text = '';
  for (const name in headers) {
    const value = headers[name] ?? '';
    if (!token.test(name) || reserved.has(name) || unfit.test(value)) return undefined;
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

/** All headers of several records, under names in lower case; of equal names the last one counts. */
export function merged(...records: readonly Headers[]): Headers {
  const all: Record<string, string> = {};
  for (const record of records) for (const [name, value] of Object.entries(record)) all[name.toLowerCase()] = value;
  return all;
}

/** Everything before the body. `length`: bytes of the body. */
export function headText(
  request: HttpRequest,
  fields: string,
  { host, length }: { readonly host: string; readonly length: number },
): string {
  const framing = request.body === undefined ? '' : `content-length: ${length}\r\n`;
  return `${request.method} ${request.path} HTTP/1.1\r\nhost: ${host}\r\n${fields}${framing}\r\n`;
}
