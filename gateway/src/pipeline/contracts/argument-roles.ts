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
    }
  | SqlRole
  /** Programs by name, each with the patterns (`*`) that its arguments may match. */
  | { readonly role: 'shell'; readonly programs: Readonly<Record<string, readonly string[]>> }
  | {
      readonly role: 'html';
      readonly elements: readonly string[];
      readonly attributes: readonly string[];
      /** Of the URLs in attributes. */
      readonly schemes: readonly string[];
    };

export const sqlDialects = ['postgresql', 'mysql', 'mariadb', 'sqlite', 'transactsql'] as const;
export type SqlDialect = (typeof sqlDialects)[number];
export const sqlStatements = ['select', 'insert', 'update', 'delete', 'merge'] as const;
export type SqlStatement = (typeof sqlStatements)[number];

/** One statement, and no other inside of it. */
export interface SqlRole {
  readonly role: 'sql';
  readonly dialect: SqlDialect;
  readonly statements: readonly SqlStatement[];
  /** `name` or `schema.name`; `*` stands for any characters of one part. */
  readonly tables: readonly string[];
  /** Functions beside those that are always allowed. */
  readonly functions: readonly string[];
}

export type Moment = { readonly fromNow: number } | { readonly at: number };

/** An argument: its name, or the parts of a JSON pointer into the arguments. */
export interface RoledArgument {
  readonly pointer: readonly string[];
  readonly role: ArgumentRole;
}
