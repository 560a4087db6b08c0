/** Tells the operator of conditions that name arguments which a tool does not have: they can never open it. */

import { formatDiagnostic } from '../config/diagnostic.ts';
import type { Revision } from '../config/revision.ts';
import { nextTurn } from '../pipeline/turns.ts';
import type { JsonObject } from '../protocol/json.ts';
import { checkTool } from '../stages/decide/schema-check.ts';
import type { Log } from '../telemetry/log.ts';

const maxWarnings = 1_000;
/** Milliseconds that comparing conditions with tools may take at once. */
const maxTurnMs = 10;

type Tools = Iterable<readonly [server: string, tool: string, inputSchema: JsonObject]>;

export class ConditionCheck {
  readonly #revision: () => Revision;
  readonly #log: Log;
  /** Problems that were told, each once. */
  readonly #warned = new Set<string>();

  constructor(revision: () => Revision, log: Log) {
    this.#revision = revision;
    this.#log = log;
  }

  check(server: string, tool: string, inputSchema: JsonObject): void {
    for (const diagnostic of checkTool(this.#revision(), { server, tool, inputSchema })) {
      const problem = formatDiagnostic(diagnostic);
      if (this.#warned.has(problem) || this.#warned.size >= maxWarnings) continue;
      this.#warned.add(problem);
      this.#log.warn({ server, tool, problem }, 'condition does not fit the tool');
    }
  }

  /** Checks the tools that are known already, when other conditions come into force. `isOver`: it need not go on. */
  async checkAll(tools: Tools, isOver: () => boolean): Promise<void> {
    const revision = this.#revision();
    let until = performance.now() + maxTurnMs;
    for (const [server, tool, schema] of tools) {
      if (performance.now() > until) {
        await nextTurn();
        until = performance.now() + maxTurnMs;
      }
      if (this.#revision() !== revision || isOver()) return;
      this.check(server, tool, schema);
    }
  }
}
