/** Keys that people know from elsewhere and type here, each with what this gateway has for it. */
const hints: Readonly<Record<string, string>> = {
  ratelimit: 'There is no rate of calls to set; bounds.concurrency limits what one caller has under way.',
  ratelimits: 'There is no rate of calls to set; bounds.concurrency limits what one caller has under way.',
  redact: 'Results pass as they are; audit.capture says what of them is recorded, and exports hide it.',
  mask: 'Results pass as they are; audit.capture says what of them is recorded, and exports hide it.',
  approve: 'Write { hold: [tool] } in the tools of a connection: a person must approve.',
  approval: 'Write { hold: [tool] } in the tools of a connection: a person must approve.',
  pin: 'tls.pins of a server pins its public keys; a version is pinned in the words of command, as in package@1.2.3.',
  pins: 'tls.pins of a server pins its public keys; a version is pinned in the words of command, as in package@1.2.3.',
  enabled: 'Write status: active or status: inactive on the server.',
  disabled: 'Write status: inactive on the server.',
  healthcheck: 'Nothing is to be set: /healthz and /readyz of listen.admin, and sallyport server probe.',
  alerts: 'Nothing is to be set: alert on /metrics of listen.admin, and on the log.',
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
