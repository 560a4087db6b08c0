/** `sallyport scan`: what a guardrail would find in a file. Values are never shown. */
import { createReadStream, existsSync, fstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { Guardrail, GuardrailAction, Severity } from '../pipeline/contracts/guardrails.ts';
import { version } from '../protocol/product.ts';
import { messageOf } from '../protocol/result.ts';
import { shownInLine } from '../protocol/shown.ts';
import { openMasterKey } from '../secrets/master-key.ts';
import { derivedKey } from '../secrets/seal.ts';
import { recommendedGuardrail } from '../stages/decide/guardrails.ts';
import { type ScanResult, scan } from '../stages/inspect/detectors/engine/scan.ts';
import { judge, planOf } from '../stages/inspect/guardrails/plan.ts';
import {
  type CommonOptions,
  type Context,
  configOption,
  configPath,
  fail,
  jsonOption,
  loadOrComplain,
  outJson,
} from './context.ts';
import { exitCodes } from './exit-codes.ts';

interface Options extends CommonOptions {
  readonly guardrail: string;
  readonly direction: 'request' | 'response';
  readonly sarif?: boolean;
}

interface Row {
  readonly line: number;
  readonly column: number;
  readonly class: string;
  readonly severity: Severity;
  readonly confidence: number;
  readonly action: GuardrailAction;
  /** For `except.fingerprints`; absent without a configuration, whose data folder has the key. */
  readonly fingerprint?: string;
}

const maxBytes = 64 * 1024 * 1024;

export function scanCommand(context: Context): Command {
  return new Command('scan')
    .summary('show what a guardrail would find in a file')
    .description(
      'Shows what a guardrail would find in a file, or in stdin: place, class, severity and certainty, action, and the fingerprint for `except.fingerprints`. Values are not shown.',
    )
    .argument('[file]', 'the file; - for stdin', '-')
    .option('--guardrail <name>', 'a guardrail of the configuration, or recommended', 'recommended')
    .addOption(
      new Option(
        '--direction <direction>',
        'read it as a request (what clients send) or a response (what servers send)',
      )
        .choices(['request', 'response'])
        .default('response'),
    )
    .option(...configOption)
    .option(...jsonOption)
    .option('--sarif', 'print SARIF 2.1.0')
    .addHelpText(
      'after',
      '\nExample:\n  sallyport scan notes.md\n  git diff | sallyport scan - --guardrail customer-data',
    )
    .action(async (file: string, options: Options) => {
      const chosen = await chosenGuardrail(context, options);
      if (chosen === undefined) return;
      const text = await textOf(context, options, file);
      if (text === undefined) return;
      const { guardrail, key } = chosen;
      const plan = planOf([{ level: 'gateway', guardrail }]);
      const result = scan(plan.set, text, { key: key ?? Buffer.alloc(32) });
      const rows = result.findings.flatMap((finding): readonly Row[] => {
        const judgement = judge(plan, { finding, tool: undefined, path: () => [] });
        if (judgement === undefined) return [];
        const { detector, severity, confidence, fingerprint } = finding;
        const place = placeOf(text, finding.spans[0].from);
        const row = { ...place, class: `${detector}/${finding.class}`, severity, confidence, action: judgement.action };
        return [key === undefined ? row : { ...row, fingerprint }];
      });
      print(context, { file, options, rows, result });
      if (rows.length > 0 || result.unscanned.length > 0) context.exit(exitCodes.no);
    });
}

/** Without a configuration there is what ships. */
async function chosenGuardrail(
  context: Context,
  options: Options,
): Promise<{ readonly guardrail: Guardrail; readonly key?: Buffer } | undefined> {
  const { guardrail: name, direction } = options;
  const path = resolve(context.cwd, configPath(context, options.config));
  if (name === 'recommended' && options.config === undefined && !existsSync(path))
    return { guardrail: recommendedGuardrail(direction) };
  const loaded = await loadOrComplain(context, options);
  if (loaded === undefined) return undefined;
  const guardrail = loaded.policy.guardrail(name, direction);
  if (guardrail === undefined) {
    const remedy = `Known: ${loaded.policy.guardrailNames.join(', ')}.`;
    fail(context, options, { code: exitCodes.usage, problem: `no guardrail is called ${name}`, remedy });
    return undefined;
  }
  const master = openMasterKey(loaded.revision.configuration.data);
  return master.ok ? { guardrail, key: derivedKey(master.key, 'fingerprint') } : { guardrail };
}

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not read it',
};

/** Node takes a folder as stdin for an empty one. */
function openStdin(): NodeJS.ReadableStream {
  if (fstatSync(0).isDirectory()) throw Object.assign(new Error(unreadable['EISDIR']), { code: 'EISDIR' });
  return process.stdin;
}

async function textOf(context: Context, options: Options, file: string): Promise<string | undefined> {
  const name = file === '-' ? 'stdin' : file;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    const stream = file === '-' ? openStdin() : createReadStream(resolve(context.cwd, file));
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) {
        const problem = `${name} is larger than ${maxBytes / 1024 / 1024} MiB`;
        fail(context, options, { code: exitCodes.usage, problem, remedy: 'Scan it in parts.' });
        return undefined;
      }
      chunks.push(chunk);
    }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const problem = `${name} cannot be read: ${unreadable[code] ?? messageOf(error)}`;
    fail(context, options, { code: exitCodes.usage, problem, remedy: 'Name a file that this user may read.' });
    return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let begin = 0;
  for (let next = text.indexOf('\n'); next !== -1 && next < at; next = text.indexOf('\n', next + 1)) {
    line++;
    begin = next + 1;
  }
  return { line, column: at - begin + 1 };
}

interface Printed {
  readonly file: string;
  readonly options: Options;
  readonly rows: readonly Row[];
  readonly result: ScanResult;
}

function print(context: Context, { file, options, rows, result }: Printed): void {
  const unscanned = result.unscanned.map(({ from, to, reason }) => ({ from, to, reason }));
  if (options.sarif === true) return outJson(context, sarif(file, rows));
  if (options.json === true)
    return outJson(context, { ok: rows.length + unscanned.length === 0, findings: rows, unscanned });
  for (const row of rows) {
    const { line, column, severity, action, confidence, fingerprint = '' } = row;
    const text = `${file}:${line}:${column}  ${row.class}  ${severity}, ${Math.round(confidence * 100)} % sure  ${action}  ${fingerprint}`;
    context.out(shownInLine(text.trimEnd()), action === 'observe' ? undefined : 'bad');
  }
  for (const { from, to, reason } of unscanned)
    context.out(shownInLine(`${file}: characters ${from} to ${to} were not scanned (${reason})`), 'bad');
}

const levels: Readonly<Record<Severity, string>> = { low: 'note', medium: 'warning', high: 'error', critical: 'error' };

function sarif(file: string, rows: readonly Row[]): object {
  const rules = [...new Set(rows.map((row) => row.class))].map((id) => ({ id }));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'sallyport', version, rules } },
        results: rows.map((row) => ({
          ruleId: row.class,
          level: levels[row.severity],
          message: { text: `${row.class} (${row.action})` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: file },
                region: { startLine: row.line, startColumn: row.column },
              },
            },
          ],
          ...(row.fingerprint !== undefined && { partialFingerprints: { value: row.fingerprint } }),
        })),
      },
    ],
  };
}
