/** The thread of retention: reads and writes old segments, for as long as that takes, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { stepBack } from '../priority.ts';
import { type DropWork, dropFiles } from './drop.ts';
import { type PlanWork, planRetention } from './plan.ts';

export type Work = { readonly do: 'plan'; readonly work: PlanWork } | { readonly do: 'drop'; readonly work: DropWork };

stepBack('late');
const { do: what, work } = workerData as Work;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(what === 'plan' ? planRetention(work) : await dropFiles(work));
