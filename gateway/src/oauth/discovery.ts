/** Metadata of authorization servers: RFC 8414 and OpenID Connect Discovery, in the order that MCP asks for. */
import type { Fetch } from '../egress/fetch.ts';
import { isObject, type JsonObject, parseJsonText } from '../protocol/json.ts';

export interface ServerMetadata {
  readonly issuer: string;
  readonly document: JsonObject;
  /** A URL of the document, and whether it stays where the operator pointed. */
  url(member: string): { readonly url: string; readonly operator: boolean } | undefined;
}

export type Discovered =
  | { readonly ok: true; readonly metadata: ServerMetadata }
  | { readonly ok: false; readonly problem: string };

/** `https://auth/tenant` → the three places at which its metadata may stand (2026-07-28, authorization, 2.3.2). */
export function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  if (path === '')
    return [`${origin}/.well-known/oauth-authorization-server`, `${origin}/.well-known/openid-configuration`];
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}

export interface NamedIssuer {
  readonly issuer: string;
  /** The issuer was named by the operator, not by a document. */
  readonly operator: boolean;
}

export async function discover({ issuer, operator }: NamedIssuer, fetch: Fetch): Promise<Discovered> {
  let problem = 'no metadata found';
  for (const url of metadataUrls(issuer)) {
    const answer = await fetch(url, { operator });
    if (!answer.ok) {
      problem = answer.problem;
      if (answer.refused) return { ok: false, problem };
      continue;
    }
    if (answer.status !== 200) {
      problem = `${url} answers ${answer.status}`;
      continue;
    }
    const parsed = parseJsonText(answer.text, { depth: 16, looseText: true });
    if (!parsed.ok || !isObject(parsed.value)) {
      problem = `${url} is no JSON object`;
      continue;
    }
    const document = parsed.value;
    // "The issuer value returned MUST be identical" (RFC 8414, 3.3); anything else is a mix-up or an attack.
    if (document.issuer !== issuer) return { ok: false, problem: `${url} names another issuer` };
    const home = new URL(issuer).origin;
    return {
      ok: true,
      metadata: {
        issuer,
        document,
        url(member) {
          const value = document[member];
          if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
          return { url: value, operator: operator && new URL(value).origin === home };
        },
      },
    };
  }
  return { ok: false, problem };
}
