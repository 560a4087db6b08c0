/** The cases of every detector, and what holds for all of them: places, determinism, redaction. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DetectorDefinition } from '../src/stages/inspect/detectors/detector.ts';
import { choose, compileDetectors } from '../src/stages/inspect/detectors/engine/compile.ts';
import { scan } from '../src/stages/inspect/detectors/engine/scan.ts';
import { detectors } from '../src/stages/inspect/detectors/list.ts';
import { casesOf } from './support/detector-cases.ts';

const key = Buffer.alloc(32, 1);

for (const detector of detectors) {
  const { cases, options } = casesOf(detector.id);
  const set = compileDetectors([choose(detector as DetectorDefinition, options)]);
  for (const { text, finds } of cases)
    test(`${detector.id}: ${finds.join(' ') || 'nothing'} in ${JSON.stringify(text.slice(0, 60))}`, () => {
      const found = scan(set, text, { key }).findings.map((finding) => finding.class);
      assert.deepEqual([...new Set(found)].toSorted(), [...finds].toSorted(), text);
    });
}

test('an access key of letters alone is one: one in thirty has no digit', () => {
  const secrets = detectors.find(({ id }) => id === 'secrets') as DetectorDefinition;
  const set = compileDetectors([choose(secrets, casesOf('secrets').options)]);
  // In two parts, so that no scanner of repositories takes it for one.
  for (const rest of ['IJQDXBYBJFRCWTYQ', 'AADLIJISNMEROHIM', 'QCDRAYHBMIPTBOHO']) {
    const text = `region=eu-west-1\naws_access_key_id=${['AK', 'IA', rest].join('')}\n`;
    assert.deepEqual(
      scan(set, text, { key }).findings.map((finding) => finding.class),
      ['aws-access-key'],
      rest,
    );
  }
});
