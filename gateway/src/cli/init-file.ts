/** The files that `sallyport init` writes. */
import type { Imported } from './clients/index.ts';

const head = (
  pins: string,
): string => `# yaml-language-server: $schema=https://unpkg.com/sallyport/schema/sallyport.schema.json
# Every key is described in docs/configuration.md. \`sallyport check\` says what is wrong, and where.
version: 1

# Keys, records and sessions. Relative paths start at the folder of this file.
data: ./data

listen:
  mcp: { host: 127.0.0.1, port: 8808 }
  # Health, readiness and metrics.
  admin: { host: 127.0.0.1, port: 8809 }

# Secrets in arguments are blocked and those in results redacted; more is in docs/guardrails.md.
inspection: { guardrails: recommended }

${pins}

# Who may call. \`sallyport key create --agent me\` makes a key for one of them.
callers:
  agents:
    me: { roles: [] }
`;

const review = `# Nothing that a server defines is visible before \`sallyport pins approve\`; mode: first-use approves what is there at first contact.
pins: { mode: review }`;

const firstUse = `# What the servers define at first contact is approved, as the client uses it already. What changes, or is new after that, is
# hidden until \`sallyport pins approve\`; mode: review hides all until then.
pins: { mode: first-use }`;

/** The folder that the example server works on, and nothing else: beside the data folder, never around it. */
export const starterFolder = 'agent-files';

/** A file with one example server. */
export function emptyFile(): string {
  return `${head(review)}
# The MCP servers behind the gateway. Secrets are references, \${env:NAME} or \${file:/path}, never values.
servers:
  # projects:
  #   url: https://projects.example.com/mcp
  #   credential: { bearer: "\${env:PROJECTS_TOKEN}" }
  files:
    # A folder of its own: a server that is given the data folder or this file is refused.
    command: [npx, -y, "@modelcontextprotocol/server-filesystem@2026.8.31", ./${starterFolder}]

# Who reaches what. Without a connection a server does not exist; what no rule allows is denied.
connections:
  - name: I read files
    from: { agent: me }
    to: files
    tools:
      - allow: [list_directory, read_text_file, search_files]
      # A condition (CEL) on the arguments. Where it fails to evaluate, an allow does not match.
      - allow: write_file
        when: args.path.endsWith(".txt") && size(args.content) <= 10000
      # Deny beats hold beats allow, wherever the lines stand.
      - deny: move_file

# Examples that \`sallyport test\` runs.
tests:
  - { caller: { agent: me }, server: files, tool: read_text_file, expect: allow }
  - { caller: { agent: me }, server: files, tool: move_file, expect: deny }
`;
}

/** A file with the servers of a client, which the agent `me` may use as the client could. `folder`: of the file. */
export function importedFile({ servers, variables }: Imported, folder: string): string {
  const lines = [head(firstUse)];
  if (variables.size > 0) {
    lines.push('# Set these variables; the file of the client refers to them:');
    for (const [variable, where] of variables) lines.push(`#   ${inComment(variable)}  (${inComment(where)})`);
  }
  lines.push(servers.length === 0 ? 'servers: {}' : 'servers:');
  for (const { name, config } of servers) {
    lines.push(`  ${quoted(name)}:`);
    // Where relative paths begin anyway.
    for (const [key, value] of Object.entries(config))
      if (key !== 'cwd' || value !== folder) lines.push(`    ${key}: ${JSON.stringify(value)}`);
  }
  lines.push(
    '',
    '# What the client could do is allowed to begin with. Narrow it to what is needed: names instead of "*".',
  );
  lines.push(servers.length === 0 ? 'connections: []' : 'connections:');
  for (const { name, tools } of servers) {
    const rules = [
      ...(tools.allow.length === 0 ? [] : [{ allow: tools.allow }]),
      ...(tools.deny.length === 0 ? [] : [{ deny: tools.deny }]),
    ];
    lines.push(`  - name: ${JSON.stringify(`me to ${name}`)}`, '    from: { agent: me }', `    to: ${quoted(name)}`);
    lines.push(`    tools: ${JSON.stringify(rules)}`);
    for (const kind of ['resources', 'prompts']) lines.push(`    ${kind}: [{ allow: "*" }]`);
  }
  return `${lines.join('\n')}\n`;
}

function inComment(text: string): string {
  return text.replace(/\s+/g, ' ');
}

/** A name as YAML, in quotes where it could be read as something else. */
function quoted(name: string): string {
  return /^[A-Za-z][A-Za-z-]*$/.test(name) && !/^(?:true|false|null|yes|no|on|off)$/i.test(name)
    ? name
    : JSON.stringify(name);
}
