/** Requests to AWS JSON services, signed with Signature Version 4. */
import { createHash, createHmac } from 'node:crypto';
import type { Fetch } from '../egress/fetch.ts';
import { isObject, type JsonObject, parseJsonText } from '../protocol/json.ts';

export interface AwsAccess {
  readonly region: string;
  /** The service's own endpoint when not given. */
  readonly endpoint?: string | undefined;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** The headers of a signed POST to `/`. `at` is the time of the signature. */
export function signed(
  access: AwsAccess,
  service: string,
  host: string,
  target: string,
  body: string,
  at: Date,
): Record<string, string> {
  const time = at.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host,
    'x-amz-date': time,
    ...(access.sessionToken === undefined ? {} : { 'x-amz-security-token': access.sessionToken }),
    'x-amz-target': target,
  };
  const names = Object.keys(headers).toSorted((a, b) => (a < b ? -1 : 1));
  const canonical = [
    'POST',
    '/',
    '',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const scope = `${day}/${access.region}/${service}/aws4_request`;
  const key = [access.region, service, 'aws4_request'].reduce<Buffer>(
    (from, part) => hmac(from, part),
    hmac(`AWS4${access.secretAccessKey}`, day),
  );
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex');
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${access.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

export async function askAws(
  access: AwsAccess,
  service: 'kms' | 'secretsmanager',
  target: string,
  body: JsonObject,
  fetch: Fetch,
): Promise<JsonObject> {
  const url = access.endpoint ?? `https://${service}.${access.region}.amazonaws.com`;
  const text = JSON.stringify(body);
  const answer = await fetch(url, {
    method: 'POST',
    operator: true,
    headers: signed(access, service, new URL(url).host, target, text, new Date()),
    body: text,
  });
  if (!answer.ok) throw new Error(answer.problem);
  const parsed = parseJsonText(answer.text, { depth: 8, looseText: true });
  if (answer.status !== 200 || !parsed.ok || !isObject(parsed.value))
    throw new Error(`AWS ${service} answers ${answer.status} to ${target}`);
  return parsed.value;
}
