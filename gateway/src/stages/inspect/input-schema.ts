/** Checks the arguments of a tool against its input schema, and against the headers that mirror them. */

import { defineInspector } from '../../pipeline/contracts/inspector.ts';
import { type JsonObject, settled } from '../../protocol/json.ts';
import { argumentMismatch } from '../../protocol/mirrored-headers.ts';

export const inputSchema = defineInspector({
  id: 'input-schema',
  summary: 'Refuses arguments that do not fit the input schema of the tool, or the headers that mirror them.',
  inbound({ kind, content }, { tool, headers, client, rawNumbers }) {
    if (tool === undefined || kind !== 'arguments') return undefined;
    if (headers !== undefined && client.era === 'modern' && tool.mirrored.length > 0) {
      const header = argumentMismatch(headers, tool.mirrored, content);
      if (header !== undefined) return { refuse: { reason: 'header-mismatch', header } };
    }
    const problems = tool.validate(rawNumbers ? (settled(content) as JsonObject) : content);
    return problems === undefined ? undefined : { refuse: { reason: 'arguments-invalid', problems } };
  },
});
