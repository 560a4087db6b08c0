/**
 * What every plug-in says of itself. Lists of plug-ins stand in the folder that owns them; the schema of the
 * configuration, its documentation and the JSON Schema for editors are assembled from the lists.
 */
import type { z } from 'zod';

export interface PlugIn<Id extends string = string, Options extends z.ZodType = z.ZodType> {
  /** Its key in the configuration. It stands in records and never changes. */
  readonly id: Id;
  /** One sentence for the documentation. */
  readonly summary: string;
  /** What may stand under its key. */
  readonly options: Options;
}

/** The keys of a list of plug-ins, each of which may be absent. */
export type OptionalKeys<List extends readonly PlugIn[]> = {
  [Each in List[number] as Each['id']]: z.ZodOptional<Each['options']>;
};

export function optionalKeys<const List extends readonly PlugIn[]>(list: List): OptionalKeys<List> {
  return Object.fromEntries(
    list.map(({ id, summary, options }) => [id, options.optional().describe(summary)]),
  ) as OptionalKeys<List>;
}

/** The keys of a list of plug-ins. Their options say whether a key may be absent. */
export type Keys<List extends readonly PlugIn[]> = { [Each in List[number] as Each['id']]: Each['options'] };

export function plugInKeys<const List extends readonly PlugIn[]>(list: List): Keys<List> {
  return Object.fromEntries(list.map(({ id, summary, options }) => [id, options.describe(summary)])) as Keys<List>;
}

/** The keys of a list of limits, all together. */
export type Bounds<List extends readonly { readonly options: z.ZodRawShape }[]> = UnionToIntersection<
  List[number]['options']
>;
type UnionToIntersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (
  all: infer All extends z.ZodRawShape,
) => void
  ? All
  : never;

export function boundsOf<const List extends readonly { readonly options: z.ZodRawShape }[]>(list: List): Bounds<List> {
  return Object.assign({}, ...list.map(({ options }) => options)) as Bounds<List>;
}
