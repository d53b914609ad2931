import type { Command } from 'commander'
import { nearest } from '../config/nearest.ts'
import { usage } from './complain.ts'
import { TOPICS } from './topics.ts'

/** `fisherman help`: commands as ever, and topics in words. */
export function declareHelp(program: Command): void {
  program
    .command('help [words...]')
    .description(`help for a command, or about a topic: ${Object.keys(TOPICS).join(', ')}`)
    .action((words: string[]) => console.log(helpOf(program, words)))
}

/** Throws `bad-usage` with the nearest name for what is neither. */
function helpOf(program: Command, words: readonly string[]): string {
  const [first] = words
  if (first === undefined) return `${program.helpInformation()}\nTopics (fisherman help TOPIC):\n${listOf()}`
  const topic = TOPICS[first]
  if (topic && words.length === 1) {
    const about = `${first}: ${topic.about}\n${topic.text}`
    // Whoever asks about both wants to know what it is for, and how it is called.
    const same = program.commands.find((one) => one.name() === first)
    return same ? `${about}\n\n${same.helpInformation()}` : about
  }
  let command = program
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word)
    if (!next) {
      const near = nearest(word, [...command.commands.map((one) => one.name()), ...Object.keys(TOPICS)])
      throw usage(`there is no command or topic '${words.join(' ')}'${near ? `; did you mean ${near}?` : ''}`)
    }
    command = next
  }
  return command.helpInformation()
}

function listOf(): string {
  return Object.entries(TOPICS)
    .map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`)
    .join('\n')
}
