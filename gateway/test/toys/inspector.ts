import { defineInspector } from '../../src/pipeline/contracts/inspector.ts';

export const toyInspector = defineInspector({
  id: 'toy',
  summary: 'Writes what it saw into both directions.',
  inbound: ({ kind, content }) => (kind === 'arguments' ? { change: { ...content, text: 'inbound' } } : undefined),
  outbound: ({ kind, content }) => (kind === 'result' ? { change: { ...content, toy: 'outbound' } } : undefined),
});
