import { type ConfigKey, configKeys } from './keys.ts'

/** The reference of the configuration, made from the schema; `src/config/README.md` is this text. */
export function referenceText(): string {
  return `# Configuration

Made from [schema.ts](schema.ts) by \`fisherman config reference\`; a test holds this file equal to it.

A value is taken from the first of these that says it: a flag (\`--http-port\` or \`--http.port\`), a variable (\`FISHERMAN_HTTP_PORT\`), the file, the
network, the default. The file is YAML or JSON, at \`--config\` or else at \`$XDG_CONFIG_HOME/fisherman/fisherman.yaml\` (\`~/.config\` without the
variable). Paths in it are relative to it; paths in flags and variables are relative to the working folder. Lists are written with commas in flags
and variables. Unknown keys and variables are refused, anchors and aliases too. \`fisherman config show\` prints what holds and why.

A running daemon reads the file again on SIGHUP. Keys marked *reload* change at once; the others wait for a restart, and the daemon says so. A file
with a mistake changes nothing.

${configKeys().map(entry).join('\n')}`
}

function entry(key: ConfigKey): string {
  const facts = [
    typeText(key),
    key.required ? '**required**' : `default ${defaultText(key)}`,
    ...(key.reload ? ['*reload*'] : []),
    ...(key.variable === undefined ? ['in the file only'] : [`\`${key.flag}\``, `\`${key.variable}\``]),
  ]
  return `- **\`${key.path}\`**: ${key.help}\n  ${facts.join(' · ')}\n`
}

function typeText({ kind, choices, range, isPath, fields }: ConfigKey): string {
  if (choices) return choices.map((word) => `\`${word}\``).join(', ')
  if (kind === 'number') return `number (${range})`
  if (kind === 'boolean') return '`true` or `false`'
  if (fields) return `list of \`{ ${fields.join(', ')} }\``
  return kind === 'list' ? 'list' : isPath ? 'path' : 'text'
}

function defaultText({ default: value, fallback, preset }: ConfigKey): string {
  if (preset) return 'of the network'
  if (fallback !== undefined) return fallback
  if (value === undefined) return 'nothing'
  return `\`${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}\``
}
