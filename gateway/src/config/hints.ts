const rates =
  'Write limits: [{ rate: 60/min, per: caller }] at the top, or on a server, a tool or a connection; quota on a server is what that server allows.';
const hidden =
  'Write { allow: [tool], mask: [/field] } in the tools of a connection, or guardrails: recommended, which redacts secrets.';
const pinned =
  'pins at the top or on a server says which definitions must be approved; tls.pins of a server pins its public keys; a version is pinned in the words of command, as in package@1.2.3.';

/** Keys that people know from elsewhere and type here, each with what this gateway has for it. */
export const hints: Readonly<Record<string, string>> = {
  ratelimit: rates,
  ratelimits: rates,
  redact: hidden,
  mask: hidden,
  dlp: hidden,
  guardrail:
    'Write guardrails: recommended on a connection or a server; docs/guardrails.md says how to write your own.',
  approve: 'Write { hold: [tool] } in the tools of a connection: a person must approve.',
  approval: 'Write { hold: [tool] } in the tools of a connection: a person must approve.',
  pin: pinned,
  pins: pinned,
  enabled: 'Write status: active or status: inactive on the server.',
  disabled: 'Write status: inactive on the server.',
  healthcheck: 'Write health: { every: 1m } on the server; /healthz and /readyz of listen.admin are about the gateway.',
  circuitbreaker: 'Write breaker on the server, or at the top for all; docs/limits.md shows it.',
  alerts:
    'Write channels, where people are told of approvals. For the rest, alert on what /metrics of listen.admin shows.',
  timeout:
    'Write timeouts: { firstByte: 60s, total: 5m } on the server or a tool; startTimeout on a stdio server, and bounds for all.',
  timeouts:
    'Write timeouts: { firstByte: 60s, total: 5m } on the server or a tool; startTimeout on a stdio server, and bounds for all.',
  args: 'Write program and arguments as one list: command: [program, argument].',
  auth: 'Write credential on the server; docs/credentials.md shows each kind.',
  token: 'Write credential: { bearer: "${secret:name}" } on the server.',
  apikey: 'Write it as a header: headers: { X-Api-Key: "${secret:name}" }.',
  allow: 'Write it as a rule: tools: [{ allow: [name] }] in a connection.',
  deny: 'Write it as a rule: tools: [{ deny: [name] }] in a connection.',
  mcpservers: 'sallyport init --from <file> takes over the servers of a client.',
};

/** `undefined` for any other word. */
export function hintFor(key: string): string | undefined {
  const word = key.toLowerCase().replaceAll(/[-_]/g, '');
  return Object.hasOwn(hints, word) ? hints[word] : undefined;
}
