/**
 * Everything that the gateway promises, by source, with the tests that prove it. `gateway/test/requirements.test.ts` holds
 * that each proof exists and that each number in the name of a test is one of these; `docs/requirements.md` is written from
 * it by `node e2e/requirements/page.ts`.
 */
import { attack } from './requirements/attack.ts';
import { attackOperation, smaller } from './requirements/attack-operation.ts';
import { compatibility, profile } from './requirements/compatibility.ts';
import { containment } from './requirements/containment.ts';
import { intermediary } from './requirements/intermediary.ts';
import { messages } from './requirements/messages.ts';
import { operators } from './requirements/operators.ts';
import { others } from './requirements/others.ts';
import type { Requirement } from './requirements/requirement.ts';
import { stages } from './requirements/stages.ts';
import { tokens } from './requirements/tokens.ts';
import { use } from './requirements/use.ts';
import { wayBack } from './requirements/way-back.ts';

export const requirements: readonly Requirement[] = [
  ...intermediary,
  ...messages,
  ...tokens,
  ...others,
  ...operators,
  ...attack,
  ...attackOperation,
  ...smaller,
  ...wayBack,
  ...use,
  ...compatibility,
  ...profile,
  ...stages,
  ...containment,
];
