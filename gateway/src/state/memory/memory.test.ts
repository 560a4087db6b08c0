import { countersContract, holdsContract, registryContract } from '../../../test/support/state-contract.ts';
import { MemoryCounters } from './counters.ts';
import { MemoryHolds } from './holds.ts';
import { MemoryRegistry } from './registry.ts';

registryContract('memory', (bounds) => new MemoryRegistry(bounds));
countersContract('memory', (bounds) => new MemoryCounters(bounds));
holdsContract('memory', (bounds) => new MemoryHolds(bounds));
