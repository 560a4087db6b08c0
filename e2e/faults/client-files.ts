/** Files of clients, written from what their documentation shows, each with a secret in every place that takes one. */

export interface ClientFile {
  /** Where it lies below the home folder, which tells the client. */
  readonly path: string;
  readonly text: string;
  readonly kind: string;
  /** Servers of the written file, those that are off with `(off)`. */
  readonly servers: readonly string[];
  /** Notes that must be there. */
  readonly notes?: readonly RegExp[];
  /** Keys at which the client keeps its servers. */
  readonly at: readonly string[];
}

/** Everything that is a secret in these files begins like this. */
export const secretMark = 's3cret-';

const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
const stdio = { command: 'npx', args: ['-y', 'one', '--api-key=s3cret-arg'], env: { ONE_TOKEN: 's3cret-env' } };
const http = { url: 'https://two.example/mcp?apiKey=s3cret-query', headers: { Authorization: 'Bearer s3cret-head' } };
const off = { command: 'three', disabled: true };

export const clientFiles: Readonly<Record<string, ClientFile>> = {
  Windsurf: {
    path: '.codeium/windsurf/mcp_config.json',
    kind: 'windsurf',
    at: ['mcpServers'],
    text: json({
      mcpServers: {
        one: { ...stdio, disabledTools: ['remove'] },
        two: { serverUrl: http.url, headers: { 'X-Key': '${env:TWO_KEY}', ...http.headers } },
        three: off,
      },
    }),
    servers: ['one', 'two', 'three (off)'],
  },
  Cursor: {
    path: '.cursor/mcp.json',
    kind: 'cursor',
    at: ['mcpServers'],
    text: json({
      mcpServers: {
        one: { ...stdio, envFile: '.env' },
        two: { ...http, auth: { CLIENT_ID: 'x', CLIENT_SECRET: 's3cret-oauth' } },
        remote: {
          command: 'npx',
          args: ['mcp-remote', 'https://r.example/mcp', '--header', 'Authorization: Bearer s3cret-h'],
        },
      },
    }),
    servers: ['one', 'two', 'remote'],
    notes: [/"envFile" of one is not taken over/, /"auth" of two is not taken over/],
  },
  'VS Code, mcp.json': {
    path: 'work/.vscode/mcp.json',
    kind: 'vscode',
    at: ['servers'],
    text: `{
  // What is asked for.
  "inputs": [
    { "type": "promptString", "id": "two-key", "description": "Key", "password": true },
    { "type": "promptString", "id": "region", "default": "eu" },
  ],
  "servers": {
    "one": { "type": "stdio", "command": "npx", "args": ["-y", "one", "--root", "\${workspaceFolder}"], "env": { "REGION": "\${input:region}" } },
    "two": { "type": "http", "url": "https://two.example/mcp", "headers": { "Authorization": "Bearer \${input:two-key}" } },
    /* left out */ "picked": { "command": "\${command:pickServer}" },
  },
}
`,
    servers: ['one', 'two'],
    notes: [/the input region is taken over with its default/, /picked is left out/],
  },
  'VS Code, settings.json': {
    path: '.config/Code/User/settings.json',
    kind: 'vscode',
    at: ['mcp', 'servers'],
    text: `{ "editor.tabSize": 2, // stays
  "mcp": { "inputs": [], "servers": { "one": ${JSON.stringify(stdio)}, "two": ${JSON.stringify({ type: 'sse', ...http })} } },
  "files.eol": "\\n" }
`,
    servers: ['one', 'two'],
  },
  'Claude Desktop': {
    path: 'Library/Application Support/Claude/claude_desktop_config.json',
    kind: 'claude-desktop',
    at: ['mcpServers'],
    text: json({ globalShortcut: 'Ctrl+Space', mcpServers: { one: stdio } }),
    servers: ['one'],
  },
  'Claude Code': {
    path: '.claude.json',
    kind: 'claude-code',
    at: ['mcpServers'],
    text: json({
      numStartups: 3,
      mcpServers: { one: { type: 'stdio', ...stdio }, two: { type: 'http', ...http } },
      projects: { '/home/dana/site': { allowedTools: [], mcpServers: { four: { type: 'stdio', command: 'four' } } } },
    }),
    servers: ['one', 'two', 'four (off)'],
    notes: [/four was for \/home\/dana\/site alone/],
  },
  'Claude Code, .mcp.json': {
    path: 'work/.mcp.json',
    kind: 'claude-code',
    at: ['mcpServers'],
    text: json({
      mcpServers: {
        one: { command: '${ONE_BIN:-one}', args: ['--to', '${ONE_TARGET}'] },
        two: { type: 'http', url: 'https://two.example/mcp', headers: { 'X-Key': '${TWO_KEY:-s3cret-default}' } },
      },
    }),
    servers: ['one', 'two'],
    notes: [/ONE_BIN is not set here, so its default is taken over/],
  },
  'Gemini CLI': {
    path: '.gemini/settings.json',
    kind: 'gemini',
    at: ['mcpServers'],
    text: json({
      theme: 'Default',
      mcp: { excluded: ['three'] },
      mcpServers: {
        one: { ...stdio, trust: true, includeTools: ['read'], excludeTools: ['remove'], timeout: 15_000 },
        two: { httpUrl: http.url, headers: http.headers },
        three: { url: 'https://three.example/sse', env: { KEY: '$THREE_KEY' } },
      },
    }),
    servers: ['one', 'two', 'three (off)'],
    notes: [/"trust" of one is not taken over/, /"timeout" of one is not taken over/],
  },
  Antigravity: {
    path: '.gemini/antigravity/mcp_config.json',
    kind: 'antigravity',
    at: ['mcpServers'],
    text: json({ mcpServers: { one: stdio, two: { serverUrl: http.url, headers: http.headers }, three: off } }),
    servers: ['one', 'two', 'three (off)'],
  },
  Kiro: {
    path: '.kiro/settings/mcp.json',
    kind: 'kiro',
    at: ['mcpServers'],
    text: json({
      mcpServers: { one: { ...stdio, autoApprove: ['*'], disabledTools: ['remove'] }, two: http, three: off },
    }),
    servers: ['one', 'two', 'three (off)'],
    notes: [/"autoApprove" of one is not taken over/],
  },
  'Amazon Q': {
    path: '.aws/amazonq/mcp.json',
    kind: 'amazonq',
    at: ['mcpServers'],
    text: json({ mcpServers: { one: { ...stdio, timeout: 60_000 }, three: off } }),
    servers: ['one', 'three (off)'],
  },
  OpenCode: {
    path: '.config/opencode/opencode.jsonc',
    kind: 'opencode',
    at: ['mcp'],
    text: `{
  "$schema": "https://opencode.ai/config.json", // stays
  "mcp": {
    "one": { "type": "local", "command": ["npx", "-y", "one", "--token", "s3cret-arg"], "environment": { "ONE_TOKEN": "{env:ONE}" }, "enabled": true },
    "two": { "type": "remote", "url": "https://two.example/mcp?apiKey=s3cret-query", "headers": { "Authorization": "Bearer {file:~/two.key}" } },
    "three": { "type": "local", "command": ["three"], "enabled": false },
  },
}
`,
    servers: ['one', 'two', 'three (off)'],
  },
  Codex: {
    path: '.codex/config.toml',
    kind: 'codex',
    at: ['mcp_servers'],
    text: `model = "gpt-5" # stays

[mcp_servers.one]
command = "npx"
args = ["-y", "one", "--api-key", "s3cret-arg"]
env_vars = ["ONE_HOME"]
startup_timeout_sec = 20
disabled_tools = ["remove"]

[mcp_servers.one.env]
ONE_TOKEN = "s3cret-env"

[mcp_servers."two"]
url = "https://two.example/mcp"
bearer_token_env_var = "TWO_TOKEN"
http_headers = { "X-Api-Key" = "s3cret-head" }
env_http_headers = { "X-Region" = "REGION" }

[mcp_servers.three]
command = "three"
enabled = false

[tui]
theme = "dark"
`,
    servers: ['one', 'two', 'three (off)'],
    notes: [/"startup_timeout_sec" of one is not taken over/],
  },
  Zed: {
    path: '.config/zed/settings.json',
    kind: 'zed',
    at: ['context_servers'],
    text: `{
  "theme": "One Dark", // stays
  "context_servers": {
    "one": { "source": "custom", "command": "npx", "args": ["-y", "one", "--token=s3cret-arg"], "env": {} },
    "old": { "command": { "path": "old", "args": [], "env": { "OLD_TOKEN": "s3cret-env" } }, "settings": {} },
    "two": { "url": "https://two.example/mcp", "headers": { "Authorization": "Bearer s3cret-head" } },
    "extension": { "source": "extension", "enabled": true, "settings": {} },
  },
}
`,
    servers: ['one', 'old', 'two'],
    notes: [/extension is left out: it has neither a command nor a URL/],
  },
  Cline: {
    path: '.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json',
    kind: 'cline',
    at: ['mcpServers'],
    text: json({
      mcpServers: {
        one: { ...stdio, alwaysAllow: ['read'], timeout: 60 },
        two: { type: 'streamableHttp', ...http, autoApprove: ['x'] },
        three: off,
      },
    }),
    servers: ['one', 'two', 'three (off)'],
    notes: [/"alwaysAllow" of one/],
  },
  Continue: {
    path: '.continue/config.yaml',
    kind: 'continue',
    at: ['mcpServers'],
    text: `name: Local # stays
version: 1.0.0
schema: v1
mcpServers:
  - name: one
    command: npx
    args: ["-y", "one", "--token", "s3cret-arg"]
    env:
      ONE_TOKEN: \${{ secrets.ONE_TOKEN }}
  - name: two
    type: streamable-http
    url: https://two.example/mcp
    requestOptions:
      headers:
        Authorization: Bearer s3cret-head
models: []
`,
    servers: ['one', 'two'],
  },
  Amp: {
    path: '.config/amp/settings.json',
    kind: 'amp',
    at: ['amp.mcpServers'],
    text: json({
      'amp.notifications.enabled': true,
      'amp.mcpServers': { one: { ...stdio, includeTools: ['read*'] }, two: http },
    }),
    servers: ['one', 'two'],
  },
};
