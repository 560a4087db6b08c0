/**
 * The upstream of the bench: a modern MCP server that answers from memory and echoes the id of the request. nginx with
 * its echo module where that is installed, else a small responder in Node that takes more of the load core.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startAnnounced } from '../e2e/process.ts';
import { type Answer, answersOf } from './answers.ts';
import { callTools, listOf } from './catalogue.ts';
import { startNginx } from './nginx.ts';
import { loadCore, pinned } from './places.ts';

export const endpoints = new Map([
  ['calls', answersOf(callTools)],
  ['list-10', answersOf(listOf(10))],
  ['list-1000', answersOf(listOf(1_000))],
]);

export interface Upstream extends AsyncDisposable {
  readonly kind: 'nginx' | 'node';
  readonly url: (endpoint: string) => string;
}

const echoModules = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules', '/usr/local/lib/nginx/modules'].map(
  (folder) => join(folder, 'ngx_http_echo_module.so'),
);

export async function startUpstream(kind: 'nginx' | 'node' | undefined): Promise<Upstream> {
  const module = echoModules.find((file) => existsSync(file));
  if (kind !== 'node' && module !== undefined) {
    const nginx = await startNginx({ core: loadCore, modules: [module], http: upstreamBlock });
    return {
      kind: 'nginx',
      url: (endpoint) => `${nginx.url}/${endpoint}/mcp`,
      [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
    };
  }
  if (kind === 'nginx') throw new Error('nginx has no echo module here (Debian: libnginx-mod-http-echo)');
  const file = join(import.meta.dirname, 'node-upstream.ts');
  const node = await startAnnounced({ command: pinned(loadCore, process.execPath, file) }, (line) =>
    typeof line === 'object' && line !== null && 'url' in line ? String(line.url) : undefined,
  );
  return {
    kind: 'node',
    url: (endpoint) => `${node.said}/${endpoint}/mcp`,
    [Symbol.asyncDispose]: () => node.stop(),
  };
}

function upstreamBlock(port: number): string {
  const routes: string[] = [];
  const locations: string[] = [];
  for (const [endpoint, answers] of endpoints) {
    for (const [key, answer] of answers) {
      const path = `/internal/${endpoint}/${key.replace(/[/:]/g, '-')}`;
      routes.push(`"/${endpoint}/mcp ${key}${key.includes(':') ? '' : ':'}" ${path};`);
      locations.push(`location = ${path} { internal; ${echoes(answer)} }`);
    }
  }
  return `
  map_hash_max_size 8192; map_hash_bucket_size 256; variables_hash_max_size 4096;
  geo $dollar { default "$"; } # nginx has no other way to write the character
  map $request_body $rpc_id { '~"id":(?<found>[0-9]+|"[^"]*")' $found; default null; }
  map "$uri $http_mcp_method:$http_mcp_name" $route { default /unknown; ${routes.join('\n    ')} }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /unknown { return 404; }
    location / { rewrite ^ $route last; }
    ${locations.join('\n    ')}
  }`;
}

/** A parameter of nginx may have 4 KiB, so longer text is sent in pieces. */
const piece = 2_000;
const block = 2_048;

function echoes(answer: Answer): string {
  const type = answer.shape === 'sse' ? 'text/event-stream' : 'application/json';
  const lines = [`default_type ${type};`, 'echo_read_request_body;', `echo -n ${quoted(answer.start)} $rpc_id;`];
  for (let at = 0; at < answer.before.length; at += piece)
    lines.push(`echo -n ${quoted(answer.before.slice(at, at + piece))};`);
  const blocks = Math.floor(answer.fill / block);
  if (blocks > 0) lines.push(`echo_duplicate ${blocks} ${'x'.repeat(block)};`);
  if (answer.fill % block > 0) lines.push(`echo -n ${'x'.repeat(answer.fill % block)};`);
  if (answer.after !== '') lines.push(`echo -n ${quoted(answer.after)};`);
  if (answer.held === true) lines.push('echo_flush;', 'echo_sleep 3600;');
  return lines.join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('$', '${dollar}').replaceAll('\n', '\\n')}'`;
}
