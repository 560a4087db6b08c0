import { metersContract } from '../../../test/support/meters-contract.ts';
import { MemoryMeters } from './meters.ts';

metersContract('memory', (maxKeys) => new MemoryMeters({ maxKeys }));
