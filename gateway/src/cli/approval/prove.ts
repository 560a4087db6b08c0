/** `sallyport approval prove`: who approved exactly which call, for a third party that does not trust the gateway. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { shown, shownInLine } from '../../protocol/shown.ts';
import type { PublicPart } from '../../stages/record/read/archive.ts';
import { keyRecords, prove } from '../../stages/record/read/prove.ts';
import { type LogOptions, logOption, type OpenLog, withLog } from '../audit/open.ts';
import { cannotWrite } from '../audit/prove.ts';
import { type Context, configOption, jsonOption, outJson } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { writeOutput } from '../output-file.ts';

/** Records of a kind that are looked through. */
const maxScanned = 100_000;

export function proveCommand(context: Context): Command {
  return new Command('prove')
    .summary('write a proof of who approved exactly which call')
    .description(
      'Writes a self-contained proof: the decision, the call that it was about, and the passkeys that confirmed it. sallyport-verify checks it without the gateway.',
    )
    .argument('<id>', 'the approval')
    .option('--without-call', 'do not show the call: the proof has its digest only')
    .option('--out <file>', 'write it there instead of printing it')
    .option(...logOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport approval prove ap_x7k2m9p4r8t3 --out approval.json')
    .action(async (id: string, options: LogOptions & { readonly withoutCall?: boolean; readonly out?: string }) => {
      await withLog(context, options, (log) => {
        const [decision] = found(log, 'approval-approved', ({ detail }) => detail?.['id'] === id);
        if (decision === undefined)
          return {
            code: exitCodes.no,
            problem: `the log has no approval ${shownInLine(id)} that was approved`,
            remedy: 'See `sallyport audit search --kind approval-approved`.',
          };
        const used = credentialsOf(decision.detail);
        const passkeys = found(log, 'operator-passkey', ({ detail }) => used.has(String(detail?.['passkey'])));
        const { archive, checkpoint, index } = log;
        const proof = prove({
          archive,
          checkpoint,
          seqs: [...passkeys.map(({ seq }) => seq).toSorted((a, b) => a - b), decision.seq],
          keySeqs: keyRecords((query) => index.search(query), archive, checkpoint),
          disclose: options.withoutCall === true ? [] : ['arguments'],
        });
        const text = `${shown(JSON.stringify(proof, undefined, 2))}\n`;
        if (options.out === undefined) return context.out(text.trimEnd());
        const path = resolve(context.cwd, options.out);
        try {
          writeOutput(path, text);
        } catch (error) {
          return cannotWrite(path, error);
        }
        if (options.json === true) outJson(context, { ok: true, path, record: decision.seq });
        else context.out(`${path}: approval ${id}, record ${decision.seq}. Check it with sallyport-verify.`);
        return undefined;
      });
    });
}

function found(
  { archive, checkpoint, index }: OpenLog,
  kind: string,
  fits: (fields: PublicPart) => boolean,
): readonly PublicPart[] {
  return index
    .search({ words: { kind }, limit: maxScanned })
    .flatMap(({ seq }) => archive.record(seq, checkpoint.size)?.fields ?? [])
    .filter(fits);
}

function credentialsOf(detail: PublicPart['detail']): ReadonlySet<string> {
  const votes = detail?.['votes'];
  const list: readonly unknown[] = Array.isArray(votes) ? votes : [];
  return new Set(
    list.flatMap((vote) => {
      const { proof } = vote as { readonly proof?: { readonly credential?: unknown } };
      return typeof proof?.credential === 'string' ? [proof.credential] : [];
    }),
  );
}
