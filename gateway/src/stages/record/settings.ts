/** What the `audit` section of the configuration becomes for the log. Plain data: it crosses to another thread. */
export type Capture = 'full' | 'redacted' | 'digest';
export type Tier = 'read' | 'write' | 'destructive';

export interface AuditSettings {
  readonly enabled: boolean;
  readonly durability: 'before-reply' | 'before-forward' | 'none';
  readonly onFailure: Readonly<Record<Tier, 'refuse' | 'allow'>>;
  readonly capture: CaptureSettings;
  readonly retention: RetentionSettings;
  readonly anchors: AnchorSettings;
  readonly index: boolean;
  readonly queue: { readonly records: number; readonly bytes: number };
}

/** Ages in milliseconds, `size` of the log and `reserve` of its disk in bytes; without any nothing is dropped. */
export type RetentionSettings = Readonly<Partial<Record<Tier | 'records' | 'size' | 'reserve', number>>>;

export interface AnchorSettings {
  /** Milliseconds between two checkpoints. */
  readonly every: number;
  readonly files: readonly string[];
  readonly urls: readonly string[];
  readonly witnesses: readonly { readonly url: string; readonly key: string }[];
  /** Time stamping authorities; `policy` is the object identifier that they must stamp under. */
  readonly timestamps: readonly { readonly url: string; readonly policy?: string | undefined }[];
}

export interface CaptureSettings {
  readonly tiers: Readonly<Record<Tier, Capture>>;
  readonly connections: Readonly<Record<string, Capture>>;
  /** Longest text of arguments or a result that is kept. */
  readonly limit: number;
}

const strictness: readonly Capture[] = ['full', 'redacted', 'digest'];

/** What a connection says wins over its tier; of several connections the strictest one counts. */
export function captureOf(
  { tiers, connections }: CaptureSettings,
  tier: Tier | undefined,
  names: readonly string[],
): Capture {
  let strictest = -1;
  for (const name of names)
    if (Object.hasOwn(connections, name))
      strictest = Math.max(strictest, strictness.indexOf(connections[name] ?? 'full'));
  return strictness[strictest] ?? tiers[tier ?? 'read'];
}
