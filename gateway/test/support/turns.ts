import assert from 'node:assert/strict';

const maxTurns = 100_000;

/** Turns of the loop until this holds: for what comes without a timer or a file. `what` it waits for. */
export async function turnsUntil(holds: () => boolean, what: string): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    assert.ok(turns < maxTurns, `waited in vain for ${what}`);
    await new Promise(setImmediate);
  }
}
