/**
 * AWS through its own SDK: an optional peer, which the operator installs and which is loaded only where the configuration
 * names a service of AWS.
 */

export interface AwsAccess {
  readonly region: string;
  /** The service's own endpoint when not given. */
  readonly endpoint?: string | undefined;
  /** Without keys the standard chain is asked: variables, shared files, web identity, container and instance roles. */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly sessionToken?: string | undefined;
}

const requestTimeoutMs = 10_000;
const connectTimeoutMs = 5_000;

/** The options of a client of the SDK. */
export function awsOptions({ region, endpoint, accessKeyId, secretAccessKey, sessionToken }: AwsAccess) {
  const keys =
    accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } };
  return {
    region,
    ...keys,
    ...(endpoint === undefined ? {} : { endpoint }),
    maxAttempts: 2,
    requestHandler: { connectionTimeout: connectTimeoutMs, requestTimeout: requestTimeoutMs },
  };
}

/** Loads an SDK package. The remedy stands in the error where it is not installed. */
export async function loadAws<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')
      throw new Error(`the package ${name} is not installed. Run: npm install ${name}`, { cause: error });
    throw error;
  }
}

/** One request, bounded in time together with the search for credentials. An error says what AWS calls it, and no more. */
export async function askAws<Answer>(
  operation: string,
  ask: (options: { readonly abortSignal: AbortSignal }) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask({ abortSignal: AbortSignal.timeout(2 * requestTimeoutMs) });
  } catch (error) {
    const name = error instanceof Error && /^[A-Za-z]{1,64}$/.test(error.name) ? error.name : 'an error';
    throw new Error(`AWS ${operation}: ${name}`, { cause: error });
  }
}
