/** What an argument stands for in the system behind a tool, as the operator says it. */

export type ArgumentRole =
  /** A path of files. `under`: absolute folders; a relative path is taken from the first of them. */
  | { readonly role: 'path'; readonly under: readonly string[] }
  /** `hosts`: names, or `*.` and a name; without them any public host. */
  | {
      readonly role: 'url';
      readonly schemes: readonly string[];
      readonly hosts: readonly string[];
      readonly private: 'allow' | 'deny';
    }
  | { readonly role: 'host'; readonly hosts: readonly string[]; readonly private: 'allow' | 'deny' }
  | { readonly role: 'identifier'; readonly maxLength: number }
  /** Bounds in milliseconds from now, or since the epoch. */
  | { readonly role: 'date'; readonly after?: Moment | undefined; readonly before?: Moment | undefined }
  | {
      readonly role: 'limit';
      readonly min?: number | undefined;
      readonly max?: number | undefined;
      readonly clamp: boolean;
    };

export type Moment = { readonly fromNow: number } | { readonly at: number };

/** An argument: its name, or the parts of a JSON pointer into the arguments. */
export interface RoledArgument {
  readonly pointer: readonly string[];
  readonly role: ArgumentRole;
}
