/** The inspectors, in the order in which they work. To add one: a file or folder here, and a line in this list. */
import type { Inspector } from '../../pipeline/contracts/inspector.ts';
import { argumentRoles } from './argument-roles/argument-roles.ts';
import { contentTypes } from './content-types.ts';
import {
  type GuardrailParts,
  requestGuardrails,
  responseGuardrails,
  restoredPlaceholders,
} from './guardrails/guardrails.ts';
import { hiddenResources } from './hidden-resources.ts';
import { inputSchema } from './input-schema.ts';
import { masks } from './masks/masks.ts';
import { outputSchema } from './output-schema.ts';
import { ownSecrets } from './own-secrets.ts';

export function inspectors(parts: GuardrailParts): readonly Inspector[] {
  return [
    requestGuardrails(parts),
    restoredPlaceholders(parts),
    inputSchema,
    argumentRoles(parts.thread),
    ownSecrets,
    outputSchema,
    contentTypes,
    hiddenResources,
    masks,
    responseGuardrails(parts),
  ];
}
