/** Pages for people, beside the endpoints. `accounts/` makes them; a listener shows them and knows nothing of them. */

export interface PageRequest {
  readonly method: 'GET' | 'POST';
  /** Without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The fields of a form. */
  readonly form: URLSearchParams;
  readonly cookie: string | undefined;
  readonly address: string | undefined;
}

export interface PageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Pages {
  /** Paths that are pages; asked for every request, so it is quick. */
  has(path: string): boolean;
  answer(request: PageRequest): Promise<PageAnswer>;
}
