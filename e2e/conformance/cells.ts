/** Which combinations are run: every form of the fixture, directly where it has a URL, and through the gateway. */
import { type Era, fixtureCommand, openSettings, startFixture, startGateway } from '../harness.ts';
import { type Checks, type RequirementSet, requirementSets, runSuite } from './suite.ts';

export interface Fixture {
  readonly name: string;
  readonly transport: 'http' | 'stdio';
  readonly era: Era;
}

export const fixtures: readonly Fixture[] = (['http', 'stdio'] as const).flatMap((transport) =>
  (['dual', 'legacy', 'modern'] as const).map((era) => ({ name: `${transport}-${era}`, transport, era })),
);

/** A set that the fixture cannot speak itself: through the gateway, the bridge answers for it. */
export function isBridged(fixture: Fixture, set: RequirementSet): boolean {
  return (fixture.era === 'legacy' && set === '2026-07-28') || (fixture.era === 'modern' && set === '2025-11-25');
}

/** The run without a gateway that a run through it is compared with. */
export async function runDirect(era: Era, set: RequirementSet): Promise<Checks> {
  await using fixture = await startFixture(era);
  return await runSuite(fixture.url, set); // awaited here: the fixture ends when this block does
}

export async function runThrough(fixture: Fixture, set: RequirementSet): Promise<Checks> {
  if (fixture.transport === 'stdio') return throughGateway({ command: fixtureCommand(fixture.era) }, set);
  await using upstream = await startFixture(fixture.era);
  return await throughGateway({ url: upstream.url }, set);
}

async function throughGateway(server: object, set: RequirementSet): Promise<Checks> {
  await using gateway = await startGateway(openSettings('conformance', { everything: server }));
  return await runSuite(gateway.endpoint('everything'), set);
}

export function chosenSets(filter: string | undefined): readonly RequirementSet[] {
  return requirementSets.filter((set) => filter === undefined || set === filter);
}

export function chosenFixtures(filter: string | undefined): readonly Fixture[] {
  return fixtures.filter((fixture) => filter === undefined || fixture.name.includes(filter));
}
