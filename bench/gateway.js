// The gateway as it is published: compiled, without the compiler that runs the sources in a clone. `run.ts` builds it.
const { run } = await import('../gateway/dist/cli/main.js');
await run(process.argv.slice(2));
