/** Facts of a log line: the sentence stays constant, so that lines can be counted and searched. */
export type LogFields = Readonly<Record<string, unknown>>

/** What every room needs of a logger; `observe` builds the real one. Messages are constant sentences, variables go into fields. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** Says nothing: where everything that matters is returned or thrown. */
export const SILENT: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
