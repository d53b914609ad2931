import { messageOf } from './errors.ts'
import type { Logger } from './log.ts'

/** Steps that undo what was opened, newest first, each tried whatever the others do. */
export class Closers {
  private readonly steps: { name: string; close: () => unknown }[] = []
  constructor(private readonly logger: Logger) {}
  add(name: string, close: () => unknown): void {
    this.steps.push({ name, close })
  }
  async closeAll(): Promise<void> {
    for (const { name, close } of this.steps.splice(0).reverse()) {
      try {
        await close()
      } catch (error) {
        this.logger.warn('Could not be closed', { name, reason: messageOf(error) })
      }
    }
  }
}
