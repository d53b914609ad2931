import { type Command, Option } from 'commander'
import type { ConfigKey } from '../config/keys.ts'

/** Adds a flag for each key that one word or a list can say. */
export function withConfigFlags(command: Command, keys: readonly ConfigKey[]): Command {
  for (const key of keys) {
    if (key.flag === undefined) continue
    const option = new Option(`${key.flag} ${shapeOf(key)}`, key.help)
    if (key.choices) option.choices(key.choices)
    if (key.kind === 'boolean') option.preset('true')
    // Said twice, a list is longer.
    if (key.kind === 'list')
      option.argParser((value: string, before: string | undefined) => (before === undefined ? value : `${before},${value}`))
    command.addOption(option)
  }
  return command
}

function shapeOf({ kind, isPath }: ConfigKey): string {
  if (kind === 'boolean') return '[true|false]'
  if (kind === 'number') return '<number>'
  return kind === 'list' ? '<a,b>' : isPath ? '<path>' : '<text>'
}

/** What was given of them, by path, for `loadConfig`. */
export function configFlagsOf(options: object, keys: readonly ConfigKey[]): Record<string, string> {
  const given = options as Record<string, unknown>
  return Object.fromEntries(
    keys.flatMap(({ flag, path }) => {
      const value = flag === undefined ? undefined : given[new Option(`${flag} <value>`).attributeName()]
      return typeof value === 'string' ? [[path, value]] : []
    }),
  )
}

/** `--http.port` and `--key.passwordFile` are `--http-port` and `--key-password-file`. */
export function undotted(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  return argv.map((word, at) =>
    end !== -1 && at > end
      ? word
      : word.replace(/^--[a-z][a-zA-Z]*(\.[a-zA-Z]+)+(?==|$)/, (name) =>
          name.replaceAll('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
        ),
  )
}
