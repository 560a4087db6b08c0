/** Wraps the data key of one secret. What a provider wraps for one context it opens for no other. */
export interface KeyProvider {
  /** Stands beside what was wrapped, so that it is opened by the provider that made it. */
  readonly id: string;
  wrap(dataKey: Buffer, context: string): Promise<string>;
  /** Throws when it was not wrapped here, for this context. */
  unwrap(wrapped: string, context: string): Promise<Buffer>;
}
