/** For tests: policies from YAML text, and callers. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatDiagnostic } from '../../src/config/diagnostic.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import type { LoadResult, Revision } from '../../src/config/revision.ts';
import { type Caller, callerKey } from '../../src/pipeline/contracts/caller.ts';
import { type CompiledPolicy, compilePolicy } from '../../src/stages/decide/compile.ts';

export async function loadText(text: string): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-policy-'));
  writeFileSync(join(folder, 'test.yaml'), text);
  try {
    return await loadConfiguration(join(folder, 'test.yaml'), {});
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Throws with the diagnostics where the text is not a good configuration. */
export async function policyOf(text: string): Promise<{ policy: CompiledPolicy; revision: Revision }> {
  const loaded = await loadText(text);
  const compiled = loaded.ok ? compilePolicy(loaded.revision) : loaded;
  if (!loaded.ok || !compiled.ok)
    throw new Error((compiled.ok ? [] : compiled.diagnostics).map(formatDiagnostic).join('\n'));
  return { policy: compiled.policy, revision: loaded.revision };
}

export function callerOf(parts: Partial<Caller> & { user?: string; agent?: string; application?: string }): Caller {
  return {
    roles: [],
    scopes: [],
    claims: {},
    attributes: {},
    trust: 'standard',
    credential: { kind: 'api-key', id: 'test' },
    key: callerKey(parts),
    ...parts,
  };
}

/** A configuration with one server `s`, one agent `a`, and the given connections as YAML, indented by nothing. */
export function withConnections(connections: string): string {
  return `version: 1
callers: { agents: { a: { roles: [r] }, b: {} } }
servers: { s: { url: "http://127.0.0.1:1" } }
connections:
${connections.replace(/^/gm, '  ')}
`;
}
