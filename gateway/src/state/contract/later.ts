/**
 * What a store answers: at once where it is in this process, later where it is not. A caller that can wait awaits it; one
 * that cannot takes a `Local` store, and the compiler holds it to that.
 */
export type Later<Value> = Value | Promise<Value>;

/** A store that answers at once. */
export type Local<Store> = {
  readonly [Name in keyof Store]: Store[Name] extends (...values: infer Values) => infer Answer
    ? (...values: Values) => Awaited<Answer>
    : Store[Name];
};
